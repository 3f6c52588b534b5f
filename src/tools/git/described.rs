//! Files that git reads beside its configuration: the old kinds of remotes (gitrepository-layout(5), `remotes/` and
//! `branches/`) and `.gitmodules` (gitmodules(5)).

use crate::tools::World;

use super::facts::{Config, Entry, Place};
use super::gather::Ask;
use super::options::text;

/// Marks entries that stand in no configuration: they make no remote known by its name alone.
pub const OLD_KIND: &str = "file";

/// What the old files say, in the words of the configuration (remote.c, `read_remotes_file`, `read_branches_file`).
pub fn old_remotes(world: &dyn World, place: &Place, config: Option<&Config>) -> Vec<Entry> {
    let branch = config.and_then(|c| c.get("init.defaultbranch")).unwrap_or("master");
    let mut found: Vec<Entry> = Vec::new();
    for folder in [&b"/remotes/"[..], b"/branches/"] {
        let at = [place.git_dir.as_slice(), folder].concat();
        for file in world.list(&at).unwrap_or_default().iter().take(world.limits().files) {
            let name = text(file);
            // A remote has one description: what is configured, else the first kind of file.
            let known = format!("remote.{name}.url");
            let configured = config.is_some_and(|c| c.get(&known).is_some());
            if configured || found.iter().any(|entry| entry.key == known) {
                continue;
            }
            let Some(content) = world.file(&[at.as_slice(), file.as_slice()].concat()) else { continue };
            let lines = text(&content.bytes);
            let entry = |key: &str, value: &str| Entry {
                scope: OLD_KIND.to_owned(),
                key: format!("remote.{name}.{key}"),
                value: Some(value.trim_end().to_owned()),
            };
            if folder == b"/remotes/" {
                let kinds = [("URL:", "url"), ("Push:", "push"), ("Pull:", "fetch")];
                let told = |line: &str| {
                    let (key, value) = kinds.iter().find_map(|(k, key)| Some((key, line.strip_prefix(k)?)))?;
                    Some(entry(key, value.trim_start()))
                };
                found.extend(lines.lines().filter_map(told));
            } else if let Some(line) = lines.lines().next().map(str::trim).filter(|line| !line.is_empty()) {
                let (url, part) = line.split_once('#').unwrap_or((line, branch));
                found.push(entry("url", url));
                found.push(entry("push", &format!("HEAD:refs/heads/{part}")));
            }
        }
    }
    found
}

/// The submodules of the work tree's `.gitmodules`, by name and URL as written; `None` where it cannot be read.
pub fn modules(place: &Place, ask: &Ask<'_>, world: &dyn World) -> Option<Vec<Entry>> {
    let file = [place.work_tree.as_ref()?.as_slice(), b"/.gitmodules"].concat();
    if !world.is_file(&file) {
        return Some(Vec::new());
    }
    let listed = ask(&[b"config", b"--list", b"-z", b"--show-scope", b"--file", &file])?;
    Some(Config::parse(&listed).0)
}

/// A URL of `.gitmodules` as git takes it: `./` and `../` go from where the superproject comes from
/// (remote.c, `relative_url`).
pub fn module_url(url: &str, above: &str) -> String {
    if !(url.starts_with("./") || url.starts_with("../")) {
        return url.to_owned();
    }
    let (mut base, mut rest) = (above.trim_end_matches('/').to_owned(), url);
    let mut colon = false;
    loop {
        if let Some(after) = rest.strip_prefix("../") {
            rest = after;
            match (base.rfind('/'), base.rfind(':')) {
                (Some(at), _) => base.truncate(at),
                (None, Some(at)) => {
                    base.truncate(at);
                    colon = true;
                }
                (None, None) => base = ".".to_owned(),
            }
        } else if let Some(after) = rest.strip_prefix("./") {
            rest = after;
        } else {
            break;
        }
    }
    format!("{base}{}{}", if colon { ":" } else { "/" }, rest.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::module_url;

    #[test]
    fn a_relative_submodule_goes_from_its_superproject() {
        assert_eq!(module_url("../lib.git", "https://h/acme/app.git"), "https://h/acme/lib.git");
        assert_eq!(module_url("./lib", "git@h:app"), "git@h:app/lib");
        assert_eq!(module_url("../lib", "git@h:app"), "git@h:lib");
        assert_eq!(module_url("../../x/lib/", "/srv/a/b"), "/srv/x/lib");
        assert_eq!(module_url("https://e/x", "/srv/a"), "https://e/x");
    }
}
