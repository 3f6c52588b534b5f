//! How a command is started so that it runs what was read, and how a token reaches git: by a credential helper that is
//! bound to the one URL, never in an argument, a variable or a file (gitcredentials(7), git-config(1)).

use crate::model::{Bytes, Delivery, EnvChange, Facts, Grant, GrantKind, HelperScope, Invocation, Part, Terms, Word};
use crate::tools::DeliveryError;

use super::facts::{Known, parse_bool};
use super::line::{self, Command, Line};
use super::meaning::{Meaning, Scene, Weight};
use super::options::Words;
use super::remotes::address;
use super::{meaning, scene};

pub fn deliver(
    invocation: &Invocation,
    facts: &Facts,
    terms: &Terms,
    grants: Vec<Grant>,
) -> Result<Delivery, DeliveryError> {
    let known = Known::of(facts);
    let version = facts.version.as_deref();
    let line = line::read(&invocation.args, &known, version);
    let scene = scene(invocation, &known, &line, version);
    let meaning = meaning(&scene, &line);
    let mut delivery = Delivery { stdin: facts.stdin().cloned(), ..Delivery::default() };
    if !grants.is_empty() {
        let lent = Lent::choose(&scene, &meaning, &grants)?;
        safe_to_lend(&scene, &lent, terms)?;
        lend(&mut delivery, &lent, terms);
    }
    delivery.args.extend(pinned(invocation, &scene, &line, &meaning).into_iter().map(Word::plain));
    Ok(delivery)
}

/// The words that run what was read: aliases expanded, and the refs of a push that names none.
fn pinned(invocation: &Invocation, scene: &Scene<'_>, line: &Line, meaning: &Meaning) -> Vec<Bytes> {
    let Command::Known { name, args } = &line.command else { return invocation.args.clone() };
    let mut words = invocation.args.clone();
    if line.expanded {
        words.truncate(line::global_words(&invocation.args));
        let settings = line.globals.settings.iter().flat_map(|s| [Bytes::from("-c"), s.as_str().into()]);
        words.extend(settings);
        words.extend(line.globals.paginate.filter(|yes| *yes).map(|_| Bytes::from("--paginate")));
        words.push(name.as_str().into());
        words.extend(args.iter().cloned());
    }
    if name == "push" && meaning.weights.contains(&Weight::RemoteWrite) {
        let read = Words::read("push", args, scene.version);
        words.extend(default_refs(scene, &read, meaning).unwrap_or_default());
    }
    words
}

/// `REMOTE SRC:DST…`, for a push whose refs come from configuration, so that they cannot change any more.
fn default_refs(scene: &Scene<'_>, words: &Words, meaning: &Meaning) -> Option<Vec<Bytes>> {
    let elsewhere = ["all", "branches", "mirror", "tags", "delete"];
    let remote = meaning.remote.as_deref()?;
    let mirrors = scene.config.bool(&format!("remote.{remote}.mirror")) == Some(true);
    let sets_upstream = scene.config.bool("push.autosetupremote") == Some(true);
    if words.operands.len() > 1 || words.any(&elsewhere) || mirrors || sets_upstream || words.before_dashes.is_some() {
        return None;
    }
    let specs = super::refs::defaults(scene, remote).ok()?;
    let named = words.operands.is_empty().then(|| Bytes::from(remote));
    Some(named.into_iter().chain(specs.iter().map(|spec| spec.to_string().into())).collect())
}

/// The one grant, and the one URL it is for.
struct Lent<'a> {
    grant: &'a str,
    /// Scheme, host, port and path; no user.
    url: String,
    /// The user that the remote's URL names: git asks its configuration by it.
    user: Option<String>,
}

impl<'a> Lent<'a> {
    fn choose(scene: &Scene<'_>, meaning: &Meaning, grants: &'a [Grant]) -> Result<Self, DeliveryError> {
        let mut urls = [meaning.urls.as_slice(), &meaning.besides].concat();
        urls.sort_unstable();
        urls.dedup();
        let [url] = urls.as_slice() else {
            return Err(no(
                "the command goes to several repositories, or to none that is known, and a credential fits one",
                Some("name one remote: git fetch origin"),
            ));
        };
        let lower = url.to_ascii_lowercase();
        let Some((scheme, rest)) = url.split_once("://").filter(|_| lower.starts_with("http")) else {
            return Err(no(
                "the credential is for HTTP, and the remote is reached another way",
                Some("use the remote's https:// address"),
            ));
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, authority),
        };
        if user.as_ref().is_some_and(|u| u.contains(':')) {
            return Err(no("the remote's URL has a password in it", Some("git remote set-url it without one")));
        }
        let path = path.trim_end_matches('/');
        let url = format!("{}://{}{path}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/:@+[]".contains(&b);
        if !url.bytes().all(plain) || path.is_empty() || url.contains("/../") || url.ends_with("/..") {
            return Err(no("the remote's URL has characters that git and the gate may read differently", None));
        }
        let fits = |grant: &&Grant| match &grant.kind {
            GrantKind::Token { url: granted, .. } => within(&url, granted),
            GrantKind::Postgres { .. } | GrantKind::Kubernetes { .. } => false,
        };
        let Some(grant) = grants.iter().find(fits) else {
            let asked = address(&url, &scene.top()).repository;
            return Err(no(format!("no credential that was granted is for {}/{}", asked.host, asked.path), None));
        };
        Ok(Lent { grant: &grant.name, url, user })
    }
}

/// Whether `url` is `granted` or below it. A prefix of a name is not below: `/acme` does not hold `/acme2`.
fn within(url: &str, granted: &str) -> bool {
    let host_end = granted.find("://").and_then(|at| granted[at + 3..].find('/').map(|n| at + 3 + n));
    let (host, path) = granted.split_at(host_end.unwrap_or(granted.len()));
    let granted = format!("{}{}", host.to_ascii_lowercase(), path.trim_end_matches('/'));
    url.strip_prefix(&granted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Refuses where the line, the configuration or the environment would send the credential elsewhere or print it.
fn safe_to_lend(scene: &Scene<'_>, lent: &Lent<'_>, terms: &Terms) -> Result<(), DeliveryError> {
    for (variable, harm) in [
        ("GIT_TRACE_CURL", "prints what is sent"),
        ("GIT_CURL_VERBOSE", "prints what is sent"),
        ("GIT_SSL_NO_VERIFY", "lets anybody answer for the host"),
        ("GIT_EXEC_PATH", "puts other programs in the place of git's own"),
    ] {
        let switched_off = |value: &str| parse_bool(value) == Some(false);
        if scene.filled(variable).is_some_and(|value| !switched_off(&value) || variable == "GIT_EXEC_PATH") {
            return Err(no(format!("{variable} {harm}"), Some("unset it for this command")));
        }
    }
    if scene.globals.exec_path.is_some() {
        return Err(no("--exec-path puts other programs in the place of git's own", Some("leave it out")));
    }
    if scene.known.variables_set.iter().any(|v| v == "SSLKEYLOGFILE") {
        return Err(no("SSLKEYLOGFILE writes down the keys of the connection", Some("unset it for this command")));
    }
    let proxied = scene.known.variables_set.iter().any(|v| v.to_lowercase().ends_with("_proxy"))
        || scene
            .config
            .0
            .iter()
            .any(|e| e.key.ends_with(".proxy") && e.value.as_deref().is_some_and(|v| !v.is_empty()));
    if proxied && lent.url.starts_with("http:") {
        return Err(no("the credential would pass through a proxy in the clear", Some("use the https:// address")));
    }
    // Behind a proxy of the caller's choice, an authority of its choice vouches for anybody.
    let own_authority = ["GIT_SSL_CAINFO", "GIT_SSL_CAPATH"].into_iter().find(|name| scene.filled(name).is_some());
    let own_authority = own_authority.map(str::to_owned).or_else(|| {
        scene.known.variables_set.iter().find(|name| matches!(name.as_str(), "SSL_CERT_FILE" | "SSL_CERT_DIR")).cloned()
    });
    if let Some(name) = own_authority.filter(|_| proxied) {
        return Err(no(format!("{name} lets a proxy answer for the host"), Some("unset it for this command")));
    }
    for entry in &scene.config.0 {
        if let Some(why) = unsafe_setting(&entry.key, entry.value.as_deref(), entry.scope == "command", proxied, terms)
        {
            let hint = match entry.scope.as_str() {
                "command" => format!("leave {} out", entry.key),
                scope => format!("git config --{scope} --unset-all {}", entry.key),
            };
            return Err(DeliveryError { why, hint: Some(hint) });
        }
    }
    Ok(())
}

/// What a setting would do to a credential. What the delivery itself overrides is only unsafe on the line, which comes
/// later and wins.
fn unsafe_setting(key: &str, value: Option<&str>, on_line: bool, proxied: bool, terms: &Terms) -> Option<String> {
    let (section, name) = (key.split('.').next()?, key.rsplit('.').next()?);
    let off = value.and_then(parse_bool) == Some(false);
    let empty = value.is_some_and(str::is_empty);
    let ours = ["helper", "usehttppath", "followredirects", "sslverify", "savecookies", "emptyauth", "delegation"];
    let unsafe_now = match (section, name) {
        ("credential", "helper") if on_line => true,
        // For a user's own URL or with a wildcard: git may find it a better fit than ours.
        ("credential", "helper") => key.contains('@') || key.contains('*'),
        ("credential" | "http", name) if on_line => {
            ours.contains(&name)
                || matches!(
                    name,
                    "extraheader"
                        | "proxy"
                        | "cookiefile"
                        | "curloptresolve"
                        | "sslcainfo"
                        | "sslcapath"
                        | "sslcert"
                        | "sslkey"
                        | "proxysslcainfo"
                )
        }
        ("http", "extraheader" | "curloptresolve") => !empty,
        ("http", "sslcainfo" | "sslcapath" | "proxysslcainfo") => proxied && !empty,
        ("http", "sslverify" | "followredirects") => key.contains('*') && !(name == "followredirects" && off),
        ("remote", "vcs") => true,
        ("core", "fsmonitor") => on_line && !off && !empty && value.and_then(parse_bool).is_none(),
        ("core", "hookspath") => on_line && terms.quiet_programs && !empty && value != Some("/dev/null"),
        ("core", "askpass") => on_line && !empty,
        _ => false,
    };
    unsafe_now.then(|| format!("{key} could send the credential elsewhere, or let another answer for it"))
}

/// Adds what lends the credential. Each setting stands for our one URL, which outranks any more general one.
fn lend(delivery: &mut Delivery, lent: &Lent<'_>, terms: &Terms) {
    let mut urls = vec![lent.url.clone()];
    if let (Some(user), Some((scheme, rest))) = (&lent.user, lent.url.split_once("://")) {
        urls.push(format!("{scheme}://{user}@{rest}"));
    }
    let mut set = |parts: Vec<Part>| {
        delivery.args.push(Word::plain("-c"));
        delivery.args.push(Word(parts));
    };
    let plain = |text: String| Part::Plain(text.into());
    set(vec![plain("credential.helper=".into())]);
    for url in &urls {
        // Whatever helper is configured for this very URL is forgotten: git tells every helper in the list the secret.
        set(vec![plain(format!("credential.{url}.helper="))]);
        set(vec![plain(format!("credential.{url}.helper=")), Part::Helper]);
        set(vec![plain(format!("credential.{url}.useHttpPath=true"))]);
        for setting in [
            "followRedirects=false",
            "sslVerify=true",
            "saveCookies=false",
            "cookieFile=",
            "emptyAuth=false",
            "delegation=none",
        ] {
            set(vec![plain(format!("http.{url}.{setting}"))]);
        }
    }
    set(vec![plain("core.askPass=".into())]);
    // It would start before git has asked its helper, and could ask in git's place. Without it git only looks longer.
    set(vec![plain("core.fsmonitor=false".into())]);
    if terms.quiet_programs {
        set(vec![plain("core.hooksPath=/dev/null".into())]);
    }
    delivery.environment.push(EnvChange::Set("GIT_TERMINAL_PROMPT".into(), Word::plain("0")));
    for name in ["GIT_ASKPASS", "SSH_ASKPASS", "GIT_TRACE_CURL", "GIT_CURL_VERBOSE", "GIT_TRACE_REDACT"] {
        delivery.environment.push(EnvChange::Remove(name.into()));
    }
    delivery.helper = Some(HelperScope { grant: lent.grant.to_owned(), url: lent.url.clone() });
}

fn no(why: impl Into<String>, hint: Option<&str>) -> DeliveryError {
    DeliveryError { why: why.into(), hint: hint.map(str::to_owned) }
}

#[cfg(all(test, feature = "reading"))]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{Micros, Secret};
    use crate::tools::git::tests::invocation;
    use crate::tools::{Tool, git::Git};

    const REMOTE: &str = "https://git.example/acme/app.git";

    fn facts(config: &[(&str, &str, &str)], set: &[&str]) -> Facts {
        let mut entries = vec![json!({"scope": "local", "key": "remote.origin.url", "value": REMOTE})];
        entries.extend(config.iter().map(|(scope, key, value)| json!({"scope": scope, "key": key, "value": value})));
        let refs = json!({"names": ["refs/heads/main"], "annotated": [], "truncated": false});
        let facts: [(&str, Value); 5] = [
            ("git.config", entries.into()),
            ("git.variables_set", json!(set)),
            ("git.head", json!("refs/heads/main")),
            ("git.refs", refs),
            ("git.place", json!({"git_dir": "/w/app/.git", "work_tree": "/w/app"})),
        ];
        Facts {
            version: Some("2.39.5".into()),
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            contents: Vec::new(),
        }
    }

    fn delivered(line: &str, facts: Facts, granted: Option<&str>) -> Result<Delivery, DeliveryError> {
        let grants = granted.map(|url| Grant {
            name: "git-host".into(),
            kind: GrantKind::Token { url: url.into(), username: None },
            secret: Secret::new(b"a-token-that-is-nowhere".to_vec()),
            expires: Micros(0),
        });
        let terms = Terms { quiet_programs: true, ..Terms::default() };
        Git.deliver(&invocation(line), facts, &terms, grants.into_iter().collect())
    }

    /// The words after `git`; where the helper's path would stand it is `HELPER`.
    fn words(delivery: &Delivery) -> Vec<String> {
        let part = |part: &Part| match part {
            Part::Plain(bytes) => bytes.text().unwrap().to_owned(),
            Part::Helper => "HELPER".to_owned(),
            Part::File(_) => "FILE".to_owned(),
        };
        delivery.args.iter().map(|word| word.0.iter().map(part).collect()).collect()
    }

    fn lent(line: &str) -> Result<Delivery, DeliveryError> {
        delivered(line, facts(&[], &[]), Some("https://git.example/acme/"))
    }

    #[test]
    fn the_only_helper_that_git_is_told_of_is_ours() {
        let delivery = lent("git fetch origin").unwrap();
        let words = words(&delivery);
        let helpers: Vec<&String> = words.iter().filter(|w| w.contains("helper=")).collect();
        let ours = format!("credential.{REMOTE}.helper=");
        assert_eq!(helpers, ["credential.helper=", &ours, &format!("{ours}HELPER")]);
        assert_eq!(words[words.len() - 2..], ["fetch", "origin"]);
        assert_eq!(delivery.helper, Some(HelperScope { grant: "git-host".into(), url: REMOTE.into() }));
    }

    #[test]
    fn whoever_promised_objects_is_lent_to_only_where_nobody_else_is_asked() {
        let promised = |line: &str, url: &str| {
            let config = [("local", "remote.p.url", url), ("local", "remote.p.promisor", "true")];
            delivered(line, facts(&config, &[]), Some("https://git.example/acme/")).map(|delivery| delivery.helper)
        };
        let ours = Some(HelperScope { grant: "git-host".into(), url: REMOTE.into() });
        assert_eq!(promised("git fetch origin", REMOTE).unwrap(), ours);
        assert_eq!(promised("git log -1", REMOTE).unwrap(), ours);
        for line in ["git fetch origin", "git log -1"] {
            assert!(promised(line, "https://other.example/x").is_err(), "{line}");
        }
    }

    #[test]
    fn the_token_is_in_no_word_variable_or_file() {
        let delivery = lent("git fetch origin").unwrap();
        assert!(delivery.files.is_empty());
        assert!(!words(&delivery).concat().contains("a-token"));
        let set = delivery.environment.iter().filter(|change| matches!(change, EnvChange::Set(..)));
        assert!(set.eq([&EnvChange::Set("GIT_TERMINAL_PROMPT".into(), Word::plain("0"))]));
    }

    #[test]
    fn a_credential_goes_to_its_own_repository_and_nowhere_else() {
        let to = |url: &str, granted: &str| {
            delivered(&format!("git ls-remote {url}"), facts(&[], &[]), Some(granted)).map(|d| d.helper.unwrap().url)
        };
        assert_eq!(
            to("https://GIT.example/acme/app/", "https://git.example/acme").unwrap(),
            "https://git.example/acme/app"
        );
        assert_eq!(
            to("https://me@git.example/acme/app", "https://git.example").unwrap(),
            "https://git.example/acme/app"
        );
        for (url, granted) in [
            ("https://git.example/acme2/app", "https://git.example/acme"),
            ("https://git.example.evil/acme/app", "https://git.example"),
            ("https://git.example:8443/acme/app", "https://git.example"),
            ("https://git.example@evil/acme/app", "https://git.example"),
            ("http://git.example/acme/app", "https://git.example"),
            ("https://git.example/acme/../other/app", "https://git.example/acme"),
            ("https://git.example/acme/%2e%2e/other", "https://git.example/acme"),
            ("https://me:secret@git.example/acme/app", "https://git.example"),
            ("git@git.example:acme/app", "https://git.example"),
            ("/srv/acme/app.git", "https://git.example"),
        ] {
            assert!(to(url, granted).is_err(), "{url} with a credential for {granted}");
        }
        let two = [("local", "remote.other.url", "https://git.example/acme/other.git")];
        assert!(delivered("git fetch --all", facts(&two, &[]), Some("https://git.example")).is_err());
    }

    #[test]
    fn a_line_that_would_undo_the_delivery_is_refused_with_what_to_leave_out() {
        for setting in [
            "credential.helper=evil",
            "credential.https://git.example.helper=evil",
            "http.proxy=http://evil",
            "http.extraHeader=X: y",
            "http.sslVerify=false",
            "http.followRedirects=true",
            "http.saveCookies=true",
            "core.askPass=evil",
            "core.hooksPath=/tmp/evil",
            "core.fsmonitor=evil",
            "remote.origin.vcs=evil",
        ] {
            let error = lent(&format!("git -c '{setting}' fetch origin")).map(|_| ()).unwrap_err();
            assert!(error.hint.unwrap().starts_with("leave "), "{setting}: {}", error.why);
        }
        for line in [
            "git --exec-path=/tmp/evil fetch",
            "GIT_EXEC_PATH=/tmp/evil git fetch",
            "GIT_TRACE_CURL=/tmp/t git fetch",
            "GIT_CURL_VERBOSE=1 git fetch",
            "GIT_SSL_NO_VERIFY=1 git fetch",
        ] {
            assert!(lent(line).is_err(), "{line}");
        }
        assert!(lent("GIT_TRACE_CURL=0 git -c core.fsmonitor=false -c user.name=x fetch origin").is_ok());
    }

    #[test]
    fn what_configuration_sets_is_overridden_or_refused() {
        let with = |key: &str, value: &str| {
            delivered("git fetch origin", facts(&[("global", key, value)], &[]), Some("https://git.example"))
        };
        // Forgotten by the empty entries that stand before ours.
        assert!(with("credential.helper", "evil").is_ok());
        assert!(with(&format!("credential.{REMOTE}.helper"), "evil").is_ok());
        for (key, value) in [
            ("credential.https://me@git.example.helper", "evil"),
            ("credential.https://*.example.helper", "evil"),
            ("http.extraheader", "Authorization: Basic x"),
            ("http.https://*.example.sslverify", "false"),
            ("http.curloptresolve", "git.example:443:10.0.0.1"),
        ] {
            assert!(with(key, value).is_err(), "{key}");
        }
        let lent = |line: &str, set: &[&str]| delivered(line, facts(&[], set), Some("https://git.example")).is_ok();
        assert!(!lent("git fetch origin", &["SSLKEYLOGFILE"]));
        // An authority of the caller's own is harmless until its own proxy stands between.
        assert!(lent("GIT_SSL_CAINFO=ca.pem git fetch origin", &[]));
        assert!(lent("git fetch origin", &["https_proxy"]));
        assert!(!lent("GIT_SSL_CAINFO=ca.pem git fetch origin", &["https_proxy"]));
        assert!(!lent("GIT_SSL_CAPATH=ca git fetch origin", &["ALL_PROXY"]));
        assert!(!lent("git fetch origin", &["HTTPS_PROXY", "SSL_CERT_FILE"]));
    }

    #[test]
    fn without_a_credential_a_line_runs_as_it_was_typed_but_for_what_was_read_from_configuration() {
        let run =
            |line: &str, config: &[(&str, &str, &str)]| words(&delivered(line, facts(config, &[]), None).unwrap());
        assert_eq!(run("git -c credential.helper=mine fetch", &[]), ["-c", "credential.helper=mine", "fetch"]);
        let alias = [("local", "alias.p", "-c user.name=x push --force")];
        assert_eq!(
            run("git -C sub p origin main", &alias),
            ["-C", "sub", "-c", "user.name=x", "push", "--force", "origin", "main"]
        );
        let pushes = [("local", "push.default", "current")];
        assert_eq!(run("git push", &pushes), ["push", "origin", "refs/heads/main:refs/heads/main"]);
    }
}
