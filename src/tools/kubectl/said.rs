//! A reading said in both tongues: the calls in RBAC's words (`effective`), and the operations that policy decides on.

use serde_json::{Value, json};

use super::kubeconfig::{Impersonate, Target};
use super::meaning::{Call, Meaning, Scope, is_read};
use crate::model::{Effect, Operation, Resource};

impl Meaning<'_> {
    pub fn operations(&self, dry_run: Option<&str>) -> Vec<Operation> {
        let server = self.target.server.as_str();
        let cluster = || Resource::new("Cluster", server).with("server", server);
        let mut out = Vec::new();
        if let Some(acting) = self.target.impersonate.as_ref().filter(|_| self.contacts_server) {
            let whom = acting.user.iter().chain(&acting.groups).cloned().collect::<Vec<_>>().join(", ");
            out.push(Operation::new("k8s.impersonate", Effect::Escalate, cluster()).with("impersonate", whom));
        }
        for method in &self.raw {
            let detail = format!("{method} {}", self.raw_path.as_deref().unwrap_or_default());
            out.push(
                Operation::new("k8s.raw", Effect::Execute, cluster()).with("method", *method).with("detail", detail),
            );
        }
        let created = self.calls.iter().filter(|call| self.also_creates && call.verb == "update");
        let created: Vec<Call> = created.map(|call| Call { verb: "create", ..call.clone() }).collect();
        let perhaps = self.perhaps.iter().filter(|call| dry_run != Some("client") || is_read(call.verb));
        for call in self.calls.iter().chain(&created).chain(perhaps) {
            let mut operation = call.operation(server);
            if let Some(dry_run) = dry_run {
                operation = operation.with("dry_run", dry_run);
            }
            out.push(operation);
        }
        if out.is_empty() && self.contacts_server {
            out.push(offers(server));
        }
        out = out.into_iter().map(|operation| self.target.asked(operation)).collect();
        out.extend(self.programs.iter().map(|program| runs(program)));
        out.extend(self.listens.iter().chain(&self.socket).map(|at| {
            let host = at.rsplit_once(':').map_or(at.as_str(), |(host, _)| host);
            Operation::new("net.listen", Effect::Disclose, Resource::new("Host", host))
                .with("detail", at.as_str())
                .with("claimed", false)
        }));
        let written = self.writes_files.iter().chain(&self.configures).map(|path| ("file.write", Effect::Write, path));
        let sent = self.sends_files.iter().map(|path| ("file.send", Effect::Disclose, path));
        let read = self.reads_files.iter().map(|path| ("file.read", Effect::Read, path));
        out.extend(written.chain(sent).chain(read).map(|(action, effect, path)| {
            let file = Resource::new("File", path.as_str()).with("path", path.as_str());
            Operation::new(action, effect, file).with("claimed", false)
        }));
        out
    }
}

impl Target {
    /// What is asked of this server, with how it is known and where its connections go.
    pub fn asked(&self, operation: Operation) -> Operation {
        let operation = operation.with("claimed", self.claimed);
        if self.led { operation.with("connect", "*") } else { operation }
    }
}

impl Call {
    fn operation(&self, server: &str) -> Operation {
        let namespace = match &self.scope {
            Scope::Cluster => "",
            Scope::Everywhere => "*",
            Scope::Namespace(namespace) => namespace,
        };
        let subresource = self.subresource.as_deref().unwrap_or_default();
        let name = self.name.as_deref().unwrap_or_default();
        // A type that no cluster has by itself belongs to a group that only the server knows.
        let group = if self.of.known { self.of.group.as_str() } else { "*" };
        let full = match group {
            "" => self.of.resource.clone(),
            group => format!("{}.{group}", self.of.resource),
        };
        let parts = [namespace, &full, name, subresource];
        let id =
            parts.iter().filter(|part| !part.is_empty()).fold(server.to_owned(), |id, part| format!("{id}/{part}"));
        let object = Resource::new("Object", id)
            .with("server", server)
            .with("namespace", namespace)
            .with("group", group)
            .with("resource", self.of.resource.as_str())
            .with("subresource", subresource)
            .with("name", name);
        Operation::new(&format!("k8s.{}", self.verb), self.effect(), object)
    }

    fn effect(&self) -> Effect {
        let grants_rights = self.of.group == "rbac.authorization.k8s.io"
            || matches!(self.subresource.as_deref(), Some("token" | "approval"));
        match self.verb {
            "get" | "list" | "watch" => Effect::Read,
            "connect" => Effect::Execute,
            "delete" | "deletecollection" => Effect::Destroy,
            _ if grants_rights => Effect::Escalate,
            _ => Effect::Write,
        }
    }
}

/// Whatever else it comes to, a server is asked what it offers (discovery), and its address may say something to somebody.
pub(super) fn offers(server: &str) -> Operation {
    let object = Resource::new("Object", format!("{server}/api")).with("server", server);
    let none = ["namespace", "group", "resource", "subresource", "name"];
    Operation::new("k8s.get", Effect::Read, none.into_iter().fold(object, |object, key| object.with(key, "")))
}

pub(super) fn runs(program: &str) -> Operation {
    Operation::new("program.run", Effect::Execute, Resource::new("Program", program).with("command", program))
}

pub(super) fn in_rbac(call: &Call) -> Value {
    let namespace = match &call.scope {
        Scope::Namespace(namespace) => Some(namespace),
        Scope::Cluster | Scope::Everywhere => None,
    };
    json!({
        "verb": call.verb, "resource": call.of.resource, "subresource": call.subresource, "name": call.name,
        "namespace": namespace,
    })
}

pub(super) fn in_words(acting: &Impersonate) -> Value {
    json!({ "user": acting.user, "groups": acting.groups, "uid": acting.uid })
}
