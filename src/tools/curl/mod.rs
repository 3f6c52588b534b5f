//! curl: what a line requests, where its connections go, what it writes and sends, and how a token reaches it.
//!
//! Read for curl 7.88 ([`options`]); another version's options are a doubt. In reading order: [`options`] and
//! [`config`] give settings, [`line`] puts them in curl's order, [`transfer`] groups them, [`globs`], [`url`] and
//! [`route`] say where each goes, [`meaning`] makes the reading, [`delivery`] the command.

mod config;
mod delivery;
mod globs;
mod line;
#[cfg_attr(not(feature = "reading"), allow(dead_code, reason = "the reading is the server's"))]
mod meaning;
mod options;
mod route;
mod transfer;
mod url;

use super::{DeliveryError, Tool, World};
#[cfg(feature = "reading")]
use crate::model::Reading;
use crate::model::{Bytes, Delivery, Facts, Grant, Invocation, Terms};
use crate::tools::options::{Item, Problem};

/// The fact that names the config which curl reads without being told: its path.
const CURLRC: &str = "curlrc";

/// How deep configs are followed that name configs.
const DEPTH: usize = 8;

pub struct Curl;

impl Tool for Curl {
    fn name(&self) -> &'static str {
        "curl"
    }

    fn variables(&self) -> &'static [&'static str] {
        &[
            "http_proxy",
            "https_proxy",
            "HTTPS_PROXY",
            "ftp_proxy",
            "FTP_PROXY",
            "all_proxy",
            "ALL_PROXY",
            "no_proxy",
            "NO_PROXY",
            "SSLKEYLOGFILE",
            "CURL_CA_BUNDLE",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        ]
    }

    fn constants(&self) -> &'static [&'static [&'static str]] {
        &[&["-q", "--version"]]
    }

    fn gather(&self, invocation: &Invocation, world: &dyn World) -> Facts {
        let mut facts = Facts::default();
        if !config::disabled(&invocation.args)
            && let Some(path) = config::implicit(world)
        {
            facts.facts.insert(CURLRC.to_owned(), serde_json::json!(Bytes::from(path.as_slice())));
            snapshot(&path, world, &mut facts, 0);
        }
        let items = options::words(&invocation.args);
        for path in line::Line::configs(&items) {
            snapshot(path, world, &mut facts, 0);
        }
        // Asking takes a process, so only where the answer decides something.
        let of_configs = facts.contents.iter().flat_map(|content| config::lines(&content.bytes));
        if items.iter().any(unknown) || of_configs.into_iter().any(|line| line.items.iter().any(unknown)) {
            facts.version = world.ask_tool(&[b"-q", b"--version"]).and_then(|text| version(&text));
        }
        facts
    }

    #[cfg(feature = "reading")]
    fn read(&self, invocation: &Invocation, facts: &Facts) -> Reading {
        meaning::read(invocation, facts)
    }

    fn deliver(
        &self,
        invocation: &Invocation,
        facts: Facts,
        _terms: &Terms,
        grants: Vec<Grant>,
    ) -> Result<Delivery, DeliveryError> {
        delivery::deliver(invocation, facts, grants)
    }
}

/// Whether the table has no option, or several, for the word.
fn unknown(item: &Item) -> bool {
    matches!(item, Item::Problem(Problem::Unknown { .. } | Problem::Ambiguous { .. }))
}

/// Takes in a config and those that it names, each once.
fn snapshot(path: &[u8], world: &dyn World, facts: &mut Facts, depth: usize) {
    if depth > DEPTH || line::content(path, facts).is_some() {
        return;
    }
    let content = if path == b"-" { world.stdin() } else { world.file(path) };
    let Some(content) = content else { return };
    let text = content.bytes.clone();
    facts.contents.push(content);
    for line in config::lines(&text) {
        for nested in line::Line::configs(&line.items) {
            snapshot(nested, world, facts, depth + 1);
        }
    }
}

/// `curl 7.88.1 (x86_64-pc-linux-gnu) …`
fn version(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    text.strip_prefix("curl ")?.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests;
