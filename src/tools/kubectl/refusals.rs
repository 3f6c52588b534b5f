//! What kubectl itself refuses before it asks the server: the checks of each command's Complete and Validate, as far as
//! they go by the line alone (kubectl's source, pkg/cmd, 1.32).
//!
//! Whatever is not checked here is read as if kubectl went on.

use std::collections::BTreeSet;

use super::options::Line;
use super::picks::split_pairs;
use super::selector;
use super::sources::is_variable;

/// The first reason.
pub(super) fn of(line: &Line) -> Option<&'static str> {
    let path = line.command.path.as_slice();
    required(line).or_else(|| super::values::of(line)).or_else(|| together(line)).or_else(|| match path {
        ["patch"] if !is_patch(line.value("type").unwrap_or_default()) => Some("the type of patch is unknown"),
        ["events"] if line.value("for").is_some_and(|of| !of.is_empty() && of.matches('/').count() != 1) => {
            Some("--for is a type and a name")
        }
        ["events"] if !line.values("types").iter().all(|of| ["normal", "warning"].contains(&&*of.to_lowercase())) => {
            Some("an event's type is unknown")
        }
        ["get"] => get(line),
        ["create" | "replace" | "delete"] if given(line, "raw") => raw(line),
        ["create", ..] if path.len() > 1 => create(line, path),
        ["create" | "apply" | "diff"] if !line.operands.is_empty() => Some("it takes no words"),
        ["diff"] if line.on("force-conflicts") && !line.on("server-side") => {
            Some("--force-conflicts is for --server-side")
        }
        ["apply"] => apply(line),
        ["apply", "set-last-applied"] if !line.has("filename") => Some("no file is named"),
        ["delete"] => delete(line),
        ["replace"] => replace(line),
        ["patch"] => match (given(line, "patch"), given(line, "patch-file")) {
            (true, true) => Some("--patch and --patch-file are both given"),
            (false, false) => Some("there is no patch"),
            _ => None,
        },
        ["label" | "annotate" | "taint"] | ["set", _] => pairs(line, path),
        ["scale"] if number(line, "replicas").is_none_or(|n| n < 0) => Some("--replicas is no count"),
        ["autoscale"] if number(line, "max").is_none_or(|n| n < 1) => Some("--max is no count"),
        ["autoscale"] if number(line, "min").is_some_and(|n| n > number(line, "max").unwrap_or(n)) => {
            Some("--min is above --max")
        }
        ["cordon" | "uncordon" | "drain"] => match (line.words().is_empty(), given(line, "selector")) {
            (true, false) => Some("no node is named"),
            (false, true) => Some("a node's name and a selector are given"),
            _ => None,
        },
        ["exec" | "attach" | "port-forward" | "logs" | "cp" | "run" | "debug"] => pod(line, path[0]),
        ["wait"] if !waits(line.value("for").unwrap_or_default()) => Some("--for says no condition"),
        ["top", _] if line.words().len() > 1 => Some("more than one name is given"),
        ["top", _] if line.words().len() == 1 && (given(line, "selector") || given(line, "field-selector")) => {
            Some("a name and a selector are given")
        }
        ["api-resources" | "api-versions"] if !line.words().is_empty() => Some("it takes no words"),
        ["explain"] if line.words().len() != 1 => Some("it explains one type"),
        ["auth", "can-i"] => can_i(line),
        ["auth", "reconcile"] if !line.words().is_empty() => Some("it takes no words"),
        ["auth", "reconcile"] if line.dry_run() == Ok(Some("server")) => Some("no dry run by the server"),
        _ => None,
    })
}

/// In any case, and without one a strategic patch (patch.go).
fn is_patch(of: &str) -> bool {
    matches!(of.to_lowercase().as_str(), "" | "json" | "merge" | "strategic")
}

fn given(line: &Line, long: &str) -> bool {
    line.value(long).is_some_and(|value| !value.is_empty())
}

fn number(line: &Line, long: &str) -> Option<i64> {
    super::values::number(line.value(long)?)
}

/// `delete` and `create` in any case; `jsonpath=EXPRESSION[=VALUE]`, where `==` separates nothing.
fn waits(condition: &str) -> bool {
    let is_path = |text: &str| {
        let text = text.replace("==", "\0\0");
        let parts: Vec<&str> = text.split('=').collect();
        let inner = parts[0].strip_prefix('{').map_or(Some(parts[0]), |rest| rest.strip_suffix('}'));
        inner.is_some_and(|path| !matches!(path, "" | ".") && !path.contains(['{', '}']))
            && parts.get(1).is_none_or(|value| !value.trim_matches(['\'', '"']).is_empty())
            && parts.len() <= 2
    };
    matches!(condition.to_lowercase().as_str(), "delete" | "create")
        || condition.starts_with("condition=")
        || condition.strip_prefix("jsonpath=").is_some_and(is_path)
}

fn can_i(line: &Line) -> Option<&'static str> {
    let words = line.words();
    let path = words.get(1).is_some_and(|what| what.starts_with('/'));
    match line.on("list") {
        true if !words.is_empty() => Some("--list takes no words"),
        true if line.on("quiet") || line.on("all-namespaces") || given(line, "subresource") => {
            Some("--list goes with no other question")
        }
        false if words.len() != 2 => Some("it takes a verb and a resource"),
        false if path && given(line, "subresource") => Some("a path has no subresource"),
        false if line.on("no-headers") => Some("--no-headers is for --list"),
        _ => None,
    }
}

/// `get`: a watch is of one type, and some options are for it, or for a table, alone.
fn get(line: &Line) -> Option<&'static str> {
    let watches = line.on("watch") || line.on("watch-only");
    let table = matches!(line.value("output"), None | Some("" | "wide"));
    let words = line.words();
    let several = match words.as_slice() {
        [one] => one.contains(',') || one.eq_ignore_ascii_case("all"),
        [first, ..] => first.contains(',') || first.contains('/') && !same_type(&words),
        [] => false,
    };
    match () {
        () if given(line, "raw") => raw(line),
        () if line.on("show-labels") && !table => Some("--show-labels is for tables"),
        () if line.on("output-watch-events") && !watches => Some("--output-watch-events is for a watch"),
        () if watches && several => Some("a watch is of one type"),
        () => None,
    }
}

fn same_type(words: &[&str]) -> bool {
    let mut types = words.iter().map(|word| word.split('/').next());
    let first = types.next();
    types.all(|of| Some(of) == first)
}

/// Options that cobra wants (MarkFlagRequired).
fn required(line: &Line) -> Option<&'static str> {
    let wanted: &[&str] = match line.command.path.as_slice() {
        ["scale"] => &["replicas"],
        ["autoscale"] => &["max"],
        ["run"] | ["create", "deployment"] => &["image"],
        ["create", "cronjob"] => &["image", "schedule"],
        ["create", "clusterrolebinding"] => &["clusterrole"],
        ["create", "service", "externalname"] => &["external-name"],
        _ => &[],
    };
    wanted.iter().any(|long| !line.has(long)).then_some("an option that it needs is missing")
}

/// A user of another kind is named with its namespace.
fn is_account(text: &str) -> bool {
    matches!(text.split(':').collect::<Vec<_>>().as_slice(), [namespace, name] if !namespace.is_empty() && !name.is_empty())
}

/// Options that exclude one another.
fn together(line: &Line) -> Option<&'static str> {
    let has_all =
        line.on("all") && matches!(line.command.path[0], "label" | "annotate" | "apply" | "delete" | "set" | "taint");
    if has_all && (given(line, "selector") || given(line, "field-selector") && line.command.path[0] != "set") {
        return Some("--all and a selector are given");
    }
    let folder = given(line, "kustomize") && line.command.path != ["run"];
    if line.has("filename") && line.has("kustomize") || folder && line.on("recursive") {
        return Some("-k goes with neither -f nor -R");
    }
    // Of what the server has the server judges it.
    let here = line.has("filename") && !line.on("local") || folder || line.command.path[0] == "top";
    if here && !line.selector().is_none_or(selector::is_selector) {
        return Some("the selector is none");
    }
    if line.values("filename").iter().filter(|path| *path == "-").count() > 1 {
        return Some("standard input is read once");
    }
    let reads = !matches!(line.command.path.as_slice(), ["run"]) && !given(line, "raw");
    if reads && line.values("filename").iter().any(String::is_empty) {
        return Some("a file has no name");
    }
    if line.on("local") && line.dry_run() == Ok(Some("server")) {
        return Some("--local and --dry-run=server are given");
    }
    if line.on("local") && !line.words().is_empty() && matches!(line.command.path[0], "patch") {
        return Some("--local goes with files");
    }
    None
}

fn raw(line: &Line) -> Option<&'static str> {
    let reads = !matches!(line.command.path.as_slice(), ["get" | "delete"]);
    let files = line.values("filename");
    if !line.operands.is_empty() && line.name() != "delete" {
        return Some("words are given beside --raw");
    }
    if given(line, "output") {
        return Some("--output is given beside --raw");
    }
    if !line.value("raw").is_some_and(|path| path.starts_with('/') || path.contains("://")) {
        return Some("--raw is no path");
    }
    let filters = line.on("watch") || line.on("watch-only") || given(line, "selector");
    if line.name() == "get" && filters {
        return Some("a filter is given beside --raw");
    }
    if line.on("edit") {
        return Some("--edit is given beside --raw");
    }
    if reads && (files.len() != 1 || line.on("recursive") || super::paths::is_page(&files[0])) {
        return Some("--raw sends one file");
    }
    (line.name() == "delete" && (files.len() > 1 || line.on("interactive") || line.on("recursive")))
        .then_some("--raw sends one file")
}

fn create(line: &Line, path: &[&str]) -> Option<&'static str> {
    if super::options::has_children(line.command) {
        return None;
    }
    if line.words().len() != 1 {
        return Some("it takes one name");
    }
    let none = |longs: &[&str]| longs.iter().all(|long| !line.has(long));
    if let Some(why) = super::spellings::of(line) {
        return Some(why);
    }
    match path[1..] {
        ["secret", "generic"] | ["configmap"] if line.has("from-env-file") && !none(&["from-file", "from-literal"]) => {
            Some("--from-env-file goes with no other source")
        }
        ["secret", "tls"] if !given(line, "key") || !given(line, "cert") => Some("key and certificate are needed"),
        ["secret", "docker-registry"]
            if none(&["from-file"])
                && (!given(line, "docker-username")
                    || !given(line, "docker-password")
                    || line.value("docker-server") == Some("")) =>
        {
            Some("a user and a password are needed")
        }
        ["rolebinding" | "clusterrolebinding"] if !line.every("serviceaccount").iter().all(|text| is_account(text)) => {
            Some("a service account is written NAMESPACE:NAME")
        }
        ["token"] if line.value("duration").is_some_and(|text| text.starts_with('-')) => {
            Some("the duration is negative")
        }
        ["rolebinding"] if given(line, "role") == given(line, "clusterrole") => Some("one role is needed"),
        ["role"] if none(&["verb"]) || none(&["resource"]) => Some("a verb and a resource are needed"),
        ["clusterrole"] if line.has("aggregation-rule") => {
            let more = !none(&["verb", "resource", "resource-name", "non-resource-url"]);
            more.then_some("an aggregation rule stands alone")
        }
        ["clusterrole"] if none(&["verb"]) || none(&["resource", "non-resource-url"]) => {
            Some("a verb and a resource are needed")
        }
        ["poddisruptionbudget"] if !given(line, "selector") => Some("a selector is needed"),
        ["poddisruptionbudget"] if given(line, "min-available") == given(line, "max-unavailable") => {
            Some("one of two limits is needed")
        }
        ["job"] if given(line, "image") == given(line, "from") => Some("an image or a source is needed"),
        ["job"] if given(line, "from") && !line.value("from").is_some_and(|from| from.contains('/')) => {
            Some("a source has a type and a name")
        }
        ["job"] if given(line, "from") && line.has_command() => Some("a source has its own command"),
        ["ingress"] if none(&["rule", "default-backend"]) => Some("a rule is needed"),
        ["service", "clusterip"] if none(&["tcp"]) && line.value("clusterip") != Some("None") => {
            Some("a port is needed")
        }
        ["service", "nodeport" | "loadbalancer"] if none(&["tcp"]) => Some("a port is needed"),
        ["token"] if given(line, "bound-object-kind") != given(line, "bound-object-name") => {
            Some("an object that a token is bound to has a kind and a name")
        }
        _ => None,
    }
}

fn apply(line: &Line) -> Option<&'static str> {
    let server_side = line.on("server-side");
    let dry_run = line.dry_run().unwrap_or_default();
    match () {
        () if line.on("force-conflicts") && !server_side => Some("--force-conflicts is for --server-side"),
        () if server_side && dry_run == Some("client") => Some("--server-side has no client dry run"),
        () if server_side && line.on("force") => Some("--force is not for --server-side"),
        () if line.on("force") && dry_run == Some("server") => Some("--force has no dry run by the server"),
        () if line.on("prune") && line.on("force") => Some("--force is not for --prune"),
        () if line.on("prune") && server_side => Some("--prune is not for --server-side"),
        () if line.on("prune") && !line.every("prune-allowlist").iter().all(|of| of.matches('/').count() == 2) => {
            Some("what is pruned is written GROUP/VERSION/KIND")
        }
        () if line.on("prune") && !line.on("all") && !given(line, "selector") => {
            Some("--prune needs --all or a selector")
        }
        () if given(line, "subresource") && !server_side => Some("--subresource is for --server-side"),
        () if !line.has("filename") && !line.has("kustomize") => Some("no file is named"),
        () => None,
    }
}

fn delete(line: &Line) -> Option<&'static str> {
    let grace = number(line, "grace-period").unwrap_or(-1);
    match () {
        () if line.on("now") && grace != -1 => Some("--now and --grace-period are both given"),
        () if line.on("force") && (grace > 0 || line.on("now")) => Some("--force is for no grace at all"),
        () if !matches!(line.value("output"), None | Some("" | "name")) => Some("its output is a name"),
        () => None,
    }
}

fn replace(line: &Line) -> Option<&'static str> {
    let force = line.on("force");
    match () {
        () if !force && line.value("timeout").is_some_and(|text| text.contains(|c: char| ('1'..='9').contains(&c))) => {
            Some("--timeout is for --force")
        }
        () if number(line, "grace-period").is_some_and(|n| n >= 0) && !force => Some("--grace-period is for --force"),
        () if force && line.dry_run() != Ok(None) => Some("--force has no dry run"),
        () if !line.has("filename") && !line.has("kustomize") => Some("no file is named"),
        () => None,
    }
}

/// `label`, `annotate`, `taint` and `set`: things first, then what changes.
fn pairs(line: &Line, path: &[&str]) -> Option<&'static str> {
    let words = line.words();
    let (things, pairs, mixed) = split_pairs(&words, path);
    if mixed && !matches!(path, ["set", "selector" | "serviceaccount" | "resources" | "subject"]) {
        return Some("something is named behind the changes");
    }
    let from_file = line.has("filename") || line.has("kustomize");
    match path {
        ["label" | "annotate"] if line.on("list") && given(line, "output") => Some("--list has an output of its own"),
        ["label" | "annotate"] if line.on("local") && !from_file => Some("--local goes with files"),
        ["label" | "annotate"] if pairs.is_empty() && !line.on("list") => Some("nothing is to change"),
        ["label" | "annotate"] if clash(&pairs) => Some("something is set and removed"),
        ["label"] if !pairs.iter().all(|pair| is_label(pair)) => Some("a label's value is none"),
        ["label" | "annotate"] if given(line, "resource-version") && (things.len() != 2 || things[1].contains('/')) => {
            // TYPE NAME and TYPE/NAME are one thing.
            (things.len() != 1 || !things[0].contains('/') || from_file)
                .then_some("--resource-version is for one thing")
        }
        ["set", "selector"] if !words.last().is_none_or(|text| selector::is_selector(text)) => {
            Some("the selector is none")
        }
        ["taint"] if clash(&pairs) || !pairs.iter().all(|pair| is_taint(pair)) => Some("a taint is none"),
        ["taint"] if things.is_empty() || pairs.is_empty() => Some("nothing is to change"),
        ["taint"] if !matches!(things[0].to_lowercase().as_str(), "node" | "nodes" | "no") => {
            Some("only nodes have taints")
        }
        ["taint"] if things.len() < 2 && !line.on("all") && !given(line, "selector") => Some("no node is named"),
        ["set", "env"] if !pairs.iter().filter_map(|pair| pair.split_once('=')).all(|(name, _)| is_variable(name)) => {
            Some("a variable is none")
        }
        ["set", "env"] if line.on("list") && given(line, "output") => Some("--list has an output of its own"),
        ["set", "env"] if given(line, "from") && !line.value("from").is_some_and(|from| from.contains('/')) => {
            Some("a source has a type and a name")
        }
        ["set", "env"] if given(line, "keys") && !given(line, "from") => Some("--keys is for --from"),
        ["set", "env"] if pairs.is_empty() && !line.on("list") && !line.has("env") && !given(line, "from") => {
            Some("no variable is given")
        }
        _ => None,
    }
}

/// Whether one key is both set and removed.
fn clash(pairs: &[&str]) -> bool {
    let removed: BTreeSet<&str> = pairs.iter().filter_map(|pair| pair.strip_suffix('-')).collect();
    let set = |pair: &&str| pair.split_once('=').is_some_and(|(key, _)| removed.contains(key));
    pairs.iter().any(set)
}

/// For `key=value`; the key is the server's to judge.
fn is_label(pair: &str) -> bool {
    pair.split_once('=').is_none_or(|(_, value)| selector::is_value(value))
}

/// `key=value:effect`, `key:effect`, `key-` or `key:effect-` (kubectl's taint/utils.go).
fn is_taint(pair: &str) -> bool {
    let effect = |text: &str| matches!(text, "NoSchedule" | "PreferNoSchedule" | "NoExecute");
    match (pair.strip_suffix('-'), pair.split_once(':')) {
        (Some(pair), _) => pair.split_once(':').is_none_or(|(_, text)| effect(text)),
        (None, Some((key, text))) => effect(text) && is_label(key) && !key.starts_with('='),
        (None, None) => false,
    }
}

/// Commands for one pod.
fn pod(line: &Line, command: &str) -> Option<&'static str> {
    let words = line.words();
    let file = line.has("filename") || line.has("kustomize");
    let attaches = line.attaches();
    match command {
        "exec" if !line.has_command() && (words.len() > 1 || file && !words.is_empty()) => {
            Some("the command stands behind --")
        }
        "exec" if file && !words.is_empty() => Some("a pod is named beside a file"),
        "exec" if words.is_empty() && !file => Some("no pod is named"),
        "exec" if !line.has_command() => Some("there is no command"),
        "attach" if words.is_empty() || words.len() > 2 => Some("one pod is attached to"),
        "port-forward" if words.len() < 2 => Some("a pod and its ports are needed"),
        "logs" if words.is_empty() != given(line, "selector") || words.len() > 2 => {
            Some("one pod or a selector is needed")
        }
        "logs" if words.len() == 2 && given(line, "container") => Some("the container is given twice"),
        "run" if !matches!(line.value("restart"), None | Some("" | "Always" | "OnFailure" | "Never")) => {
            Some("the restart policy is unknown")
        }
        "run"
            if !line
                .every("env")
                .iter()
                .all(|text| text.is_empty() || text.split_once('=').is_some_and(|(name, _)| is_variable(name))) =>
        {
            Some("a variable is none")
        }
        "run" if !line.every("annotations").iter().all(|text| text.find('=').is_some_and(|at| at > 0)) => {
            Some("an annotation is none")
        }
        "run" if !matches!(line.value("image-pull-policy"), None | Some("" | "Always" | "IfNotPresent" | "Never")) => {
            Some("the pull policy is unknown")
        }
        "run" if words.is_empty() => Some("no name is given"),
        "run" if line.on("rm") && !attaches => Some("--rm is for a container that is attached to"),
        "run" if line.on("tty") && !line.on("stdin") => Some("--tty needs --stdin"),
        "run" if line.on("expose") && !given(line, "port") => Some("--expose needs --port"),
        "run" if attaches && line.dry_run() != Ok(None) => Some("a dry run has nothing to attach to"),
        "debug" if words.is_empty() && !file => Some("nothing to debug is named"),
        "debug" => debug(line),
        _ => None,
    }
}

fn debug(line: &Line) -> Option<&'static str> {
    let copies = given(line, "copy-to");
    let image = given(line, "image");
    match () {
        () if copies && !image && !line.has("set-image") && !line.has_command() => {
            Some("a copy needs an image or a command")
        }
        () if copies && line.has_command() && !image && !given(line, "container") => {
            Some("a command is for a container that is named")
        }
        () if line.on("attach") && !image && !given(line, "container") => Some("there is no container to attach to"),
        () if !copies && ["replace", "same-node"].iter().any(|long| line.on(long)) => Some("that is for --copy-to"),
        () if !copies && line.has("set-image") => Some("--set-image is for --copy-to"),
        () if !copies && !image => Some("--image is needed"),
        () if copies && given(line, "target") => Some("--target is not for --copy-to"),
        () if line.on("tty") && !line.on("stdin") => Some("--tty needs --stdin"),
        () => None,
    }
}
