//! `portcullis pin`: writes down which programs are the real ones, for the shims.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::control::KeeperOption;
use super::doctor::fix;
use super::{Complaint, Global, findings, own_programs, show};
use crate::env;
use crate::keeper::prefix;
use crate::model::Digest;
use crate::shim::gather::ask_alone;
use crate::tools::{self, Tool};
use crate::wire::pins::{FILE, PinnedTool, Pins, VERSION};

/// Find the real tools on PATH, past the shims, and write them down with their digests.
///
/// Shims start nothing else while a tool matches its pin. After an upgrade of a tool, pin again: portcullis doctor --fix.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  portcullis pin
  portcullis pin --again
  portcullis pin --keeper /run/portcullis/keeper.sock --out /etc/portcullis/shim.json")]
pub struct PinArgs {
    /// The keeper's socket that shims connect to [default: as keeper.toml says]
    #[arg(long, value_name = "PATH")]
    keeper: Option<PathBuf>,
    /// What is pinned already stays where it is, as after an upgrade: says what has changed, and nothing else
    #[arg(long, conflicts_with_all = ["keeper", "out"])]
    again: bool,
    /// The file to write [default: PREFIX/etc/portcullis/shim.json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(args: &PinArgs, global: &Global) -> anyhow::Result<ExitCode> {
    if args.again {
        let file = default_file()?;
        let done = fix::everything(&file, &findings::socket(&file, &KeeperOption::default()))?;
        done.iter().try_for_each(|words| show::line(words))?;
        return Ok(ExitCode::SUCCESS);
    }
    let out = args.out.clone().map_or_else(default_file, Ok)?;
    let keeper = KeeperOption { socket: args.keeper.clone() }.path();
    let pins = make(keeper)?;
    write(&out, &pins)?;
    own_programs::lay_out(&pins)?;
    if global.json {
        show::json(&pins)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = tools::ALL.iter().map(|tool| {
        let pinned = pins.tools.get(tool.name());
        vec![
            tool.name().to_owned(),
            pinned.map_or_else(|| "not found".to_owned(), |pin| pin.path.display().to_string()),
        ]
    });
    show::table(&["TOOL", "REAL PROGRAM"], &rows.collect::<Vec<_>>())?;
    Ok(ExitCode::SUCCESS)
}

pub fn default_file() -> anyhow::Result<PathBuf> {
    Ok(prefix()?.join(FILE))
}

/// Looks every tool up.
pub fn make(keeper: PathBuf) -> anyhow::Result<Pins> {
    let mut pins = Pins { version: VERSION, keeper, tools: Default::default() };
    for tool in tools::ALL {
        if let Some(path) = real(tool.name())? {
            pins.tools.insert(tool.name().to_owned(), whole(*tool, path)?);
        }
    }
    Ok(pins)
}

/// A tool as it is now at this place; nothing where we know no such tool.
pub fn again(name: &str, path: PathBuf) -> io::Result<Option<PinnedTool>> {
    tools::by_name(name).map(|tool| whole(tool, path)).transpose()
}

fn whole(tool: &dyn Tool, path: PathBuf) -> io::Result<PinnedTool> {
    let mut pinned = pin(path)?;
    pinned.said = said(tool, &pinned.path)?;
    Ok(pinned)
}

/// Replaces the file as a whole; everybody may read it, its owner alone writes.
pub fn write(out: &Path, pins: &Pins) -> anyhow::Result<()> {
    let failed = |error: io::Error| {
        Complaint::new(format!("{} cannot be written", out.display()), error.to_string())
            .hint("run it as whoever owns the file")
    };
    let mut text = serde_json::to_vec_pretty(pins)?;
    text.push(b'\n');
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    crate::keeper::write_private(out, &text).map_err(failed)?;
    fs::set_permissions(out, fs::Permissions::from_mode(0o644)).map_err(failed)?;
    Ok(())
}

pub fn pin(path: PathBuf) -> io::Result<PinnedTool> {
    let mut file = File::open(&path)?;
    let metadata = file.metadata()?;
    let mut sha256 = <sha2::Sha256 as sha2::Digest>::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match io::Read::read(&mut file, &mut chunk)? {
            0 => break,
            n => sha2::Digest::update(&mut sha256, &chunk[..n]),
        }
    }
    Ok(PinnedTool::of(path, &metadata, Digest(sha2::Digest::finalize(sha256).into())))
}

/// What the program says for itself. A script is not asked: what it starts may change while it stays the same.
fn said(tool: &dyn Tool, path: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut beginning = [0; 4];
    let is_program = io::Read::read(&mut File::open(path)?, &mut beginning)? == 4 && beginning == *b"\x7fELF";
    let questions = tool.constants().iter().filter(|_| is_program);
    Ok(questions.filter_map(|words| ask_alone(path, words).map(|answer| (words.join(" "), answer))).collect())
}

/// Where `install.sh --divert` has dpkg put the real programs. As deep as /usr/bin, so that a relative link among them
/// (Debian's psql) still leads where it led.
const DIVERTED: &str = "/usr/portcullis-diverted";

/// The program of that name that was diverted; else the first on PATH that is no shim of ours. Relative and empty entries
/// of PATH are passed over.
pub fn real(name: &str) -> io::Result<Option<PathBuf>> {
    let diverted = Some(PathBuf::from(DIVERTED)).filter(|folder| {
        fs::metadata(folder).is_ok_and(|metadata| metadata.uid() == 0 && metadata.mode() & 0o022 == 0)
    });
    for folder in diverted.into_iter().chain(folders()) {
        let path = folder.join(name);
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_file() && metadata.mode() & 0o111 != 0 && !is_shim(&path) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The absolute folders of PATH.
pub fn folders() -> Vec<PathBuf> {
    let path = env::path().unwrap_or_default();
    std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect()
}

/// Whether it is the shim: the very file, or a link whose target is called like it, wherever that was installed.
pub fn is_shim(path: &Path) -> bool {
    let Ok(prefix) = prefix() else { return false };
    let places = [prefix.join("lib/portcullis/portcullis-shim"), prefix.join("bin/portcullis-shim")];
    let identity = |path: &Path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    let found = identity(path);
    found.is_some() && places.iter().any(|place| identity(place) == found)
        || fs::canonicalize(path).is_ok_and(|real| real.file_name().is_some_and(|name| name == "portcullis-shim"))
}
