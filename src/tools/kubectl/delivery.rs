//! How kubectl is started so that it runs what was read, with the credential that was granted and no other.
//!
//! The agent's kubeconfig is a name of a cluster, never content: where a grant is there, kubectl gets a fresh
//! configuration in a memory file with the granted server, authority and token, and the namespace that was read.
//! Manifests are handed over as the very bytes that were read. Refuses where a word of the line would send the
//! credential elsewhere, or hand it to another program. Over plain HTTP client-go sends no token at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::kubeconfig::{Kubeconfig, Target};
use super::options::{self, Found, Line};
use super::{kustomize, manifests};
use crate::model::{
    Bytes, Content, ContentSource, Delivery, EnvChange, Facts, Grant, GrantKind, Invocation, Lasts, MemFile, Part,
    Secret, Word,
};
use crate::tools::DeliveryError;

/// Options that say where the line goes or as whom; with a grant both are decided.
const ELSEWHERE: [&str; 10] = [
    "kubeconfig",
    "server",
    "token",
    "username",
    "password",
    "client-certificate",
    "client-key",
    "certificate-authority",
    "insecure-skip-tls-verify",
    "tls-server-name",
];

/// Variables that would show or redirect the credential: Go prints HTTP/2 headers under GODEBUG, a proxy reads what is not
/// encrypted, and behind one of the caller's choice an authority of its choice vouches for anybody.
const REMOVED: [&str; 6] =
    ["GODEBUG", "HTTP_PROXY", "KUBERNETES_MASTER", "SSL_CERT_DIR", "SSL_CERT_FILE", "http_proxy"];

pub(super) fn deliver(
    invocation: &Invocation,
    facts: Facts,
    mut grants: Vec<Grant>,
) -> Result<Delivery, DeliveryError> {
    let args = invocation.args.iter().map(|arg| Word::plain(arg.clone())).collect();
    let mut delivery = Delivery { args, ..Delivery::default() };
    let grant = grants.pop();
    if !grants.is_empty() {
        return Err(refused("kubectl takes one credential, and several were granted", None));
    }
    let line = match options::read(&invocation.args) {
        Found::Command(line) => line,
        Found::Unknown { .. } | Found::NotText if grant.is_some() => {
            return Err(refused("a plugin would get the credential", Some("run the plugin without one")));
        }
        Found::Unknown { .. } | Found::NotText => return Ok(delivery),
    };
    hand_over(&mut delivery, &line, &facts)?;
    if let Some(grant) = grant.filter(|_| !line.is_local()) {
        credential(&mut delivery, invocation, &line, &facts, grant)?;
    }
    delivery.stdin = facts.contents.into_iter().find(|content| content.source == ContentSource::Stdin);
    Ok(delivery)
}

/// Puts a memory file in the place of every file that was read.
fn hand_over(delivery: &mut Delivery, line: &Line, facts: &Facts) -> Result<(), DeliveryError> {
    for given in &line.options {
        let (Some(value), Some(at)) = (given.value.as_ref().and_then(Bytes::text), line.origin(given)) else {
            continue;
        };
        let paths: Vec<String> = match given.opt.long {
            "filename" => line.split(value).iter().flat_map(|one| read_from(one, line, facts)).collect(),
            "patch-file" => vec![value.to_owned()],
            "kustomize" if line.command.path == ["kustomize"] => continue,
            "kustomize" if line.every("kustomize").len() > 1 || line.has("filename") || line.on("recursive") => {
                return Err(refused("-k goes with neither -f nor -R, and once", None));
            }
            "kustomize" => collected(value, line, facts).ok_or_else(|| {
                let why = format!("the kustomization in {value} does more than collect manifests");
                refused(&why, Some("build it first: kubectl kustomize DIR > all.yaml, then -f all.yaml"))
            })?,
            _ => continue,
        };
        let mut parts = Vec::new();
        for path in paths {
            if !parts.is_empty() {
                parts.push(Part::Plain(",".into()));
            }
            match facts.file(path.as_bytes()) {
                Some(content) => parts.push(Part::File(memory(delivery, content))),
                // Standard input, an address, or what a policy accepted unread.
                None => parts.push(Part::Plain(path.into())),
            }
        }
        if let Some(Word(word)) = delivery.args.get_mut(at) {
            replace_end(word, value, parts, given.opt.long == "kustomize");
        }
    }
    // `-k DIR` became `-f FILES`, where the option is a word of its own.
    for given in line.options.iter().filter(|given| given.opt.long == "kustomize" && given.value_index.is_some()) {
        if let Some(at) = line.origin_of_option(given) {
            delivery.args[at] = Word::plain("-f");
        }
    }
    Ok(())
}

/// The manifests of a kustomization. Where kubectl would not take it, it must not get them in another way.
fn collected(folder: &str, line: &Line, facts: &Facts) -> Option<Vec<String>> {
    let taken = manifests::read(line, facts).refused.is_none();
    kustomize::collected(folder, facts).filter(|_| taken)
}

/// What stands behind one value of `-f`: itself, or a folder's manifests.
fn read_from(value: &str, line: &Line, facts: &Facts) -> Vec<String> {
    match manifests::paths_of(value, line.on("recursive"), facts) {
        none if none.is_empty() => vec![value.to_owned()],
        paths => paths,
    }
}

/// An option's value is the end of its word: `deploy.yaml`, `--filename=deploy.yaml`, `-Rfdeploy.yaml`.
fn replace_end(word: &mut Vec<Part>, value: &str, parts: Vec<Part>, is_kustomize: bool) {
    let [Part::Plain(whole)] = word.as_slice() else { return };
    let before = whole.strip_suffix(value.as_bytes()).unwrap_or_default();
    let mut out = match (before.is_empty(), is_kustomize) {
        (true, _) => Vec::new(),
        (false, false) => vec![Part::Plain(before.into())],
        (false, true) => vec![Part::Plain("--filename=".into())],
    };
    out.extend(parts);
    *word = out;
}

fn memory(delivery: &mut Delivery, content: &Content) -> usize {
    delivery.files.push(MemFile {
        name: "manifest",
        bytes: Secret::new(content.bytes.to_vec()),
        lasts: Lasts::Throughout,
    });
    delivery.files.len() - 1
}

/// The fresh kubeconfig.
fn credential(
    delivery: &mut Delivery,
    invocation: &Invocation,
    line: &Line,
    facts: &Facts,
    grant: Grant,
) -> Result<(), DeliveryError> {
    let GrantKind::Kubernetes { server, ca, .. } = &grant.kind else {
        return Err(refused("the credential that was granted is not one for kubectl", None));
    };
    refuse_leaks(invocation, line)?;
    if facts.get(super::OF_A_PROCESS).unwrap_or(true) {
        let hint = "give it a copy in the work folder";
        return Err(refused("a file of the line may be the one with the credential itself", Some(hint)));
    }
    let config: Kubeconfig = facts.get(super::KUBECONFIG).unwrap_or_default();
    let target = config.target(invocation, line).map_err(|why| refused(&why, None))?;
    if target.server.trim_end_matches('/') != server.trim_end_matches('/') {
        let why = format!("the credential is for {server}, and the line goes to {}", target.server);
        return Err(refused(&why, Some("choose the context of that cluster with --context")));
    }
    let token =
        std::str::from_utf8(grant.secret.expose()).map_err(|_| refused("the granted token is not text", None))?;
    let bytes = kubeconfig(line, &config, &target, server, ca.as_deref(), token)
        .map_err(|_| refused("the kubeconfig for the credential cannot be written", None))?;
    delivery.files.push(MemFile { name: "kubeconfig", bytes, lasts: Lasts::Throughout });
    let file = delivery.files.len() - 1;
    delivery.environment.push(EnvChange::Set("KUBECONFIG".to_owned(), Word::file(file)));
    delivery.environment.extend(REMOVED.iter().map(|name| EnvChange::Remove((*name).to_owned())));
    Ok(())
}

/// Words and variables with which the credential would not stay with kubectl and its server.
fn refuse_leaks(invocation: &Invocation, line: &Line) -> Result<(), DeliveryError> {
    let shared = ELSEWHERE.iter().find(|long| line.has(long) && line.is_shared(long));
    if let Some(long) = shared {
        let why = format!("with --{long} the credential would not go where it belongs");
        return Err(refused(&why, Some("leave it out: the gate gives the address and the credential of the cluster")));
    }
    let path = line.command.path.as_slice();
    if path == ["proxy"] {
        let why = "whoever reaches the proxy would use the credential, for whatever it allows";
        return Err(refused(why, Some("ask for what is needed: kubectl get --raw PATH")));
    }
    let edits = matches!(path, ["edit"] | ["apply", "edit-last-applied"]) || line.on("edit");
    let differs = path == ["diff"] && invocation.variables.contains_key("KUBECTL_EXTERNAL_DIFF");
    if edits || differs {
        let hint = "write the change down and use kubectl apply or kubectl patch";
        return Err(refused("the line starts a program that could take the credential along", Some(hint)));
    }
    Ok(())
}

/// JSON, which is YAML. The names are those that `--context`, `--cluster` and `--user` of the line may name.
fn kubeconfig(
    line: &Line,
    config: &Kubeconfig,
    target: &Target,
    server: &str,
    ca: Option<&str>,
    token: &str,
) -> serde_json::Result<Secret> {
    let named = |long: &str| line.shared(long).unwrap_or("portcullis");
    let context = line.shared("context").or(config.current.as_deref()).unwrap_or("portcullis");
    let mut cluster = json!({ "server": server });
    if let Some(ca) = ca {
        cluster["certificate-authority-data"] = json!(STANDARD.encode(ca));
    }
    let mut user = json!({});
    if let Some(acting) = &target.impersonate {
        user = json!({ "as": acting.user, "as-groups": acting.groups, "as-uid": acting.uid });
    }
    let mut rest = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{ "name": named("cluster"), "cluster": cluster }],
        "contexts": [{ "name": context, "context": {
            "cluster": named("cluster"), "user": named("user"), "namespace": target.namespace,
        } }],
    });
    // The token is written straight into the one buffer that is wiped, never into a value of serde_json.
    let name = serde_json::to_string(named("user"))?;
    let acting = user.as_object_mut().map(std::mem::take).unwrap_or_default();
    let head = serde_json::to_string(&rest.take())?;
    let mut out = Vec::with_capacity(head.len() + 2 * token.len() + 4096);
    out.extend_from_slice(head.strip_suffix('}').unwrap_or(&head).as_bytes());
    out.extend_from_slice(format!(",\"users\":[{{\"name\":{name},\"user\":{{\"token\":").as_bytes());
    serde_json::to_writer(&mut out, token)?;
    for (key, value) in acting.into_iter().filter(|(_, value)| !value.is_null()) {
        out.extend_from_slice(format!(",\"{key}\":{value}").as_bytes());
    }
    out.extend_from_slice(b"}}]}");
    Ok(Secret::new(out))
}

fn refused(why: &str, hint: Option<&str>) -> DeliveryError {
    DeliveryError { why: why.to_owned(), hint: hint.map(str::to_owned) }
}
