//! What git starts for itself: `git pull` starts `git fetch`, which starts `git-remote-https`, which starts
//! `git fetch-pack`. All of it is what the line above was allowed to do, so it is not asked about once more.
//!
//! Only the command right below another counts, and only where the one starts the other by itself (git's sources,
//! 2.39 to 2.47, run_command with `git_cmd`). A hook, an alias or an editor that calls git is not in that place. One
//! that takes the place of a child of git's own by exec(3) may be: so nothing passes here that would write to another
//! host, change the configuration, or start what a line with `-c` names, and none of it is lent anything.

use super::line;
use crate::model::Bytes;
use crate::tools::OwnPrograms;

pub struct Own;

/// Commands that read, or write objects and refs that they are given: below whatever command of git's.
const PLUMBING: &[&str] = &[
    "cat-file",
    "check-attr",
    "check-ignore",
    "check-ref-format",
    "checkout-index",
    "column",
    "commit-graph",
    "commit-tree",
    "credential-cache",
    "credential-cache--daemon",
    "credential-store",
    "diff-files",
    "diff-index",
    "diff-tree",
    "for-each-ref",
    "gc",
    "hash-object",
    "index-pack",
    "interpret-trailers",
    "ls-files",
    "ls-tree",
    "mailinfo",
    "mailsplit",
    "maintenance",
    "merge-base",
    "merge-file",
    "merge-index",
    "merge-octopus",
    "merge-one-file",
    "merge-ours",
    "merge-recursive",
    "merge-resolve",
    "merge-subtree",
    "mktree",
    "multi-pack-index",
    "name-rev",
    "pack-objects",
    "pack-refs",
    "prune",
    "prune-packed",
    "read-tree",
    "reflog",
    "repack",
    "rerere",
    "rev-list",
    "rev-parse",
    "sh-i18n--envsubst",
    "show-ref",
    "stripspace",
    "submodule--helper",
    "symbolic-ref",
    "unpack-file",
    "unpack-objects",
    "update-index",
    "update-server-info",
    "var",
    "version",
    "worktree",
    "write-tree",
];

/// Lines that print one thing about git itself.
const TOLD: &[&str] = &["--exec-path", "--html-path", "--info-path", "--man-path", "--version"];

/// Who starts which of the others.
const CHILDREN: &[(&str, &[&str])] = &[
    ("am", &["commit", "notes", "stash"]),
    ("bisect", &["bisect--helper", "checkout", "log", "show-branch", "update-ref"]),
    ("checkout", &["submodule"]),
    ("cherry-pick", &["commit", "merge"]),
    ("clone", &["fetch", "submodule"]),
    ("commit", &["add--interactive"]),
    ("merge", &["reset", "stash"]),
    ("pull", &["fetch", "merge", "rebase", "submodule"]),
    ("rebase", &["am", "apply", "checkout", "commit", "format-patch", "merge", "notes", "reset", "stash"]),
    ("revert", &["commit", "merge"]),
    ("stash", &["apply", "checkout", "clean", "reset", "update-ref"]),
    ("status", &["status"]),
    ("submodule", &["describe", "log", "status", "update-ref"]),
    ("submodule--helper", &["add", "checkout", "clone", "fetch", "merge", "rebase", "reset", "status", "submodule"]),
    ("worktree", &["branch", "reset", "update-ref"]),
];

/// Who talks to another host through a helper `git-remote-NAME`.
const TALKERS: &[&str] =
    &["archive", "clone", "fetch", "ls-remote", "pull", "push", "remote", "submodule", "submodule--helper"];
const SERVERS: &[&str] = &["receive-pack", "upload-archive", "upload-pack"];
const REMOTE_HELPERS: &[&str] = &["remote-ftp", "remote-ftps", "remote-http", "remote-https"];

/// What `git NAME` hands over to a program called `git-NAME`; every other command is git itself.
const PROGRAMS: &[&str] = &[
    "add--interactive",
    "bisect",
    "daemon",
    "difftool--helper",
    "filter-branch",
    "http-backend",
    "http-fetch",
    "http-push",
    "imap-send",
    "instaweb",
    "merge-octopus",
    "merge-one-file",
    "merge-resolve",
    "mergetool",
    "quiltimport",
    "request-pull",
    "shell",
    "submodule",
    "subtree",
    "web--browse",
];

impl OwnPrograms for Own {
    fn variable(&self) -> &'static str {
        "GIT_EXEC_PATH"
    }

    fn folder_question(&self) -> &'static [&'static str] {
        &["--exec-path"]
    }

    /// The other end, where the repository is a folder. They serve on streams that git has opened and talk to no host.
    fn by_shell(&self) -> &'static [&'static str] {
        SERVERS
    }

    fn prefix(&self) -> &'static str {
        "git-"
    }

    fn role(&self, args: &[Bytes]) -> Option<String> {
        if let [word] = args
            && let Some(told) = TOLD.iter().find(|told| told.as_bytes() == word.as_slice())
        {
            return Some((*told).to_owned());
        }
        let name = args.get(line::global_words(args))?.as_slice();
        let plain = name.first().is_some_and(u8::is_ascii_lowercase) && name.len() <= 40;
        str::from_utf8(name).ok().filter(|_| plain).map(str::to_owned)
    }

    fn starts(&self, above: &str, own: bool, args: &[Bytes]) -> bool {
        let Some(name) = self.role(args) else { return false };
        let name = name.as_str();
        let Some(at) = command(args).filter(|_| !TOLD.contains(&name)) else { return TOLD.contains(&name) };
        let options = || args[at + 1..].iter().map(Bytes::as_slice).take_while(|word| *word != b"--");
        match name {
            // Of these two only the form that works on streams which another process has opened.
            "fetch-pack" | "send-pack" => {
                REMOTE_HELPERS.contains(&above) && options().any(|word| word == b"--stateless-rpc")
            }
            _ if REMOTE_HELPERS.contains(&name) => TALKERS.contains(&above) || above == name,
            _ if SERVERS.contains(&name) => own && TALKERS.contains(&above),
            _ if own && above == name => PROGRAMS.contains(&name),
            // Without these it would wait for an editor, or change what it was not asked to.
            "config" => options().any(|word| word.starts_with(b"--get")),
            _ => {
                PLUMBING.contains(&name) || CHILDREN.iter().any(|(parent, own)| *parent == above && own.contains(&name))
            }
        }
    }
}

/// Where the command stands in a line that says nothing of settings or programs.
fn command(args: &[Bytes]) -> Option<usize> {
    let at = line::global_words(args);
    let named = [&b"-c"[..], b"--config-env", b"--exec-path"];
    let changes = |word: &Bytes| {
        named
            .iter()
            .any(|option| word.as_slice().strip_prefix(*option).is_some_and(|rest| rest.is_empty() || rest[0] == b'='))
    };
    (at < args.len() && !args[..at].iter().any(changes)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::{Own, OwnPrograms};
    use crate::model::Bytes;

    fn args(line: &str) -> Vec<Bytes> {
        line.split(' ').map(Bytes::from).collect()
    }

    #[test]
    fn what_git_starts_for_itself_is_its_own_and_nothing_else_is() {
        for (above, line) in [
            ("pull", "fetch --update-head-ok"),
            ("fetch", "remote-https origin https://h/r"),
            ("remote-https", "remote-https origin https://h/r"),
            ("remote-https", "fetch-pack --stateless-rpc --stdin --lock-pack https://h/r/"),
            ("fetch", "rev-list --objects --stdin --not --all --quiet --alternate-refs"),
            ("fetch", "maintenance run --auto --quiet"),
            ("maintenance", "gc --auto --quiet --no-detach"),
            ("submodule", "submodule--helper update"),
            ("submodule--helper", "clone --no-checkout --separate-git-dir /r/.git/modules/m -- https://h/m /r/m"),
            ("submodule", "--exec-path"),
            ("fetch-pack", "--shallow-file x index-pack --stdin"),
        ] {
            assert!(Own.starts(above, false, &args(line)), "{above}: {line}");
        }
        for (above, line) in [
            ("fetch", "push origin main"),
            ("pull", "push"),
            ("merge", "fetch origin"),
            ("fetch", "fetch elsewhere"),
            ("pull", "-c core.fsmonitor=./x fetch"),
            ("pull", "--exec-path=/tmp fetch"),
            ("fetch", "fetch-pack https://elsewhere/r"),
            ("fetch", "remote-ext x"),
            ("fetch", "upload-pack /r"),
            ("fetch", "config core.pager ./x"),
            ("push", "update-ref refs/heads/main 0"),
            ("checkout", "reset --hard"),
            ("fetch", ""),
            ("fetch", "--exec-path=/tmp"),
        ] {
            assert!(!Own.starts(above, false, &args(line)), "{above}: {line}");
        }
        assert!(Own.starts("bisect", true, &args("bisect start")), "git hands over to its program");
        assert!(!Own.starts("bisect", false, &args("bisect start")));
        assert!(!Own.starts("push", true, &args("push --force")), "which is no other program");
        assert_eq!(Own.role(&args("-C /r pull origin")).as_deref(), Some("pull"));
        assert_eq!(Own.role(&args("-c a.b=c pull")).as_deref(), Some("pull"), "what is lent comes by settings");
    }
}
