//! Whoever answers for a password over HTTP: helpers and askpass programs (gitcredentials(7)). The helpers that come with
//! git count as git.

use super::facts::{Config, Entry};
use super::meaning::{Meaning, Scene};
use super::stdin;

/// Those that are asked for the password of `url`, and of whatever else git may come to ask for on the way there: a proxy
/// has a password of its own, and the other end may lead to another host. What the system's administrator set for another
/// host is left out: nobody who types a line or answers it has chosen that program.
pub fn over_http(scene: &Scene<'_>, url: Option<&str>, meaning: &mut Meaning) {
    let passes = |entry: &Entry, of: &str| url.is_some_and(|url| is_administered(entry, of, url));
    let all = scene.variable("GIT_CONFIG_SYSTEM").is_some();
    let named = helpers(&scene.config, |entry, of| !all && passes(entry, of));
    named.into_iter().for_each(|helper| meaning.runs(helper));
    asks_by_program(scene, meaning);
}

/// Those that are asked for the password of `url`; of all URLs where it is not known.
fn add(scene: &Scene<'_>, url: Option<&str>, meaning: &mut Meaning) {
    of_url(scene, url).into_iter().for_each(|helper| meaning.runs(helper));
    asks_by_program(scene, meaning);
}

fn is_administered(entry: &Entry, of: &str, url: &str) -> bool {
    entry.scope == "system" && is_elsewhere(of, url)
}

fn of_url<'a>(scene: &'a Scene<'_>, url: Option<&str>) -> Vec<&'a str> {
    helpers(&scene.config, |_, of| url.is_some_and(|url| is_elsewhere(of, url)))
}

fn asks_by_program(scene: &Scene<'_>, meaning: &mut Meaning) {
    let ask = scene.filled("GIT_ASKPASS").or_else(|| scene.config.get("core.askpass").map(str::to_owned));
    ask.or_else(|| scene.filled("SSH_ASKPASS")).filter(|p| !p.is_empty()).into_iter().for_each(|p| meaning.runs(p));
}

/// Whom the lines of `git credential` are about (credential.c, `credential_read`).
#[derive(Default)]
struct Asked<'a> {
    protocol: Option<&'a str>,
    host: Option<&'a str>,
    path: &'a str,
    user: bool,
    password: bool,
    /// Another kind of proof than a password (2.46).
    proof: bool,
}

impl<'a> Asked<'a> {
    /// A URL takes back what was said before it (`credential_from_url`); `None` where it is none.
    fn from_url(url: &'a str) -> Option<Self> {
        let (protocol, rest) = url.split_once("://")?;
        let (place, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, host) = place.split_once('@').map_or((None, place), |(user, host)| (Some(user), host));
        let password = user.is_some_and(|user| user.contains(':'));
        let (protocol, host) = (Some(protocol), Some(host));
        Some(Asked { protocol, host, path, user: user.is_some(), password, proof: false })
    }

    fn read(lines: Vec<(&'a str, &'a str)>) -> Option<Self> {
        let mut asked = Asked::default();
        for (key, value) in lines {
            match key {
                "url" => asked = Asked::from_url(value)?,
                "protocol" => asked.protocol = Some(value),
                "host" => asked.host = Some(value),
                "path" => asked.path = value,
                "username" => asked.user = true,
                "password" => asked.password = true,
                "credential" => asked.proof = true,
                _ => {}
            }
        }
        Some(asked)
    }
}

/// `git credential`: its standard input says for whom, and may say the password itself.
pub fn asked(scene: &Scene<'_>, sub: &str, meaning: &mut Meaning) {
    if stdin::is_empty(scene) {
        return;
    }
    let Some(lines) = stdin::credential(scene.known) else { return add(scene, None, meaning) };
    // Without a host git has nobody to ask about, nor where it is told of a URL that is none.
    let Some(asked) = Asked::read(lines) else { return };
    let (Some(protocol), Some(host)) = (asked.protocol, asked.host) else { return };
    let url = format!("{protocol}://{host}/{}", asked.path.trim_start_matches('/'));
    let whole = asked.user && asked.password;
    match sub {
        // What is whole needs no answer, and what is not is nothing to keep.
        "fill" if whole => {}
        "approve" if !whole && !asked.proof => {}
        "fill" => add(scene, Some(&url), meaning),
        // What was asked for is told to the helpers; nobody is asked again.
        _ => of_url(scene, Some(&url)).into_iter().for_each(|helper| meaning.runs(helper)),
    }
}

/// `passes`: settings of this entry, for this URL, are not asked.
fn helpers(config: &Config, passes: impl Fn(&Entry, &str) -> bool) -> Vec<&str> {
    let mut helpers: Vec<&str> = Vec::new();
    for entry in config.0.iter().filter(|e| e.key.starts_with("credential.") && e.key.ends_with(".helper")) {
        let of = entry.key.strip_prefix("credential.").and_then(|rest| rest.strip_suffix(".helper"));
        if of.is_some_and(|of| passes(entry, of)) {
            continue;
        }
        match entry.value.as_deref() {
            None | Some("") => helpers.clear(),
            Some(value) => helpers.push(value),
        }
    }
    let own = |helper: &&str| {
        matches!(helper.split_whitespace().next(), Some("cache" | "store"))
            && !helper.contains([';', '|', '&', '$', '`'])
    };
    helpers.retain(|helper| !own(helper));
    helpers
}

/// Whether settings for the URL `of` are certainly not for `url`: another scheme, or another host. Anything less than
/// that (a user, a path, a pattern) is taken to fit.
fn is_elsewhere(of: &str, url: &str) -> bool {
    let (Some(one), Some(other)) = (parts(of), parts(url)) else { return false };
    // `https://` alone is for every host.
    !one.1.is_empty() && !other.1.is_empty() && !of.contains(['*', '%']) && !url.contains('%') && one != other
}

/// Scheme, and host without its user and port.
fn parts(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    let host =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(h, _)| h);
    Some((scheme.to_ascii_lowercase(), host.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::{Config, Entry, helpers, is_administered, is_elsewhere};

    #[test]
    fn over_http_only_what_the_administrator_set_for_another_host_is_not_asked() {
        let entry = |scope: &str, of: &str, helper: &str| {
            let (scope, key) = (scope.to_owned(), format!("credential.{of}helper"));
            Entry { scope, key, value: Some(helper.to_owned()) }
        };
        let config = Config(vec![
            entry("system", "https://a.test.", "one"),
            entry("system", "https://b.test.", "two"),
            entry("system", "", "three"),
            entry("global", "https://a.test.", "four"),
        ]);
        let named = helpers(&config, |entry, of| is_administered(entry, of, "https://b.test/x"));
        assert_eq!(named, ["two", "three", "four"]);
    }

    #[test]
    fn settings_for_another_host_are_not_asked() {
        assert!(is_elsewhere("https://a.test", "https://b.test/x"));
        assert!(is_elsewhere("https://a.test", "http://a.test/x"));
        for of in
            ["https://A.test", "https://u@a.test:443/x", "https://*.test", "a.test", "https://%61.test", "https://"]
        {
            assert!(!is_elsewhere(of, "https://a.test/x"), "{of}");
        }
    }
}
