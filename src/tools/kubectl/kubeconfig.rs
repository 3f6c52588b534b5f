//! Which cluster, namespace and identity a line would use: kubeconfig files, merged as client-go merges them, and the
//! line's own options over them.
//!
//! Gathered on the agent's side and sent as a summary. Invariant: no token, password, key or certificate is in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::options::Line;
use super::{paths, yaml};
use crate::model::Invocation;
use crate::tools::World;

/// The merged configuration, without its secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kubeconfig {
    /// Why it cannot be told; then the rest is what could be read.
    pub trouble: Option<String>,
    /// The file that the line names is not there, or no kubeconfig: kubectl refuses.
    #[serde(default)]
    pub absent: bool,
    /// The file that `kubectl config` would write.
    pub file: Option<String>,
    pub current: Option<String>,
    pub contexts: BTreeMap<String, Context>,
    pub clusters: BTreeMap<String, Cluster>,
    pub users: BTreeMap<String, User>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Context {
    pub cluster: Option<String>,
    pub user: Option<String>,
    pub namespace: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cluster {
    pub server: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct User {
    /// `token`, `certificate`, `password`, `exec`, `provider` or `none`.
    pub auth: String,
    /// The program that an exec plugin would start.
    pub exec: Option<String>,
    /// `as`, `as-groups`, `as-uid`.
    pub impersonate: Option<Impersonate>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Impersonate {
    pub user: Option<String>,
    pub groups: Vec<String>,
    pub uid: Option<String>,
}

/// What a line comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub server: String,
    pub namespace: String,
    /// The namespace was written in the line.
    pub namespace_given: bool,
    pub exec: Option<String>,
    pub impersonate: Option<Impersonate>,
    /// The server comes from the machine's files, not from the line.
    pub claimed: bool,
}

/// Reads the files that this line would read, through the world.
pub(super) fn gather(invocation: &Invocation, line: &Line, world: &dyn World) -> Kubeconfig {
    let explicit = line.shared("kubeconfig").map(str::to_owned);
    let from_env = invocation.variables.get("KUBECONFIG").and_then(|list| list.text()).filter(|list| !list.is_empty());
    let paths: Vec<String> = match (&explicit, from_env) {
        (Some(path), _) => vec![path.clone()],
        (None, Some(list)) => list.split(':').filter(|path| !path.is_empty()).map(str::to_owned).collect(),
        (None, None) => {
            world.home().and_then(|home| Some(format!("{}/.kube/config", home.text()?))).into_iter().collect()
        }
    };
    let mut merged = Kubeconfig { file: paths.first().cloned(), ..Kubeconfig::default() };
    for path in paths {
        let Some(content) = world.file(path.as_bytes()) else {
            let absent = paths::is_absent(&path, world, 0);
            merged.absent |= explicit.is_some() && absent;
            if !absent && (explicit.is_some() || world.is_file(path.as_bytes())) {
                merged.trouble = Some(format!("{path} cannot be read"));
            }
            continue;
        };
        let parsed = (!content.truncated).then(|| yaml::first(&content.bytes)).and_then(Result::ok);
        match parsed {
            // client-go knows no other kind of file.
            Some(value) if !matches!(value.get("kind").and_then(Value::as_str), None | Some("" | "Config")) => {
                merged.absent = true;
            }
            Some(value) => merged.add(&value),
            None => merged.trouble = Some(format!("{path} makes no sense as a kubeconfig")),
        }
    }
    merged
}

impl Kubeconfig {
    /// The first file that sets a name or the current context wins.
    fn add(&mut self, file: &Value) {
        let text = |value: &Value, key: &str| {
            value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        self.current = self.current.take().or_else(|| text(file, "current-context"));
        for (name, context) in named(file, "contexts", "context") {
            let (cluster, user) = (text(context, "cluster"), text(context, "user"));
            let context = Context { cluster, user, namespace: text(context, "namespace") };
            self.contexts.entry(name).or_insert(context);
        }
        for (name, cluster) in named(file, "clusters", "cluster") {
            self.clusters.entry(name).or_insert(Cluster { server: text(cluster, "server") });
        }
        for (name, user) in named(file, "users", "user") {
            let exec = user.get("exec").filter(|exec| !exec.is_null());
            let any = |keys: &[&str]| keys.iter().any(|key| user.get(key).is_some_and(|v| !v.is_null()));
            let certificate = any(&["client-certificate", "client-certificate-data"]);
            let other = any(&["token", "tokenFile"]) || certificate && any(&["client-key", "client-key-data"]);
            let auth = match () {
                () if exec.is_some() => "exec",
                () if any(&["auth-provider"]) => "provider",
                () if any(&["token", "tokenFile"]) => "token",
                () if certificate => "certificate",
                () if any(&["username"]) => "password",
                () => "none",
            };
            let groups = user.get("as-groups").and_then(Value::as_array);
            let groups: Vec<String> =
                groups.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            let acting = Impersonate { user: text(user, "as"), groups, uid: text(user, "as-uid") };
            let user = User {
                auth: auth.to_owned(),
                exec: exec.filter(|_| !other).map(|exec| text(exec, "command").unwrap_or_default()),
                impersonate: (acting != Impersonate::default()).then_some(acting),
            };
            self.users.entry(name).or_insert(user);
        }
    }

    /// Where the line goes and as whom. The error is kubectl's own refusal.
    pub fn target(&self, invocation: &Invocation, line: &Line) -> Result<Target, String> {
        if self.absent {
            return Err("the kubeconfig does not exist, or is none".to_owned());
        }
        let option = |long: &str| line.shared(long);
        let name = option("context").or(self.current.as_deref());
        let context = match name {
            None => Context::default(),
            Some(name) => match self.contexts.get(name) {
                Some(context) => context.clone(),
                None => return Err(format!("no context is called {name:?}")),
            },
        };
        let cluster = match option("cluster").or(context.cluster.as_deref()) {
            None => Cluster::default(),
            Some(name) => match self.clusters.get(name) {
                Some(cluster) => cluster.clone(),
                // A context may name a cluster that is not there, where the line gives the server.
                None if option("server").is_some() && option("cluster").is_none() => Cluster::default(),
                None => return Err(format!("no cluster is called {name:?}")),
            },
        };
        let user = match option("user").or(context.user.as_deref()) {
            None => User::default(),
            Some(name) => match self.users.get(name) {
                Some(user) => user.clone(),
                None if option("user").is_none() => User::default(),
                None => return Err(format!("no user is called {name:?}")),
            },
        };
        let server = match option("server").map(str::to_owned).or(cluster.server) {
            Some(server) => with_scheme(&server),
            None => default_server(invocation),
        };
        if option("server").is_some_and(|text| !text.contains("://") && text.trim_end_matches('/').contains('/')) {
            return Err("a server without a scheme has no path".to_owned());
        }
        // client-go takes one of them (validation.go).
        let basic = option("username").is_some() || option("password").is_some();
        if user.auth == "token" && basic || user.auth == "password" && option("token").is_some() {
            return Err("a token and a password are both there".to_owned());
        }
        // client-go does not start the plugin where a token or a certificate is there already, nor for a server that it
        // talks to in the clear. A password stops it only as long as the server takes it.
        let certificate = option("client-certificate").is_some() && option("client-key").is_some();
        let own = option("token").is_some() || certificate || !server.starts_with("https://");
        Ok(Target {
            server,
            namespace: option("namespace")
                .map(str::to_owned)
                .or(context.namespace)
                .unwrap_or_else(|| "default".to_owned()),
            namespace_given: option("namespace").is_some(),
            exec: user.exec.filter(|_| !own),
            impersonate: acting(line, user.impersonate)?,
            claimed: option("server").is_none(),
        })
    }
}

/// Impersonation: the line's own options over the kubeconfig's, each by itself. client-go acts as nobody's groups.
fn acting(line: &Line, config: Option<Impersonate>) -> Result<Option<Impersonate>, String> {
    let config = config.unwrap_or_default();
    let text = |long: &str| line.shared(long).map(str::to_owned);
    let groups = line.every("as-group");
    let acting = Impersonate {
        user: text("as").or(config.user),
        groups: if groups.is_empty() { config.groups } else { groups },
        uid: text("as-uid").or(config.uid),
    };
    match acting.user.is_none() && acting != Impersonate::default() {
        true => Err("groups or a uid are impersonated without a user".to_owned()),
        false => Ok((acting != Impersonate::default()).then_some(acting)),
    }
}

/// `clientcmd`'s list entries: `- name: x` with the thing itself under `key`.
fn named<'a>(file: &'a Value, list: &str, key: &'a str) -> impl Iterator<Item = (String, &'a Value)> {
    let entries = file.get(list).and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(move |entry| Some((entry.get("name")?.as_str()?.to_owned(), entry.get(key)?)))
}

/// client-go takes an address without a scheme as plain HTTP.
fn with_scheme(server: &str) -> String {
    let server = server.trim_end_matches('/');
    if server.contains("://") { server.to_owned() } else { format!("http://{server}") }
}

/// Without any configuration: the cluster that the process runs in, else the old default.
fn default_server(invocation: &Invocation) -> String {
    let variable = |name: &str| invocation.variables.get(name).and_then(|v| v.text()).filter(|v| !v.is_empty());
    match (variable("KUBERNETES_MASTER"), variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT")) {
        (Some(master), _, _) => with_scheme(master),
        (None, Some(host), Some(port)) if host.contains(':') => format!("https://[{host}]:{port}"),
        (None, Some(host), Some(port)) => format!("https://{host}:{port}"),
        _ => "http://localhost:8080".to_owned(),
    }
}
