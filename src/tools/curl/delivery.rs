//! How a line is started so that curl does what was read, with a token that only the granted place gets.
//!
//! The line begins with `-q`; the config that curl would have read by itself, and every config that the line names, are
//! handed over as the bytes that were read. A token comes as one more config in memory, so it is in no argument, no
//! variable and no file. It goes with every request of the line; so every request must go to the granted place.

use crate::model::{
    Bytes, ContentSource, Delivery, Facts, Grant, GrantKind, Invocation, Lasts, MemFile, Part, Secret, Word,
};
use crate::tools::DeliveryError;
use crate::tools::options::Item;

use super::line::{Line, content, is_stdin};
use super::meaning::Meaning;
use super::options::Release;
use super::transfer::Plan;
use super::url::{How, Url, parse};
use super::{CURLRC, config, scan};

pub fn deliver(invocation: &Invocation, facts: Facts, grants: Vec<Grant>) -> Result<Delivery, DeliveryError> {
    let mut delivery = Delivery::default();
    let release = Release::of(facts.version.as_deref());
    let mut args = Vec::new();
    // Without configs and grants the line is the caller's own, word for word, but for what could appear meanwhile.
    if !config::disabled(&invocation.args) {
        args.push(Word::plain("-q"));
    }
    // Before anything of the caller's, which may name files to be read: by then this one is empty.
    if let Some(text) = header(invocation, &facts, &grants)? {
        let credential = MemFile { name: "credential", bytes: Secret::new(text), lasts: Lasts::OneReading };
        args.extend(named_config(&mut delivery, credential));
    }
    if let Some(path) = facts.get::<Bytes>(CURLRC) {
        let curlrc =
            MemFile { name: "curlrc", bytes: Secret::new(flat(&path, &facts, release, 0)?), lasts: Lasts::Throughout };
        args.extend(named_config(&mut delivery, curlrc));
    }
    args.append(&mut own_words(invocation, &facts, release, &mut delivery)?);
    delivery.args = args;
    delivery.stdin = facts.contents.into_iter().find(|content| content.source == ContentSource::Stdin);
    Ok(delivery)
}

fn named_config(delivery: &mut Delivery, file: MemFile) -> [Word; 2] {
    delivery.files.push(file);
    [Word::plain("--config"), Word::file(delivery.files.len() - 1)]
}

/// The caller's words; where one names a config, it names the copy in memory.
fn own_words(
    invocation: &Invocation,
    facts: &Facts,
    release: Release,
    delivery: &mut Delivery,
) -> Result<Vec<Word>, DeliveryError> {
    let mut words: Vec<Word> = invocation.args.iter().map(|word| Word::plain(word.clone())).collect();
    for item in scan::words(&invocation.args, release) {
        let Item::Option(given) = item else { continue };
        let Some(path) = given.value.filter(|_| given.opt.long == "config") else { continue };
        if is_stdin(&path) {
            continue;
        }
        delivery.files.push(MemFile {
            name: "config",
            bytes: Secret::new(flat(&path, facts, release, 0)?),
            lasts: Lasts::Throughout,
        });
        let file = Part::File(delivery.files.len() - 1);
        match given.value_index {
            Some(index) => words[index] = Word(vec![file]),
            None => {
                let whole = &invocation.args[given.index];
                let letters = Bytes::from(&whole[..whole.len() - path.len()]);
                words[given.index] = Word(vec![Part::Plain(letters), file]);
            }
        }
    }
    Ok(words)
}

/// A config's bytes, with the configs that it names put in their places.
fn flat(path: &Bytes, facts: &Facts, release: Release, depth: usize) -> Result<Vec<u8>, DeliveryError> {
    let refuse = |why: &str| DeliveryError { why: format!("the config {path:?} {why}"), hint: None };
    let content = content(path, facts).filter(|content| !content.truncated);
    let text = content.map(|content| content.bytes.as_slice()).ok_or_else(|| refuse("was not read whole"))?;
    let mut out = Vec::new();
    let mut from = 0;
    for line in config::lines(text, release).0 {
        let nested: Vec<&Bytes> = Line::configs(&line.items).collect();
        if nested.is_empty() {
            continue;
        }
        if depth >= 8 || line.items.len() > 1 || nested.iter().any(|path| is_stdin(path)) {
            return Err(refuse("names another one in a way that cannot be handed over"));
        }
        out.extend_from_slice(&text[from..line.start]);
        for path in nested {
            out.extend(flat(path, facts, release, depth + 1)?);
            out.push(b'\n');
        }
        from = line.end;
    }
    out.extend_from_slice(&text[from..]);
    Ok(out)
}

/// The config that carries the token; `None` where nothing was granted.
fn header(invocation: &Invocation, facts: &Facts, grants: &[Grant]) -> Result<Option<Vec<u8>>, DeliveryError> {
    let refuse = |why: String, hint: &str| Err(DeliveryError { why, hint: Some(hint.to_owned()) });
    let (grant, more) = match grants {
        [] => return Ok(None),
        [grant, more @ ..] => (grant, more),
    };
    if !more.is_empty() {
        return refuse("curl takes one credential, and the policy draws several".into(), "split the line");
    }
    let GrantKind::Token { url, username } = &grant.kind else {
        return refuse(format!("{} is no credential for curl", grant.name), "use it with the tool it is made for");
    };
    let Line { mut plan, refused, prints, .. } = Line::read(invocation, facts);
    let meaning = match refused.is_some() || prints {
        true => Meaning::default(),
        false => Meaning::of(&mut plan, invocation, facts),
    };
    if let Some(why) = leak(&plan, &meaning) {
        return refuse(
            format!("the credential {} would {why}", grant.name),
            "leave that option away, or split the line",
        );
    }
    let scope = parse(url.as_bytes(), How::default());
    let outside = |url: &Url| !scope.as_ref().is_some_and(|scope| covers(scope, url));
    if let Some(request) = meaning.connections().find(|request| outside(&request.url)) {
        let why = format!("the credential {} is for {url}, not for {}", grant.name, request.url.shown());
        return refuse(why, "ask for that address on a line of its own");
    }
    Ok(Some(config_text(grant, username.as_deref())?))
}

/// What would show the token to somebody, or give it away.
fn leak(plan: &Plan, meaning: &Meaning) -> Option<&'static str> {
    if plan.shows_headers {
        return Some("be shown by --verbose, --trace or --libcurl");
    }
    if plan.splits.is_some() {
        return Some("go with a request that the server may read as another one");
    }
    if meaning.requests.iter().filter_map(|request| request.method.as_deref()).any(sends_back) {
        return Some("come back in the answer to TRACE");
    }
    if meaning.follows {
        return Some("follow redirects through --location");
    }
    if plan.groups.len() > 1 {
        return Some("not reach what follows --next");
    }
    if meaning.bypasses_dns || meaning.connections().any(|request| request.connect.is_some()) {
        return Some("go through another host: a proxy, --resolve, --connect-to or a socket");
    }
    if !meaning.loads.is_empty() {
        return Some("be seen by a library that --engine loads");
    }
    if plan.groups.iter().any(|group| group.own_credential) {
        return Some("stand beside another one that the line gives");
    }
    if plan.groups.iter().any(|group| group.insecure) {
        return Some("go to a host whose certificate is not checked");
    }
    meaning.too_many.then_some("go with more requests than can be checked")
}

/// Methods whose answer is the request itself, its credential with it (RFC 9110 section 9.3.8; TRACK is IIS's).
fn sends_back(method: &str) -> bool {
    ["TRACE", "TRACK"].iter().any(|name| method.eq_ignore_ascii_case(name))
}

/// Whether a request is within a grant: same scheme, host and port, and a path below.
fn covers(scope: &Url, url: &Url) -> bool {
    let path = url.path.split('?').next().unwrap_or_default();
    let climbs =
        path.split('/').any(|part| matches!(part.to_ascii_lowercase().as_str(), ".." | "%2e%2e" | ".%2e" | "%2e."));
    let below = path == scope.path
        || (scope.path.ends_with('/') && path.starts_with(&scope.path))
        || path.strip_prefix(&scope.path).is_some_and(|rest| rest.starts_with('/'));
    (&scope.scheme, &scope.host, scope.port) == (&url.scheme, &url.host, url.port) && below && !climbs
}

/// `header = "…"` or `user = "…"`, in curl's quotes.
fn config_text(grant: &Grant, username: Option<&str>) -> Result<Vec<u8>, DeliveryError> {
    let token = grant.secret.expose();
    if token.iter().any(|b| b.is_ascii_control()) {
        return Err(DeliveryError {
            why: format!("the credential {} has control characters in it", grant.name),
            hint: None,
        });
    }
    let quoted = |out: &mut Vec<u8>, text: &[u8]| {
        for b in text {
            if matches!(b, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(*b);
        }
    };
    let mut out = Vec::with_capacity(2 * token.len() + 64);
    match username {
        Some(name) => {
            out.extend_from_slice(b"user = \"");
            quoted(&mut out, name.as_bytes());
            out.push(b':');
        }
        None => out.extend_from_slice(b"header = \"Authorization: Bearer "),
    }
    quoted(&mut out, token);
    out.extend_from_slice(b"\"\n");
    Ok(out)
}
