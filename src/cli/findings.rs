//! What `check` and `doctor` look at, one by one.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{control, pin};
use crate::keeper::{Config, default_path};
use crate::model::visible;
use crate::wire::frames::KeeperStatus;
use crate::wire::pins::{PinnedTool, Pins, VERSION};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Closed,
    Open,
    /// Open, but nothing is to be had that way: no credential is there.
    Worthless,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Open => "open",
            State::Worthless => "open but worthless",
        }
    }
}

/// One thing that was looked at, or one way round the gate that was tried.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Which kind of way round it is about: a word that stays the same, for scripts.
    pub hole: &'static str,
    /// Good, where it is so.
    pub what: String,
    pub state: State,
    /// How it was tried.
    pub tried: String,
    /// What was seen.
    pub seen: String,
    /// How to close it.
    pub hint: Option<String>,
}

impl Finding {
    pub fn closed(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Finding::of(State::Closed, what, seen, None)
    }

    pub fn open(what: impl Into<String>, seen: impl Into<String>, hint: &str) -> Self {
        Finding::of(State::Open, what, seen, Some(hint))
    }

    pub fn worthless(what: impl Into<String>, seen: impl Into<String>, hint: &str) -> Self {
        Finding::of(State::Worthless, what, seen, Some(hint))
    }

    fn of(state: State, what: impl Into<String>, seen: impl Into<String>, hint: Option<&str>) -> Self {
        let hint = hint.filter(|hint| !hint.is_empty()).map(str::to_owned);
        Finding { hole: "setup", what: what.into(), state, tried: String::new(), seen: seen.into(), hint }
    }

    /// Names the hole, and how it was tried.
    #[must_use]
    pub fn by(self, hole: &'static str, tried: impl Into<String>) -> Self {
        Finding { hole, tried: tried.into(), ..self }
    }

    pub fn when(what: &str, good: bool, seen: impl Into<String>, hint: &str) -> Self {
        if good { Finding::closed(what, seen) } else { Finding::open(what, seen, hint) }
    }
}

pub fn config() -> Finding {
    let what = "keeper.toml reads";
    match default_path().and_then(|path| Config::read(&path).map(|config| (path, config))) {
        Ok((path, config)) => match config.authorities() {
            Ok(_) => Finding::closed(what, path.display().to_string()),
            Err(error) => Finding::open(what, error.to_string(), "name the PEM file of the server's authority as `ca`"),
        },
        Err(error) => Finding::open(what, error.to_string(), "portcullis keeper --help shows the file"),
    }
}

/// The keeper, the server behind it, and the login, each with what is to be done about it.
pub fn gate(socket: &Path) -> (Vec<Finding>, Option<KeeperStatus>) {
    let status = match control::status(socket) {
        Ok(status) => status,
        Err(complaint) => {
            let hint = complaint.hint.unwrap_or_default();
            return (
                vec![Finding::open("the keeper answers", format!("{}: {}", complaint.what, complaint.why), &hint)],
                None,
            );
        }
    };
    let mut findings = vec![
        Finding::closed("the keeper answers", format!("version {}, process {}", status.keeper, status.pid)),
        Finding::when(
            "somebody is signed in, and the server takes it",
            status.who.is_some(),
            status.who.as_ref().map_or_else(|| format!("nobody, at {}", status.server), super::status::subject),
            "run: portcullis login",
        ),
    ];
    for trouble in &status.troubles {
        let seen = visible::line(trouble.as_bytes(), 300);
        findings.push(Finding::open(
            "keeper and server have no troubles",
            seen,
            "see portcullis status, and the server's log",
        ));
    }
    let spool = &status.spool;
    if spool.refused > 0 {
        let seen = format!("{} the server would not take", spool.refused);
        let hint = "they are in the folder `refused` of the keeper's state; look at its log";
        findings.push(Finding::open("every recording reached the server", seen, hint));
    }
    (findings, Some(status))
}

pub fn read_pins(path: &Path) -> Result<Pins, String> {
    let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let pins: Pins = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if pins.version == VERSION { Ok(pins) } else { Err(format!("{} is of version {}", path.display(), pins.version)) }
}

/// Every pinned program is the one that was pinned, by its digest; those that are not are named.
pub fn pins(path: &Path) -> Finding {
    let what = "the real tools are the pinned ones";
    let hint = "if you upgraded them: portcullis doctor --fix";
    let pins = match read_pins(path) {
        Ok(pins) => pins,
        Err(why) => return Finding::open(what, why, "run: portcullis pin"),
    };
    let changed: Vec<String> = pins
        .tools
        .values()
        .filter(|tool| {
            pin::pin(tool.path.clone()).map_or(true, |now| PinnedTool { said: tool.said.clone(), ..now } != **tool)
        })
        .map(|tool| tool.path.display().to_string())
        .collect();
    match changed.is_empty() {
        true => Finding::closed(what, format!("{} of them", pins.tools.len())),
        false => Finding::open(what, format!("changed: {}", changed.join(", ")), hint),
    }
}

/// The socket that shims use, as written down for them.
pub fn socket(pins_file: &Path, chosen: &control::KeeperOption) -> PathBuf {
    match (&chosen.socket, read_pins(pins_file)) {
        (None, Ok(pins)) => pins.keeper,
        (Some(_), _) | (None, Err(_)) => chosen.path(),
    }
}
