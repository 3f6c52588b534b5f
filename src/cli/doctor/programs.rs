//! Ways to the real program past its shim. Each is really gone: what starts is asked for its version.
//!
//! None of them can be closed for somebody who may run programs of his own; all are worthless as long as no credential
//! is there for them.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::attempt::Attempt;
use super::lying::Lying;
use crate::cli::findings::Finding;
use crate::cli::pin;
use crate::env;
use crate::model::visible;
use crate::wire::pins::PinnedTool;

/// One tool, where its real program is, and what of all that lies around would serve it.
pub struct Quarry<'a> {
    pub name: &'static str,
    pub pinned: &'a PinnedTool,
    pub lying: &'a [Lying],
}

/// Folders that programs are called from by their whole path.
const USUAL: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin", "/snap/bin", "/opt/homebrew/bin"];

const NO_CREDENTIAL: &str = "keep every credential of its own away from it: the gate lends one when it is asked";
const DIVERT: &str = "install.sh --divert puts the shim in its place";

impl Quarry<'_> {
    /// All of them, in a fixed order.
    pub fn hunt(&self) -> Vec<Finding> {
        let mut all = self.by_path();
        all.extend(self.second_copies());
        all.push(self.copied());
        all.push(self.by_loader());
        all.extend(self.by_shells());
        all
    }

    fn version(&self) -> &'static [&'static str] {
        if self.name == "kubectl" { &["version", "--client"] } else { &["--version"] }
    }

    fn runs(&self, attempt: Attempt) -> bool {
        attempt.words(self.version()).make().is_ok_and(|went| went.well())
    }

    /// The gate was passed: what is that worth?
    fn passed(&self, what: String, seen: &str, hint: &str) -> Finding {
        let useful: Vec<&str> =
            self.lying.iter().filter(|lying| lying.serves(self.name)).map(|lying| lying.seen.as_str()).collect();
        match useful.as_slice() {
            [] => Finding::worthless(what, format!("{seen}; no credential is there for it"), hint),
            useful => Finding::open(what, format!("{seen}, with {}", useful.join(", ")), NO_CREDENTIAL),
        }
    }

    fn by_path(&self) -> Vec<Finding> {
        let what = format!("{} called by its path finds no credential", self.name);
        let mut seen_before = Vec::new();
        let mut ways = vec![self.pinned.path.clone()];
        // A shim that the agent is meant to find is no way past it.
        ways.extend(pin::folders().iter().map(|folder| folder.join(self.name)).filter(|way| !pin::is_shim(way)));
        ways.extend(USUAL.iter().map(|folder| Path::new(folder).join(self.name)));
        let mut all = Vec::new();
        for way in ways {
            let Ok(metadata) = fs::metadata(&way) else { continue };
            let identity = (metadata.dev(), metadata.ino());
            if !metadata.is_file() || seen_before.contains(&identity) {
                continue;
            }
            seen_before.push(identity);
            let tried = format!("{} {}", way.display(), self.version().join(" "));
            all.push(if pin::is_shim(&way) {
                Finding::closed(what.clone(), "the shim is there").by("absolute_path", tried)
            } else if self.runs(Attempt::of(&way)) {
                self.passed(what.clone(), "it ran", DIVERT).by("absolute_path", tried)
            } else {
                Finding::closed(what.clone(), "it does not run").by("absolute_path", tried)
            });
        }
        all
    }

    /// Other programs that packages install and that do the same.
    fn second_copies(&self) -> Vec<Finding> {
        let mut copies = Vec::new();
        match self.name {
            "git" => {
                copies.extend(self.pinned.said.get("--exec-path").map(|said| Path::new(said.trim_end()).join("git")));
                copies.extend(["/usr/lib/git-core/git", "/usr/libexec/git-core/git"].map(PathBuf::from));
            }
            // Debian's psql is a script that starts one of these.
            "psql" => {
                let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
                copies.extend(versions.map(|version| version.path().join("bin/psql")));
            }
            _ => {}
        }
        copies.sort();
        copies.dedup();
        copies.retain(|path| path.is_file());
        copies
            .iter()
            .map(|path| {
                let what = format!("{}'s second copy finds no credential", self.name);
                let tried = format!("{} {}", path.display(), self.version().join(" "));
                if !pin::is_shim(path) && self.runs(Attempt::of(path)) {
                    self.passed(what, "it ran", NO_CREDENTIAL).by("exec_path", tried)
                } else {
                    Finding::closed(what, "the shim is there, or it does not run").by("exec_path", tried)
                }
            })
            .collect()
    }

    /// Into the first folder that takes programs.
    fn copied(&self) -> Finding {
        let what = format!("a copy of {} finds no credential", self.name);
        let places = [env::raw("TMPDIR").map(PathBuf::from), Some("/tmp".into()), Some("/dev/shm".into())];
        let places = places.into_iter().chain([env::home().map(PathBuf::from)]).flatten();
        for place in places.filter(|place| place.is_absolute()) {
            let Ok(folder) = Folder::new(&place) else { continue };
            let copy = folder.0.join(self.name);
            let made = fs::copy(&self.pinned.path, &copy)
                .and_then(|_| fs::set_permissions(&copy, fs::Permissions::from_mode(0o700)));
            if made.is_ok() && self.runs(Attempt::of(&copy)) {
                let tried = format!("copied to {} and run", place.display());
                return self.passed(what, "the copy ran", NO_CREDENTIAL).by("copied_binary", tried);
            }
        }
        Finding::closed(what, "no copy of it runs").by("copied_binary", "copied to every folder for temporary files")
    }

    /// A program that is not executable for somebody can still be loaded, if he may read it.
    fn by_loader(&self) -> Finding {
        let what = format!("{} started by its loader finds no credential", self.name);
        let Some(loader) = loader(&self.pinned.path).filter(|loader| loader.is_absolute()) else {
            return Finding::closed(what, "it is static: it has none").by("loader", "looked for one in its header");
        };
        let shown = visible::line(loader.as_os_str().as_bytes(), 200);
        let tried = format!("{shown} {} {}", self.pinned.path.display(), self.version().join(" "));
        if self.runs(Attempt::of(&loader).word(&self.pinned.path)) {
            self.passed(what, "it ran", NO_CREDENTIAL).by("loader", tried)
        } else {
            Finding::closed(what, "it does not run like that").by("loader", tried)
        }
    }

    /// What shells make of the bare name: by a path of their own, by one they remember.
    fn by_shells(&self) -> Vec<Finding> {
        let name = self.name;
        let real = self.pinned.path.as_os_str();
        // Each prints the program that it would start.
        let ways: [(&'static str, &str, &str, &[&str]); 4] = [
            ("login_shell", "a login shell", "/bin/bash", &["-lc", "type -P \"$1\""]),
            ("login_shell", "sh as it logs in", "/bin/sh", &["-lc", "command -v \"$1\""]),
            ("default_path", "command -p", "/bin/sh", &["-c", "command -p -v \"$1\""]),
            ("shell_hash", "bash's hash", "/bin/bash", &["-c", "hash -p \"$2\" \"$1\"; hash -t \"$1\""]),
        ];
        let mut all = Vec::new();
        for (hole, words, shell, script) in ways {
            if !Path::new(shell).exists() {
                continue;
            }
            let what = format!("{name} by {words} is the shim, or finds no credential");
            let tried = format!("{shell} {} {name}", script.join(" "));
            let went = Attempt::of(Path::new(shell)).words(script).word("sh").word(name).word(real).make();
            let mut lines = went.iter().flat_map(|went| went.said.split(|byte| *byte == b'\n'));
            // What a profile prints comes before it.
            let path = lines.rfind(|line| line.starts_with(b"/"));
            let path = path.map(|line| PathBuf::from(std::ffi::OsStr::from_bytes(line)));
            let Some(path) = path.filter(|path| path.is_file()) else {
                all.push(Finding::closed(what, "it finds none").by(hole, tried));
                continue;
            };
            let shown = visible::line(path.as_os_str().as_bytes(), 200);
            all.push(if pin::is_shim(&path) {
                Finding::closed(what, shown).by(hole, tried)
            } else if self.runs(Attempt::of(&path)) {
                self.passed(what, &format!("{shown} ran"), DIVERT).by(hole, tried)
            } else {
                Finding::closed(what, format!("{shown} does not run")).by(hole, tried)
            });
        }
        all
    }
}

/// The program that the kernel starts in this one's place: PT_INTERP of an ELF file (elf(5)), or what stands after `#!`
/// (execve(2)).
fn loader(program: &Path) -> Option<PathBuf> {
    let mut file = File::open(program).ok()?;
    let mut head = [0; 64];
    let read = file.read(&mut head).ok()?;
    if head.starts_with(b"#!") {
        let line = head[2..read].split(|byte| *byte == b'\n').next()?.trim_ascii();
        let word = line.split(|byte| byte.is_ascii_whitespace()).next()?;
        return Some(PathBuf::from(std::ffi::OsStr::from_bytes(word)));
    }
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let (from, size, count) = (number(&head[32..40]), number(&head[54..56]), number(&head[56..58]));
    (0..count.min(64)).find_map(|n| {
        let mut entry = [0; 56];
        read_at(&mut file, from.checked_add(n * size)?, &mut entry).ok()?;
        if number(&entry[..4]) != 3 {
            return None;
        }
        let mut path = vec![0; usize::try_from(number(&entry[32..40]).min(4096)).ok()?];
        read_at(&mut file, number(&entry[8..16]), &mut path).ok()?;
        let path = path.split(|byte| *byte == 0).next()?;
        Some(PathBuf::from(std::ffi::OsStr::from_bytes(path)))
    })
}

fn read_at(file: &mut File, from: u64, into: &mut [u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(from))?;
    file.read_exact(into)
}

/// A folder for one attempt, gone with it.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(place: &Path) -> io::Result<Self> {
        let mut salt = [0; 8];
        getrandom::fill(&mut salt).map_err(io::Error::other)?;
        let path = place.join(format!("portcullis-doctor-{:016x}", u64::from_ne_bytes(salt)));
        // Fails where something is there already: nobody else's folder is used.
        fs::DirBuilder::new().create(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        Ok(Folder(path))
    }

    /// In the first of the usual places.
    pub fn anywhere() -> io::Result<Self> {
        let places = [env::raw("TMPDIR").map(PathBuf::from), Some("/tmp".into()), Some("/dev/shm".into())];
        let mut made = places.into_iter().flatten().filter_map(|place| Folder::new(&place).ok());
        made.next().ok_or_else(|| io::Error::other("there is no folder for temporary files"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::loader;

    #[test]
    fn a_loader_is_read_out_of_a_program_and_out_of_a_script() {
        let found = loader(Path::new("/proc/self/exe"));
        assert!(found.is_some_and(|path| path.file_name().unwrap().to_str().unwrap().starts_with("ld")));
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        fs::write(&script, "#! /usr/bin/perl -w\n").unwrap();
        assert_eq!(loader(&script), Some(PathBuf::from("/usr/bin/perl")));
        fs::write(&script, b"\x7fELF\x02\x01 cut off").unwrap();
        assert_eq!(loader(&script), None);
    }
}
