//! `install.sh --divert` in a Debian of its own, under the gate of a real keeper and server: what a caller with an absolute
//! path meets, what an upgrade does to it, and that everything can be put back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::site::{PERMIT_ALL, Site, words};

struct Debian {
    root: PathBuf,
    site: Site,
}

/// `None`, with a word about it, where there is none to be had (see tests/run.sh).
fn debian() -> Option<Debian> {
    let cache = std::env::var_os("PORTCULLIS_TEST_CACHE").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/portcullis-tests"));
    let made = cache.or(home)?.join("debian-root");
    if !made.join("made").exists() {
        std::io::Write::write_all(&mut std::io::stderr(), b"skipped: there is no Debian root to divert in\n").unwrap();
        return None;
    }
    let site = Site::start(PERMIT_ALL);
    let root = site.path("debian");
    assert!(Command::new("cp").arg("-a").arg(&made).arg(&root).status().unwrap().success());
    for folder in ["usr/local/lib/portcullis/shims", "usr/local/etc/portcullis", "run/portcullis", "src"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let copy = |from: PathBuf, to: &str| {
        assert!(Command::new("cp").arg(from).arg(root.join(to)).status().unwrap().success());
    };
    copy(site.path("bin/portcullis"), "usr/local/bin/portcullis");
    copy(site.path("lib/portcullis/portcullis-shim"), "usr/local/lib/portcullis/portcullis-shim");
    for name in ["install.sh", "divert.sh"] {
        copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(name), &format!("src/{name}"));
    }
    let config = "server = \"https://gate.example\"\nsocket = \"/run/portcullis/keeper.sock\"\n";
    fs::write(root.join("usr/local/etc/portcullis/keeper.toml"), config).unwrap();
    let debian = Debian { root, site };
    debian.good("portcullis pin --keeper /run/portcullis/keeper.sock");
    Some(debian)
}

impl Debian {
    /// A script of root's inside, with the keeper's socket where the shims look for it.
    fn run(&self, script: &str) -> Output {
        let outer = r#"set -e; mount -t proc none "$1/proc"; mount --bind "$2" "$1/run/portcullis"
            mount --bind /dev "$1/dev"; exec chroot "$1" /bin/sh -c "cd /tmp; $3""#;
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", outer, "sh"]).arg(&self.root).arg(self.site.path("run")).arg(script);
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", "/root").env("LC_ALL", "C").output().unwrap()
    }

    #[track_caller]
    fn good(&self, script: &str) -> String {
        let done = self.run(script);
        assert!(done.status.success(), "{script}: {}", words(&done));
        String::from_utf8(done.stdout).unwrap()
    }

    fn pinned(&self) -> serde_json::Value {
        let text = fs::read(self.root.join("usr/local/etc/portcullis/shim.json")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()["tools"].take()
    }

    /// Everything below /usr/bin, and what dpkg has to say about diversions and our package.
    fn state(&self) -> String {
        self.good(
            "ls -l --time-style=+ /usr/bin; md5sum /usr/bin/git /usr/bin/curl; readlink -f /usr/bin/psql; \
             dpkg-divert --list; dpkg-query -W; dpkg -V git curl postgresql-client-common || true; ls -d /usr/port* || true",
        )
    }

    fn questions(&self) -> usize {
        self.site.audit().iter().filter(|entry| entry.to_string().contains("--version")).count()
    }
}

const TOOLS: [&str; 3] = ["git", "curl", "psql"];

#[test]
fn a_diverted_tool_meets_the_gate_by_its_path_is_upgraded_pinned_again_and_put_back() {
    let Some(debian) = debian() else { return };
    let before = debian.state();
    let said = debian.good("/src/divert.sh on /usr/local");
    assert!(said.contains("/usr/bin/psql: the shim; the real program is /usr/portcullis-diverted/psql"), "{said}");
    assert!(said.contains("/usr/bin/kubectl: there is none"), "{said}");
    for tool in TOOLS {
        assert_eq!(debian.pinned()[tool]["path"], format!("/usr/portcullis-diverted/{tool}"));
    }
    // By the absolute path, by a PATH of the shell's own, by another name of the same folder: all are asked about.
    for (n, line) in ["/usr/bin/git --version", "env -i sh -c 'command -p curl --version'", "/bin/psql --version"]
        .into_iter()
        .enumerate()
    {
        debian.good(line);
        assert_eq!(debian.questions(), n + 1, "{line}");
    }
    // git's own programs are found, also those that are links to it in /usr/bin.
    debian.good(
        "rm -rf a b; git init -q a && cd a && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one",
    );
    debian.good("git clone -q /tmp/a b && test -d b/.git");

    let twice = debian.good("/src/divert.sh on /usr/local");
    assert!(twice.contains("/usr/bin/git: the shim is there already"), "{twice}");

    let old = debian.pinned();
    debian.good("apt-get -qq -y --no-download install --reinstall git curl postgresql-client-common 2>&1");
    let new = debian.pinned();
    for tool in TOOLS {
        assert_eq!(new[tool]["path"], format!("/usr/portcullis-diverted/{tool}"));
        assert_ne!(old[tool], new[tool], "{tool} is another file, and its pin says so");
        assert_eq!(debian.good(&format!("readlink /usr/bin/{tool}")), "/usr/local/lib/portcullis/portcullis-shim\n");
    }
    let asked = debian.questions();
    debian.good("/usr/bin/git --version && /usr/bin/psql --version");
    assert_eq!(debian.questions(), asked + 2);
    let doctor = debian.run("portcullis doctor --json");
    let report: serde_json::Value = serde_json::from_slice(&doctor.stdout).unwrap();
    for (hole, way) in [("absolute_path", "/usr/bin/git "), ("default_path", "git"), ("login_shell", "psql")] {
        let closed = report["findings"].as_array().unwrap().iter().any(|finding| {
            finding["hole"] == hole && finding["state"] == "closed" && finding["tried"].to_string().contains(way)
        });
        assert!(closed, "{hole}: {report:#}");
    }

    debian.good("cd /src && ./divert.sh off /usr/local");
    assert_eq!(debian.state(), before);
    assert_eq!(debian.pinned()["git"]["path"], "/usr/bin/git");
    debian.good("/src/divert.sh off /usr/local");
    assert_eq!(debian.state(), before, "nothing is left to put back");

    // And by install.sh, which then removes what it had installed.
    debian.good("/src/divert.sh on /usr/local");
    debian.good("/src/install.sh --uninstall");
    assert_eq!(debian.state(), before);
    debian.good("/usr/bin/git --version && /usr/bin/psql --version && ! test -e /usr/local/lib/portcullis");
}

#[test]
fn a_diversion_that_fails_half_way_is_taken_back_and_who_may_not_is_told() {
    let Some(debian) = debian() else { return };
    let before = debian.state();
    // Another's diversion, met when git is diverted already.
    debian.good("dpkg-divert --quiet --local --divert /usr/bin/curl.local --no-rename --add /usr/bin/curl");
    let theirs = debian.state();
    let failed = debian.run("/src/divert.sh on /usr/local");
    let said = String::from_utf8(failed.stderr.clone()).unwrap();
    assert_eq!(failed.status.code(), Some(1), "{}", words(&failed));
    assert!(said.contains("/usr/bin/curl is diverted already, by LOCAL") && said.contains("putting back"), "{said}");
    assert_eq!(debian.state(), theirs);
    debian.good("dpkg-divert --quiet --local --no-rename --remove /usr/bin/curl");

    // The very last step.
    debian.good("printf '#!/bin/sh\\nexit 3\\n' >/usr/local/bin/dpkg-deb; chmod 755 /usr/local/bin/dpkg-deb");
    let failed = debian.run("/src/divert.sh on /usr/local");
    assert_eq!(failed.status.code(), Some(3), "{}", words(&failed));
    fs::remove_file(debian.root.join("usr/local/bin/dpkg-deb")).unwrap();
    assert_eq!(debian.state(), before);
    assert_eq!(debian.pinned()["git"]["path"], "/usr/bin/git");

    let refused = debian.run("setpriv --reuid=65534 --regid=65534 --clear-groups /src/install.sh --divert");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("diverting programs needs root"), "{}", words(&refused));
    fs::rename(debian.root.join("etc/debian_version"), debian.root.join("etc/other_version")).unwrap();
    let refused = debian.run("/src/install.sh --divert");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("this is no Debian"), "{}", words(&refused));
    fs::rename(debian.root.join("etc/other_version"), debian.root.join("etc/debian_version")).unwrap();
    assert_eq!(debian.state(), before);
}
