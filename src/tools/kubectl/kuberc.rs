//! kuberc: the file of a user's own aliases and default options, in force by default from kubectl 1.34 on (1.33 asks for
//! `KUBECTL_KUBERC=true`). Which commands it touches is gathered by name; what it makes of them is a doubt.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::options::{self, Found, Line};
use super::yaml;
use crate::model::Invocation;
use crate::tools::World;

/// Where it lies, and what it touches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kuberc {
    pub path: String,
    /// It could not be read: it may touch everything.
    pub unread: bool,
    pub aliases: Vec<String>,
    /// `create role`, `delete`.
    pub commands: Vec<String>,
}

/// The file that this line would read: `--kuberc`, else `KUBERC`, else the one at home; `off` is none.
pub(super) fn gather(invocation: &Invocation, line: Option<&Line>, world: &dyn World) -> Option<Kuberc> {
    let named = line.and_then(|line| line.value("kuberc")).filter(|path| !path.is_empty());
    let from_env = invocation.variables.get("KUBERC").and_then(|path| path.text()).filter(|path| !path.is_empty());
    let path = match named.or(from_env) {
        Some("off") => return None,
        Some(path) => path.to_owned(),
        None => format!("{}/.kube/kuberc", world.home()?.text()?),
    };
    if !world.is_file(path.as_bytes()) {
        return None;
    }
    let content = world.file(path.as_bytes()).filter(|content| !content.truncated);
    let documents = content.and_then(|content| yaml::documents(&content.bytes, false).ok());
    let mut out = Kuberc { path, unread: documents.is_none(), ..Kuberc::default() };
    for document in documents.into_iter().flatten() {
        let names = |list: &str, key: &str| -> Vec<String> {
            let entries = document.get(list).and_then(Value::as_array).into_iter().flatten();
            entries.filter_map(|entry| Some(entry.get(key)?.as_str()?.to_owned())).collect()
        };
        out.aliases.extend(names("aliases", "name"));
        // The list has had two names.
        out.commands.extend(["defaults", "overrides"].iter().flat_map(|list| names(list, "command")));
    }
    Some(out)
}

impl Kuberc {
    /// Whether kubectl of this version would look at it and find something for this line.
    pub fn touches(&self, invocation: &Invocation, version: Option<&str>, found: &Found) -> bool {
        let switch = invocation.variables.get("KUBECTL_KUBERC").and_then(|value| value.text());
        let on = match version.and_then(options::minor) {
            Some(..33) => false,
            Some(33) => switch == Some("true"),
            _ => switch != Some("false"),
        };
        on && (self.unread
            || match found {
                Found::Command(line) => {
                    let name = line.name();
                    self.commands.contains(&name) || self.aliases.iter().any(|alias| name.starts_with(alias.as_str()))
                }
                Found::Unknown { name } => self.aliases.contains(name),
                Found::NotText => false,
            })
    }
}
