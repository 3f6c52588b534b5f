//! What a reading of git needs from the machine, in types of our own. All of it is claimed by the agent's side.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Bytes, Content, Facts};

use super::nested::Nested;
use super::ssh;

/// Names under which the facts travel.
pub mod name {
    pub const CONFIG: &str = "git.config";
    pub const PLACE: &str = "git.place";
    pub const HEAD: &str = "git.head";
    pub const REFS: &str = "git.refs";
    pub const HOOKS: &str = "git.hooks";
    pub const ATTRIBUTES: &str = "git.attributes";
    pub const PROGRAMS: &str = "git.programs";
    pub const VARIABLES_SET: &str = "git.variables_set";
    pub const LEGACY_REMOTES: &str = "git.legacy_remotes";
    pub const MODULES: &str = "git.modules";
    pub const NESTED: &str = "git.nested";
    pub const PEER_HOOKS: &str = "git.peer_hooks";
    pub const SIGNED: &str = "git.signed";
    pub const UNSET: &str = "git.unset";
    pub const NO_FOLDER: &str = "git.no_folder";
    pub const BISECTING: &str = "git.bisecting";
    pub const UNMERGED: &str = "git.unmerged";
    pub const RESOLVED: &str = "git.resolved";
    pub const SSH: &str = "git.ssh";
}

/// One line of `git config --list --show-scope`, in git's order (the last one wins). Passwords in URLs are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `system`, `global`, `local`, `worktree` or `command`.
    pub scope: String,
    /// As git prints it: section and name in lower case, the part between as written.
    pub key: String,
    /// Null where only the name stands, which git takes as true.
    pub value: Option<String>,
}

/// Where the repository is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Absolute.
    pub git_dir: Bytes,
    /// Absolute path of the top of the work tree; null in a bare repository.
    pub work_tree: Option<Bytes>,
}

/// The names of the local refs, full.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Refs {
    pub names: Vec<String>,
    /// Tags that are objects of their own: what --follow-tags may send.
    #[serde(default)]
    pub annotated: Vec<String>,
    /// There were more than travel.
    pub truncated: bool,
}

/// Everything at once, as the reading uses it.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub config: Option<Config>,
    pub place: Option<Place>,
    /// The full name of the ref that HEAD is; the inner null says that HEAD is detached.
    pub head: Option<String>,
    pub refs: Option<Refs>,
    pub hooks: Vec<String>,
    /// Assignments of drivers in attributes files: `diff=x`, `filter=lfs`, `merge=union`.
    pub attributes: Vec<String>,
    /// Programs that were looked for, and where they are.
    pub programs: BTreeMap<String, Option<Bytes>>,
    /// Variables that are set and whose values stay on the machine.
    pub variables_set: Vec<String>,
    /// What the old kinds of files say of remotes, as configuration.
    pub legacy_remotes: Vec<Entry>,
    /// `.gitmodules`, as configuration; `None` where it is not known.
    pub modules: Option<Vec<Entry>>,
    pub nested: Nested,
    /// Hooks of the repositories on this machine that a push would go to.
    pub peer_hooks: Vec<String>,
    /// Whether anything that a ref leads to is signed; `None` where nobody looked.
    pub signed: Option<bool>,
    /// The folder of a `-C` is not there.
    pub no_folder: bool,
    /// Variables that `--config-env` names and that are not set.
    pub unset: Vec<String>,
    /// Whether a bisection has begun; `None` where nobody looked.
    pub bisecting: Option<bool>,
    /// Whether the index holds a file that is still to be merged; `None` where nobody looked.
    pub unmerged: Option<bool>,
    /// Whether git says that the words name what they seem to; `None` where nobody asked.
    pub resolved: Option<bool>,
    /// What ssh's own configuration says that leads somewhere or starts something.
    pub ssh: Vec<ssh::Line>,
    /// Standard input, where the command takes its orders from it.
    pub stdin: Option<Content>,
}

impl Known {
    pub fn of(facts: &Facts) -> Self {
        Known {
            config: facts.get::<Vec<Entry>>(name::CONFIG).map(Config),
            place: facts.get(name::PLACE),
            head: facts.get(name::HEAD),
            refs: facts.get(name::REFS),
            hooks: facts.get(name::HOOKS).unwrap_or_default(),
            attributes: facts.get(name::ATTRIBUTES).unwrap_or_default(),
            programs: facts.get(name::PROGRAMS).unwrap_or_default(),
            variables_set: facts.get(name::VARIABLES_SET).unwrap_or_default(),
            legacy_remotes: facts.get(name::LEGACY_REMOTES).unwrap_or_default(),
            modules: facts.get(name::MODULES),
            nested: facts.get(name::NESTED).unwrap_or_default(),
            peer_hooks: facts.get(name::PEER_HOOKS).unwrap_or_default(),
            signed: facts.get(name::SIGNED),
            unset: facts.get(name::UNSET).unwrap_or_default(),
            no_folder: facts.get(name::NO_FOLDER).unwrap_or_default(),
            bisecting: facts.get(name::BISECTING),
            unmerged: facts.get(name::UNMERGED),
            resolved: facts.get(name::RESOLVED),
            ssh: facts.get(name::SSH).unwrap_or_default(),
            stdin: facts.stdin().cloned(),
        }
    }
}

/// git's configuration, all scopes, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config(pub Vec<Entry>);

impl Config {
    /// Reads the output of `git config --list -z --show-scope`: `scope NUL key LF value NUL`, or `key NUL` alone.
    pub fn parse(output: &[u8]) -> Self {
        let mut fields = output.split(|b| *b == 0);
        let mut entries = Vec::new();
        while let (Some(scope), Some(pair)) = (fields.next(), fields.next()) {
            let text = |bytes: &[u8]| Bytes::from(bytes).text().map(str::to_owned);
            let (key, value) = match pair.iter().position(|b| *b == b'\n') {
                Some(at) => (&pair[..at], Some(&pair[at + 1..])),
                None => (pair, None),
            };
            // What is not text cannot name a remote or a ref; its bytes are shown escaped.
            let shown = |bytes: &[u8]| text(bytes).unwrap_or_else(|| bytes.escape_ascii().to_string());
            entries.push(Entry { scope: shown(scope), key: shown(key), value: value.map(shown) });
        }
        Config(entries)
    }

    /// Adds what `-c` on the line says, where git has not reported it already.
    pub fn add_command(&mut self, setting: &str) {
        let (key, value) = match setting.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (setting, None),
        };
        let key = canonical(key);
        let value = value.map(|value| without_password(&value));
        if !self.0.iter().any(|e| e.scope == "command" && e.key == key && e.value == value) {
            self.0.push(Entry { scope: "command".into(), key, value });
        }
    }

    /// The last value; a name without value is `true`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|e| e.key == key).map(|e| e.value.as_deref().unwrap_or("true"))
    }

    /// The last value of the system or the user: what git believes in a repository that it does not trust.
    pub fn get_protected(&self, key: &str) -> Option<&str> {
        let ours = |e: &&Entry| e.key == key && matches!(e.scope.as_str(), "system" | "global");
        self.0.iter().rev().find(ours).map(|e| e.value.as_deref().unwrap_or("true"))
    }

    /// Every value, in git's order.
    pub fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter(|e| e.key == key).map(|e| e.value.as_deref().unwrap_or("true")).collect()
    }

    /// As git reads a boolean; `None` where it is unset or not one.
    pub fn bool(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(parse_bool)
    }

    /// `(middle, value)` of every `section.<middle>.name`.
    pub fn middles<'a>(&'a self, section: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |e| {
            let rest = e.key.strip_prefix(section)?.strip_prefix('.')?;
            let (middle, last) = rest.rsplit_once('.')?;
            (last == name).then(|| (middle, e.value.as_deref().unwrap_or("true")))
        })
    }

    /// Names of the configured remotes, in order of appearance.
    pub fn remotes(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for entry in self.0.iter().filter(|e| e.scope != super::described::OLD_KIND) {
            let named = entry.key.strip_prefix("remote.").and_then(|rest| rest.rsplit_once('.'));
            if let Some((remote, _)) = named
                && !names.contains(&remote)
            {
                names.push(remote);
            }
        }
        names
    }
}

/// A configuration key as git prints it.
pub fn canonical(key: &str) -> String {
    match (key.find('.'), key.rfind('.')) {
        (Some(first), Some(last)) => {
            format!("{}{}{}", key[..first].to_lowercase(), &key[first..last], key[last..].to_lowercase())
        }
        _ => key.to_lowercase(),
    }
}

/// git-config(1), "boolean".
pub fn parse_bool(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" | "" => Some(false),
        _ => parse_number(value).map(|number| number != 0),
    }
}

/// config.c, `git_parse_int`: strtoimax(3) of any base, and a unit.
pub fn parse_number(value: &str) -> Option<i64> {
    let value = value.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (sign, rest) = match value.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, value.strip_prefix('+').unwrap_or(value)),
    };
    let (rest, unit) = match rest.strip_suffix(|c: char| matches!(c.to_ascii_lowercase(), 'k' | 'm' | 'g')) {
        Some(number) => (number, 1 << (10 * (1 + "kmg".find(rest[number.len()..].to_ascii_lowercase().as_str())?))),
        None => (rest, 1),
    };
    let (digits, base) = match rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if rest.starts_with('0') => (rest, 8),
        None => (rest, 10),
    };
    let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
    let number = i64::from_str_radix(digits, base).ok().filter(|_| plain)?;
    number.checked_mul(unit * sign).filter(|number| i32::try_from(*number).is_ok())
}

/// The same text without the password of a URL in it, and without the value of an authorization header.
pub fn without_password(value: &str) -> String {
    if let Some((name, _)) = value.split_once(':')
        && matches!(
            name.trim().to_ascii_lowercase().as_str(),
            "authorization" | "proxy-authorization" | "cookie" | "private-token"
        )
    {
        return format!("{name}: REDACTED");
    }
    let Some(start) = value.find("://").map(|at| at + 3) else { return value.to_owned() };
    let end = value[start..].find(['/', '?', '#', ' ']).map_or(value.len(), |n| start + n);
    let Some(at) = value[start..end].rfind('@').map(|n| start + n) else { return value.to_owned() };
    match value[start..at].find(':') {
        Some(colon) => format!("{}:REDACTED{}", &value[..start + colon], &value[at..]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_reads_as_git_writes_it() {
        let config = Config::parse(b"local\0remote.Ori.gin.url\nhttps://h/x\0command\0core.bare\0local\0a.b\nx\ny\0");
        assert_eq!(config.get("remote.Ori.gin.url"), Some("https://h/x"));
        assert_eq!(config.bool("core.bare"), Some(true));
        assert_eq!(config.get("a.b"), Some("x\ny"));
        assert_eq!(config.remotes(), ["Ori.gin"]);
    }

    #[test]
    fn a_number_is_one_in_every_way_that_git_takes_it() {
        for (text, number) in [("0x10", 16), ("010", 8), ("+1", 1), (" -1k", -1024), ("0x0", 0), ("00", 0), ("0K", 0)] {
            assert_eq!(parse_number(text), Some(number), "{text}");
        }
        for text in ["", "-", "k", "08", "0x", "1 ", "x", "--1", "+-1", "3g", "1kk", "0x-1"] {
            assert_eq!(parse_number(text), None, "{text}");
        }
        assert_eq!((parse_bool("0x0"), parse_bool("k"), parse_bool("2m")), (Some(false), None, Some(true)));
    }

    #[test]
    fn no_password_leaves_the_machine() {
        assert_eq!(without_password("https://u:p@ss@h/x"), "https://u:REDACTED@h/x");
        assert_eq!(without_password("https://h/x@y:z"), "https://h/x@y:z");
        assert_eq!(without_password("git@h:x"), "git@h:x");
        assert_eq!(without_password("Authorization: Bearer x"), "Authorization: REDACTED");
    }

    #[test]
    fn keys_of_the_line_are_compared_as_git_prints_them() {
        assert_eq!(canonical("Remote.Origin.PushURL"), "remote.Origin.pushurl");
        let mut config = Config::default();
        config.add_command("core.fsMonitor");
        config.add_command("core.fsmonitor");
        assert_eq!(config.0.len(), 1);
        assert_eq!(config.bool("core.fsmonitor"), Some(true));
    }
}
