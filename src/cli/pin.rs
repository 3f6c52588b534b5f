//! `portcullis pin`: writes down which programs are the real ones, for the shims.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::control::KeeperOption;
use super::{Complaint, Global, own_programs, show};
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
  portcullis pin --keeper /run/portcullis/keeper.sock --out /etc/portcullis/shim.json")]
pub struct PinArgs {
    /// The keeper's socket that shims connect to [default: as keeper.toml says]
    #[arg(long, value_name = "PATH")]
    keeper: Option<PathBuf>,
    /// The file to write [default: PREFIX/etc/portcullis/shim.json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(args: &PinArgs, global: &Global) -> anyhow::Result<ExitCode> {
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
            let mut pinned = pin(path)?;
            pinned.said = said(*tool, &pinned.path)?;
            pins.tools.insert(tool.name().to_owned(), pinned);
        }
    }
    Ok(pins)
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

/// The first program of that name on PATH that is no shim of ours. Relative and empty entries of PATH are passed over.
pub fn real(name: &str) -> io::Result<Option<PathBuf>> {
    let shims = shims();
    for folder in folders() {
        let path = folder.join(name);
        let Ok(metadata) = fs::metadata(&path) else { continue };
        let identity = (metadata.dev(), metadata.ino());
        if metadata.is_file() && metadata.mode() & 0o111 != 0 && !shims.contains(&identity) && !is_shim(&path) {
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

/// Device and inode of every shim installed beside this program.
pub fn shims() -> Vec<(u64, u64)> {
    let Ok(prefix) = prefix() else { return Vec::new() };
    let places = [prefix.join("lib/portcullis/portcullis-shim"), prefix.join("bin/portcullis-shim")];
    places.iter().filter_map(|path| fs::metadata(path).ok()).map(|file| (file.dev(), file.ino())).collect()
}

/// A link whose target is called like the shim is one, wherever it was installed.
fn is_shim(path: &Path) -> bool {
    fs::canonicalize(path).is_ok_and(|real| real.file_name().is_some_and(|name| name == "portcullis-shim"))
}
