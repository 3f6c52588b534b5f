//! `--raw PATH` on get, create, replace and delete: one request to any path of the API. A path that names a resource is
//! read as the call that it is; anything else is a raw request, which policy permits or not by itself.

use super::meaning::{Call, Meaning, Scope, is_read};
use super::resources::{Type, builtin, of_word};

pub(super) fn read(m: &mut Meaning<'_>, verb: &'static str, path: &str) {
    let query = path.split_once('?').map_or(String::new(), |(_, query)| format!("?{query}"));
    m.raw_path = Some(path_of(path).map_or_else(|| path.to_owned(), |path| path + &query));
    let any = Type { resource: "*".to_owned(), group: "*".to_owned(), namespaced: false, known: true };
    match parse(path) {
        Some(Named { of, name, subresource, scope, watches, plain }) => {
            let verb = match (verb, name.is_some(), subresource.as_str()) {
                _ if watches => "watch",
                (_, _, "exec" | "attach" | "portforward") => "connect",
                ("get", false, _) => "list",
                ("delete", false, _) => "deletecollection",
                (verb, _, _) => verb,
            };
            if subresource == "proxy" || !plain {
                // What lies behind a proxy is not the API's to say; nor what one before the API makes of `..`.
                m.raw.push(method(verb));
            }
            if !plain && !is_read(verb) {
                let name = Some("*".to_owned());
                m.perhaps.push(Call { verb, of: any, subresource: None, name, scope: Scope::Everywhere });
            }
            m.call_on(verb, &of, &subresource, name.as_deref(), scope);
        }
        None => {
            m.raw.push(method(verb));
            if verb != "get" {
                m.call(verb, &any, Some("*"), Scope::Everywhere);
            }
        }
    }
}

fn method(verb: &str) -> &'static str {
    match verb {
        "get" | "list" | "watch" => "GET",
        "create" => "POST",
        "update" => "PUT",
        "delete" | "deletecollection" => "DELETE",
        _ => "*",
    }
}

struct Named {
    of: Type,
    name: Option<String>,
    subresource: String,
    scope: Scope,
    /// `/watch/` stands before the resource, or the query asks for it.
    watches: bool,
    /// No segment is one that another server might read otherwise: empty, `..`.
    plain: bool,
}

/// The path that is asked of the line's own server: client-go takes it out of what Go's `url.Parse` makes of the text, so
/// a scheme and a host before it are dropped, also behind `//`, and escapes are undone.
fn path_of(text: &str) -> Option<String> {
    let text = text.split(['?', '#']).next().unwrap_or(text);
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let behind_host = |text: &str| text.split_once('/').map_or(String::new(), |(_, path)| format!("/{path}"));
    let path = match text.strip_prefix("//") {
        Some(rest) => behind_host(rest),
        None if text.starts_with('/') => text.to_owned(),
        None => behind_host(text),
    };
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(out).ok()
}

/// `/api/v1[/watch][/namespaces/N]/RESOURCE[/NAME[/SUBRESOURCE]]`, or the same below `/apis/GROUP/VERSION`, taken apart
/// as the API server does for its authorization (apiserver's requestinfo.go): by its slashes, whatever stands between.
fn parse(text: &str) -> Option<Named> {
    let path = path_of(text)?;
    let segments: Vec<&str> = path.strip_prefix('/')?.trim_matches('/').split('/').collect();
    let is_plain = |s: &&str| !s.is_empty() && *s != "." && *s != ".." && !s.contains(['%', ';', '\\', ' ']);
    let plain = segments.iter().all(is_plain) && !path.starts_with("//");
    let (group, rest) = match segments.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _version, rest @ ..] => (*group, rest),
        _ => return None,
    };
    let (watches, rest) = match rest {
        ["watch", rest @ ..] => (true, rest),
        rest => (asks_to_watch(text) && rest.len() % 2 == 1, rest),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, resource, rest @ ..] if !matches!(*resource, "status" | "finalize") => {
            (Some(*namespace), [&[*resource], rest].concat())
        }
        rest => (None, rest.to_vec()),
    };
    let (resource, rest) = rest.split_first()?;
    let of = match (group, *resource) {
        ("", resource) => builtin(resource),
        (group, resource) => of_word(&format!("{resource}.{group}")).into_iter().next()?,
    };
    let scope = match (namespace, of.namespaced) {
        (Some(namespace), _) => Scope::Namespace(namespace.to_owned()),
        (None, true) => Scope::Everywhere,
        (None, false) => Scope::Cluster,
    };
    let name = rest.first().map(|name| (*name).to_owned());
    let subresource = rest.get(1).map(|sub| (*sub).to_owned()).unwrap_or_default();
    Some(Named { of, name, subresource, scope, watches, plain })
}

/// `?watch=1` on a collection.
fn asks_to_watch(text: &str) -> bool {
    let query = text.split('#').next().and_then(|text| text.split_once('?')).map_or("", |(_, query)| query);
    query.split('&').any(|pair| matches!(pair.split_once('='), Some(("watch", on)) if !matches!(on, "false" | "0")))
}
