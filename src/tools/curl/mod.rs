//! curl: what a line requests, where its connections go, what it writes and sends, and how a token reaches it.
//!
//! Read for curl 7.88 and 8.7 to 8.14, and as these for later ones ([`options`]); another version's options are a doubt. In reading order:
//! [`options`], [`scan`] and [`config`] give settings, [`line`] puts them in curl's order, [`transfer`] groups them,
//! [`values`], [`forms`] and [`data`] read their values, [`globs`], [`url`], [`host`] and [`route`] say where each goes,
//! [`outputs`] where its answer goes, [`meaning`] follows curl through them, [`reading`] tells it, [`delivery`] makes the
//! command. [`gather`] asks the machine, [`stores`] keeps the secrets of its files out of what is asked.

mod beside;
mod config;
mod data;
mod delivery;
mod forms;
mod gather;
mod globs;
mod host;
mod idn;
mod line;
mod meaning;
mod options;
mod outputs;
#[cfg(feature = "reading")]
mod reading;
mod request;
mod route;
mod scan;
mod stores;
mod transfer;
mod url;
mod values;

use super::{DeliveryError, Tool, World};
#[cfg(feature = "reading")]
use crate::model::Reading;
use crate::model::{Delivery, Facts, Grant, Invocation, Terms};

/// The fact that names the config which curl reads without being told: its path.
const CURLRC: &str = "curlrc";

/// Files that the line names and that are not there.
const MISSING: &str = "missing";

/// Files that `--no-clobber` would keep.
const EXISTING: &str = "existing";
/// Fact: folders before a `..` in a path of the line, that are no links.
const FOLDERS: &str = "folders";

/// What cookie files and their like say of hosts ([`stores`]).
const STORES: &str = "stores";

/// Engines whose library is there.
const ENGINES: &str = "engines";

/// Parts that this curl is built without, as `curl --version` calls them.
const LACKS: &str = "lacks";

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
        gather::facts(invocation, world)
    }

    #[cfg(feature = "reading")]
    fn read(&self, invocation: &Invocation, facts: &Facts) -> Reading {
        reading::read(invocation, facts).in_bounds()
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

#[cfg(test)]
mod tests;
