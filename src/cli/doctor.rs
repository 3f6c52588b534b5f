//! `portcullis doctor`: which ways round the gate are open to whoever runs it. Run it as the agent's user.

use std::fs::{self, Metadata, OpenOptions};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::control::KeeperOption;
use super::findings::{self, Finding, State};
use super::lying::{self, Lying};
use super::{Global, pin, show};
use crate::keeper::{Config, default_path, prefix};
use crate::tools;
use crate::wire::frames::KeeperStatus;

/// Look for ways round the gate: tools found before their shims, stale pins, a keeper the agent can read, credentials
/// lying around.
///
/// Run it as the agent's user, in the agent's environment: what is looked at is what that user can reach. A real tool
/// called by its path is open, but worthless as long as no credential lies around for it. Exit code 0 where nothing is
/// open.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  portcullis doctor
  portcullis doctor --json | jq '.findings[] | select(.state == \"open\")'
  sudo portcullis doctor --fix      # the tools were upgraded: pin them again")]
pub struct DoctorArgs {
    /// Pin the real tools again, as they are now
    #[arg(long)]
    fix: bool,
    #[command(flatten)]
    keeper: KeeperOption,
}

pub fn run(args: &DoctorArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let pins_file = pin::default_file()?;
    let socket = findings::socket(&pins_file, &args.keeper);
    if args.fix {
        pin::write(&pins_file, &pin::make(socket.clone())?)?;
    }
    let uid = rustix::process::geteuid().as_raw();
    let mut all: Vec<Finding> = tools::ALL.iter().map(|tool| first_on_path(tool.name())).collect();
    all.push(findings::pins(&pins_file));
    all.extend(not_writable(uid, &pins_file));
    let (gate, status) = findings::gate(&socket);
    all.extend(gate);
    all.extend(status.iter().flat_map(|status| keeper_apart(uid, status)));
    let lying = lying::look();
    all.extend(credentials(&lying));
    all.extend(tools::ALL.iter().flat_map(|tool| by_path(tool.name(), &pins_file, &lying)));
    report(&all, uid, global)
}

fn report(all: &[Finding], uid: u32, global: &Global) -> anyhow::Result<ExitCode> {
    let open = all.iter().filter(|finding| finding.state == State::Open).count();
    if global.json {
        show::json(&json!({ "open": open, "user": uid, "findings": all }))?;
    } else {
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|finding| vec![finding.state.word().to_owned(), finding.what.clone(), finding.seen.clone()])
            .collect();
        show::table(&[], &rows)?;
        for finding in all.iter().filter(|finding| finding.state == State::Open) {
            if let Some(hint) = finding.hint.as_ref().filter(|hint| !hint.is_empty()) {
                show::line(&format!("hint: {}: {hint}", finding.what))?;
            }
        }
        if uid == 0 {
            show::line("note: this is root's view; run it as the agent's user to see the agent's")?;
        }
    }
    Ok(if open == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a bare `git` would start.
fn first_on_path(name: &str) -> Finding {
    let what = format!("{name} on PATH is the shim");
    let found = pin::folders().into_iter().map(|folder| folder.join(name)).find_map(|path| {
        let metadata = fs::metadata(&path).ok()?;
        (metadata.is_file() && metadata.mode() & 0o111 != 0).then_some((path, metadata))
    });
    match found {
        None => Finding::closed(what, "there is none"),
        Some((path, metadata)) => {
            let seen = path.display().to_string();
            let shim = pin::shims().contains(&(metadata.dev(), metadata.ino()));
            Finding::when(&what, shim, seen, "put the folder of the shims, PREFIX/lib/portcullis/shims, first on PATH")
        }
    }
}

/// What decides which program runs must not be this user's to change.
fn not_writable(uid: u32, pins_file: &Path) -> Vec<Finding> {
    if uid == 0 {
        return Vec::new();
    }
    let mut places = vec![pins_file.to_owned()];
    if let Ok(prefix) = prefix() {
        places.extend(
            ["bin/portcullis", "lib/portcullis/portcullis-shim", "lib/portcullis/shims"].map(|name| prefix.join(name)),
        );
    }
    let what = "shims and pins are not this user's to change";
    let writable: Vec<String> = places
        .iter()
        .flat_map(|path| [Some(path.as_path()), path.parent()])
        .flatten()
        .filter(|path| fs::metadata(path).is_ok_and(|metadata| may_write(uid, path, &metadata)))
        .map(|path| path.display().to_string())
        .collect();
    let hint = "install as root; an owner can change what is his";
    vec![Finding::when(
        what,
        writable.is_empty(),
        if writable.is_empty() { "none of it".to_owned() } else { writable.join(", ") },
        hint,
    )]
}

fn may_write(uid: u32, path: &Path, metadata: &Metadata) -> bool {
    metadata.uid() == uid || rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// The keeper's memory and files are out of reach.
fn keeper_apart(uid: u32, status: &KeeperStatus) -> Vec<Finding> {
    let what = "the keeper runs as another user";
    let seen = format!("user {}", status.uid);
    let hint = "what runs as this user can read the keeper's memory: run it as a user of its own";
    let mut all = vec![if uid == 0 {
        let good = status.uid != 0;
        Finding::when(what, good, seen, "it needs no root: run it as a user of its own")
    } else {
        Finding::when(what, status.uid != uid, seen, hint)
    }];
    let state = default_path().and_then(|path| Config::read(&path)).map(|config| config.state);
    if let (true, Ok(state)) = (uid != 0, state) {
        let readable = fs::read_dir(&state).is_ok() || OpenOptions::new().read(true).open(state.join("login")).is_ok();
        let hint = "its mode must be 0700 and its owner the keeper's user";
        all.push(Finding::when("the keeper's state cannot be read", !readable, state.display().to_string(), hint));
    }
    all
}

fn credentials(lying: &[Lying]) -> Vec<Finding> {
    if lying.is_empty() {
        return vec![Finding::closed("no credential lies around", "none in the usual files and variables")];
    }
    let hint = "remove it and let the server lend it: see the credentials of the server's configuration";
    lying.iter().map(|lying| Finding::open("no credential lies around", lying.seen.clone(), hint)).collect()
}

/// The real tool by its path, and git's own second copy: open, and worth something only with a credential.
fn by_path(name: &str, pins_file: &Path, lying: &[Lying]) -> Vec<Finding> {
    let Some(path) =
        findings::read_pins(pins_file).ok().and_then(|pins| pins.tools.get(name).map(|tool| tool.path.clone()))
    else {
        return Vec::new();
    };
    let mut ways = vec![path];
    if name == "git" {
        ways.extend(
            ["/usr/lib/git-core/git", "/usr/libexec/git-core/git"]
                .map(PathBuf::from)
                .into_iter()
                .filter(|way| way.exists()),
        );
    }
    let useful: Vec<&str> = lying.iter().filter(|lying| lying.serves(name)).map(|lying| lying.seen.as_str()).collect();
    let what = format!("{name} called by its path finds no credential");
    ways.iter()
        .map(|way| match useful.as_slice() {
            [] => Finding::worthless(what.clone(), way.display().to_string()),
            useful => Finding::open(what.clone(), format!("{} with {}", way.display(), useful.join(", ")), ""),
        })
        .collect()
}
