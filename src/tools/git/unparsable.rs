//! Settings of the line and of its environment that git cannot read, of which nearly every command dies.

use super::facts::canonical;
use super::meaning::Scene;
use super::options;

/// Whether this is a command that dies of a setting it cannot read. git's own programs are not held to it: each has its
/// way of asking, or never asks.
pub fn reads_configuration(scene: &Scene<'_>, name: &str) -> bool {
    let never = [
        "check-ref-format",
        "credential-cache",
        "credential-cache--daemon",
        "credential-store",
        "help",
        "remote-ext",
        "remote-fd",
        "stripspace",
        "version",
    ];
    options::is_builtin(name, scene.version) && !never.contains(&name)
}

/// Settings of the line that git says no to before anything else (config.c, `git_config_from_parameters`): it could not
/// list its configuration either.
pub fn is_so(scene: &Scene<'_>) -> bool {
    let bad = |setting: &String| {
        let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
        let relative = canonical(key) == "include.path" && !value.starts_with(['/', '~']);
        relative || !is_key(key)
    };
    let count = scene.variable("GIT_CONFIG_COUNT").filter(|count| !count.is_empty());
    // strtoul(3) takes a sign of either kind.
    let number = |count: &str| count.strip_prefix(['-', '+']).unwrap_or(count).parse::<u64>().is_ok();
    let miscounted = count.is_some_and(|count| !number(count.trim_start()));
    scene.known.config.is_none() && (miscounted || scene.globals.settings.iter().any(bad))
}

/// git.c, `handle_options`, and config.c, `git_config_push_env`: the variable must be there, whatever the command is.
pub fn names_no_variable(scene: &Scene<'_>) -> bool {
    scene.globals.settings_from_variables.iter().any(|setting| match setting.rsplit_once('=') {
        Some((_, variable)) => variable.is_empty() || scene.known.unset.iter().any(|name| name == variable),
        None => true,
    })
}

/// config.c, `git_config_parse_key`.
fn is_key(key: &str) -> bool {
    let (Some(first), Some(last)) = (key.find('.'), key.rfind('.')) else { return false };
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let name = &key[last + 1..];
    last > 0 && plain(&key[..first]) && plain(name) && name.starts_with(|c: char| c.is_ascii_alphabetic())
}
