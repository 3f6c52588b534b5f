//! Row 25: a container that holds the shim, a tool and nothing else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output};

use portcullis::model::Digest;
use portcullis::wire::pins::{PinnedTool, Pins};

use crate::gate::Gate;
use crate::static_shim::static_shim;

/// No library, no variable, no file: what a program is in a container that was made from scratch.
const TOOL: &str = r#"
#include <stdio.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv) {
    char line[100];
    printf("%s %d %d %d\n", argv[argc - 1], getuid(), getgid(), environ[0] == NULL);
    while (fgets(line, sizeof line, stdin)) fputs(line, stdout);
    fputs("end\n", stderr);
    return 7;
}
"#;

/// Root may choose whom the container runs as; anybody else is root in it, and nobody outside.
fn inside(root: &Path, program: &str, word: &str) -> Output {
    let us = fs::metadata("/proc/self").unwrap().uid();
    let (unshare, user) = if us == 0 { ("-m", "--userspec=65534:65534") } else { ("-rm", "--userspec=0:0") };
    // Read-only as a whole, and no more mounted than /proc.
    let script = r#"set -e; mount --make-rprivate /; mount --bind "$1" "$1"; mount --bind -o ro /proc "$1/proc"
        mount -o remount,bind,ro "$1"; printf 'one\ntwo\n' | exec chroot "$4" "$1" "$2" "$3""#;
    let mut command = Command::new("unshare");
    command.args([unshare, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-c", script, "sh"]);
    command.arg(root).args([program, word, user]).output().unwrap()
}

#[test]
fn a_container_of_nothing_but_shim_and_tool() {
    let gate = Gate::around("/bin/true");
    let root = gate.path("");
    fs::write(gate.path("tool.c"), TOOL).unwrap();
    // With no PATH of chroot's own, the tool starts with an empty environment.
    let built = Command::new("cc").args(["-static", "-o"]).arg(gate.path("tool")).arg(gate.path("tool.c")).output();
    let built = built.unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    fs::copy(static_shim(), gate.path("lib/portcullis/new")).unwrap();
    fs::rename(gate.path("lib/portcullis/new"), gate.path("lib/portcullis/portcullis-shim")).unwrap();
    let tool = PinnedTool::of("/tool".into(), &fs::metadata(gate.path("tool")).unwrap(), Digest([0; 32]));
    let pins = Pins { version: 1, keeper: "/keeper.sock".into(), tools: [("git".to_owned(), tool)].into() };
    fs::write(gate.path("etc/portcullis/shim.json"), serde_json::to_vec(&pins).unwrap()).unwrap();
    for name in ["proc", "dev"] {
        fs::create_dir(gate.path(name)).unwrap();
    }
    for (path, mode) in [("", 0o755), ("keeper.sock", 0o666)] {
        fs::set_permissions(gate.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    for name in ["bare", "work", "tool.c"] {
        let _ = fs::remove_dir_all(gate.path(name)).or_else(|_| fs::remove_file(gate.path(name)));
    }
    let bare = inside(&root, "/tool", "word");
    assert_eq!(bare.status.code(), Some(7), "{}", String::from_utf8_lossy(&bare.stderr));
    let shim = inside(&root, "/lib/portcullis/shims/git", "word");
    assert_eq!(shim, bare);
    assert!(bare.stdout.starts_with(b"word ") && bare.stdout.ends_with(b"\none\ntwo\n") && bare.stderr == b"end\n");
    assert_eq!(gate.record.lock().unwrap().endings.len(), 1, "it went through the gate");
}
