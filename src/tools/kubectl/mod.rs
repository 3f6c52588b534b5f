//! kubectl: what a line asks of which cluster, and how it is given a credential for it.
//!
//! A line is sorted out by kubectl's own option tables ([`options`]), its cluster found as client-go finds it
//! ([`kubeconfig`]), its manifests read as kubectl reads them ([`manifests`], [`yaml`]). From that follow its calls.

// The agent's side alone gathers and delivers; what only a reading needs stands idle there.
#![cfg_attr(not(feature = "reading"), allow(dead_code))]

#[cfg(feature = "reading")]
mod applies;
#[cfg(feature = "reading")]
mod creates;
mod delivery;
mod digests;
mod fields;
mod gathering;
mod kubeconfig;
mod kuberc;
mod kustomize;
mod manifests;
#[cfg(feature = "reading")]
mod meaning;
mod options;
#[cfg(feature = "reading")]
mod overrides;
mod paths;
#[cfg(feature = "reading")]
mod picks;
#[cfg(feature = "reading")]
mod raw;
#[cfg(feature = "reading")]
mod reach;
#[cfg(feature = "reading")]
mod refusals;
mod resources;
#[cfg(feature = "reading")]
mod said;
mod selector;
#[cfg(feature = "reading")]
mod sets;
mod sources;
#[cfg(feature = "reading")]
mod spellings;
#[cfg(feature = "reading")]
mod values;
#[cfg(feature = "reading")]
mod verbs;
mod yaml;

use super::{DeliveryError, Tool, World};
#[cfg(feature = "reading")]
use crate::model::Reading;
use crate::model::{Bytes, Delivery, Facts, Grant, Invocation, StreamKind, Terms};
use options::Found;

pub struct Kubectl;

impl Tool for Kubectl {
    fn name(&self) -> &'static str {
        "kubectl"
    }

    fn variables(&self) -> &'static [&'static str] {
        &[
            "KUBECONFIG",
            "KUBERNETES_MASTER",
            "KUBERNETES_SERVICE_HOST",
            "KUBERNETES_SERVICE_PORT",
            "KUBECTL_EXTERNAL_DIFF",
            "KUBECTL_KUBERC",
            "KUBECTL_APPLYSET",
            "KUBERC",
            "KUBE_EDITOR",
            "EDITOR",
        ]
    }

    fn constants(&self) -> &'static [&'static [&'static str]] {
        &[&["version", "--client", "-o", "json"]]
    }

    fn gather(&self, invocation: &Invocation, world: &dyn World) -> Facts {
        let mut facts = Facts::default();
        let mut set = |name: &str, value: serde_json::Result<serde_json::Value>| {
            if let Ok(value) = value {
                facts.facts.insert(name.to_owned(), value);
            }
        };
        let plugins = options::plugins(&invocation.args);
        if !plugins.is_empty() {
            let found = plugins.iter().find_map(|name| world.program(name)).unwrap_or_default();
            set(PLUGIN, serde_json::to_value(found));
        }
        let found = options::read(&invocation.args);
        let line = if let Found::Command(line) = &found { Some(line) } else { None };
        let kuberc = kuberc::gather(invocation, line, world);
        let mut asks = kuberc.is_some();
        if let Some(kuberc) = kuberc {
            set(KUBERC, serde_json::to_value(kuberc));
        }
        let Some(line) = line else {
            asks |= matches!(&found, Found::Unknown { name } if name == "kuberc");
            facts.version = asks.then(|| version(world)).flatten();
            return facts;
        };
        set(KUBECONFIG, serde_json::to_value(kubeconfig::gather(invocation, line, world)));
        let cwd = invocation.cwd.as_ref().map_or(&[][..], Bytes::as_slice);
        set(OF_A_PROCESS, serde_json::to_value(sources::are_of_a_process(line, cwd, world)));
        let (contents, listed) = gathering::gather(line, cwd, world);
        set(manifests::FOLDERS, serde_json::to_value(listed.folders));
        set(manifests::PATTERNS, serde_json::to_value(listed.patterns));
        asks |= contents.iter().any(|content| yaml::breaks(&content.bytes));
        facts.contents = contents;
        if asks_first(line) && invocation.streams.stdin == StreamKind::File && facts.stdin().is_none() {
            // The answer is there already; a pipe's may come when it is asked for.
            facts.contents.extend(world.stdin());
        }
        if asks || !line.problems.is_empty() || line.newest() > 0 {
            facts.version = version(world);
        }
        facts
    }

    #[cfg(feature = "reading")]
    fn read(&self, invocation: &Invocation, facts: &Facts) -> Reading {
        meaning::read(invocation, facts).in_bounds()
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

/// Fact: the merged kubeconfig, without secrets.
const KUBECONFIG: &str = "kubeconfig";
/// Fact: the user's own aliases and defaults, by name, where there is a file of them.
const KUBERC: &str = "kuberc";

/// `delete -i` asks before it deletes.
fn asks_first(line: &options::Line) -> bool {
    line.command.path == ["delete"] && line.on("interactive")
}
/// Fact: whether a file that goes into what is made may be one of the process that reads it.
const OF_A_PROCESS: &str = "of_a_process";
/// Fact: the plugin that would run, or `""` where none was found.
const PLUGIN: &str = "plugin";

/// The installed version, `1.32.4`; asked only where the reading depends on it.
fn version(world: &dyn World) -> Option<String> {
    let out = world.ask_tool(&[b"version", b"--client", b"-o", b"json"])?;
    let json: serde_json::Value = serde_json::from_slice(&out).ok()?;
    let version = json.pointer("/clientVersion/gitVersion")?.as_str()?;
    Some(version.trim_start_matches('v').to_owned())
}

#[cfg(all(test, feature = "reading"))]
mod properties;
#[cfg(all(test, feature = "reading"))]
mod tests;
