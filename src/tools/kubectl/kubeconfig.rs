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
    /// The namespace of the pod that this machine is; `None` where it is none.
    #[serde(default)]
    pub pod: Option<String>,
    /// A variable names a proxy.
    #[serde(default)]
    pub proxied: bool,
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
    /// `proxy-url` names one.
    #[serde(default)]
    pub proxied: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct User {
    /// `token`, `certificate`, `password`, `exec`, `provider` or `none`.
    pub auth: String,
    /// The program that an exec plugin would start.
    pub exec: Option<String>,
    /// client-go does not take it as it stands (validation.go).
    #[serde(default)]
    pub invalid: bool,
    /// A key for a certificate is there.
    #[serde(default)]
    pub keyed: bool,
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
    /// A proxy says where its connections go.
    pub led: bool,
}

/// Go's variables for proxies (net/http, ProxyFromEnvironment); their values may hold a login and are not told.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

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
    let pod = pod(invocation, world);
    let set = |name: &str| world.variable(name).is_some_and(|value| !value.is_empty());
    let proxied = PROXIES.into_iter().any(set);
    let mut merged = Kubeconfig { file: paths.first().cloned(), pod, proxied, ..Kubeconfig::default() };
    for long in ["certificate-authority", "client-certificate", "client-key"] {
        // What the line names itself must be there.
        merged.absent |= line.shared(long).is_some_and(|path| paths::is_absent(path, world, 0));
    }
    for path in paths {
        let Some(content) = world.file(path.as_bytes()) else {
            let absent = paths::is_absent(&path, world, 0);
            merged.absent |= explicit.is_some() && absent || world.is_dir(path.as_bytes());
            if !absent && (explicit.is_some() || world.is_file(path.as_bytes())) {
                merged.trouble = Some(format!("{path} cannot be read"));
            }
            continue;
        };
        let parsed = (!content.truncated).then(|| yaml::first(&content.bytes)).and_then(Result::ok);
        match parsed {
            Some(value) if !is_config(&value) => merged.absent = true,
            Some(value) => merged.add(&value),
            None => merged.trouble = Some(format!("{path} makes no sense as a kubeconfig")),
        }
    }
    merged
}

/// client-go's in-cluster configuration: there where the variables are and the token of the pod's account.
fn pod(invocation: &Invocation, world: &dyn World) -> Option<String> {
    const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let given = |name: &&str| invocation.variables.get(*name).is_some_and(|value| !value.as_slice().is_empty());
    let variables = ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"].iter().all(given);
    if !variables || !world.is_file(format!("{ACCOUNT}/token").as_bytes()) {
        return None;
    }
    let variable = world.variable("POD_NAMESPACE").and_then(|value| Some(value.text()?.to_owned()));
    let file = || Some(world.file(format!("{ACCOUNT}/namespace").as_bytes())?.bytes.text()?.trim().to_owned());
    let found = variable.filter(|text| !text.is_empty()).or_else(file).filter(|text| !text.is_empty());
    Some(found.unwrap_or_else(|| "default".to_owned()))
}

impl Kubeconfig {
    /// The first file that sets a name or the current context wins.
    fn add(&mut self, file: &Value) {
        for (list, key) in [("contexts", "context"), ("clusters", "cluster"), ("users", "user")] {
            let mut names: Vec<String> = named(file, list, key).map(|(name, _)| name).collect();
            names.sort();
            // Within one file client-go takes no name twice.
            self.absent |= names.windows(2).any(|pair| pair[0] == pair[1]);
        }
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
            self.clusters
                .entry(name)
                .or_insert(Cluster { server: text(cluster, "server"), proxied: text(cluster, "proxy-url").is_some() });
        }
        for (name, user) in named(file, "users", "user") {
            let exec = user.get("exec").filter(|exec| !exec.is_null());
            let any = |keys: &[&str]| keys.iter().any(|key| user.get(key).is_some_and(|v| !v.is_null()));
            let certificate = any(&["client-certificate", "client-certificate-data"]);
            let keyed = any(&["client-key", "client-key-data"]);
            let other = any(&["token", "tokenFile"]) || certificate && keyed;
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
            let some = |key: &str| text(user, key).is_some();
            let invalid = exec.is_some_and(|exec| !is_plugin(exec) || any(&["auth-provider"]))
                || some("token") && (some("username") || some("password"))
                || certificate && !keyed;
            let user = User {
                auth: auth.to_owned(),
                invalid,
                keyed,
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
            None => default_server(invocation, self.pod.is_some()),
        };
        if option("server").is_some_and(|text| !text.contains("://") && text.trim_end_matches('/').contains('/')) {
            return Err("a server without a scheme has no path".to_owned());
        }
        let authority =
            server.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        let host = authority.rsplit('@').next().unwrap_or_default();
        let port = host.rsplit_once(':').map_or("", |(_, port)| port);
        let odd =
            host.contains(char::is_whitespace) || !host.ends_with(']') && !port.bytes().all(|b| b.is_ascii_digit());
        if host.is_empty() || odd || server == "http://http:" || server == "http://https:" {
            return Err("a server has a host".to_owned());
        }
        // client-go takes one of them, and no certificate without its key (validation.go).
        let keyless = option("client-certificate").is_some() && !user.keyed;
        if (user.invalid || keyless) && option("client-key").is_none() {
            return Err("the user's entry is none".to_owned());
        }
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
                .or_else(|| self.pod.clone())
                .unwrap_or_else(|| "default".to_owned()),
            namespace_given: option("namespace").is_some(),
            exec: user.exec.filter(|_| !own),
            impersonate: acting(line, user.impersonate)?,
            claimed: option("server").is_none(),
            led: cluster.proxied || self.proxied,
        })
    }
}

/// Whether client-go takes the file for a kubeconfig: it knows no other kind, and every part is of its type.
fn is_config(file: &Value) -> bool {
    let one = |key: &str, known: &[&str]| match file.get(key) {
        None | Some(Value::Null) => true,
        Some(value) => value.as_str().is_some_and(|text| known.is_empty() || known.contains(&text)),
    };
    let list = |key: &str| file.get(key).is_none_or(|value| value.is_null() || value.is_array());
    one("kind", &["", "Config"])
        && one("apiVersion", &["", "v1"])
        && one("current-context", &[])
        && ["clusters", "contexts", "users"].into_iter().all(list)
}

/// An exec plugin as client-go has it: its interface has a version, and the newest asks for a mode.
fn is_plugin(exec: &Value) -> bool {
    let text = |key: &str| exec.get(key).and_then(Value::as_str).unwrap_or_default();
    let modes = ["Never", "IfAvailable", "Always"].contains(&text("interactiveMode"));
    let version = match text("apiVersion").strip_prefix("client.authentication.k8s.io/") {
        Some("v1") => modes,
        // Older versions of kubectl know the first of them, too.
        Some("v1beta1" | "v1alpha1") => modes || text("interactiveMode").is_empty(),
        _ => false,
    };
    let variables = exec.get("env").and_then(Value::as_array).into_iter().flatten();
    let named = |one: &Value| one.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    version && !text("command").is_empty() && variables.into_iter().all(named)
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
    match server.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
        None => format!("http://{server}"),
    }
}

/// Without any configuration: the cluster that the process runs in, else the old default.
fn default_server(invocation: &Invocation, pod: bool) -> String {
    let variable = |name: &str| invocation.variables.get(name).and_then(|v| v.text()).filter(|v| !v.is_empty());
    let of_pod = |name: &str| variable(name).filter(|_| pod);
    match (variable("KUBERNETES_MASTER"), of_pod("KUBERNETES_SERVICE_HOST"), of_pod("KUBERNETES_SERVICE_PORT")) {
        (Some(master), _, _) => with_scheme(master),
        (None, Some(host), Some(port)) if host.contains(':') => format!("https://[{host}]:{port}"),
        (None, Some(host), Some(port)) => format!("https://{host}:{port}"),
        _ => "http://localhost:8080".to_owned(),
    }
}
