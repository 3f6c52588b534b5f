//! Whoever answers for a password over HTTP: helpers and askpass programs (gitcredentials(7)). The helpers that come with
//! git count as git.

use super::facts::Config;
use super::meaning::{Meaning, Scene};
use super::stdin;

/// Those that are asked for the password of `url`; of all URLs where it is not known.
pub fn add(scene: &Scene<'_>, url: Option<&str>, meaning: &mut Meaning) {
    helpers(&scene.config, url).into_iter().for_each(|helper| meaning.runs(helper));
    let ask = scene.filled("GIT_ASKPASS").or_else(|| scene.config.get("core.askpass").map(str::to_owned));
    ask.or_else(|| scene.filled("SSH_ASKPASS")).filter(|p| !p.is_empty()).into_iter().for_each(|p| meaning.runs(p));
}

/// `git credential`: its standard input says for whom, and may say the password itself.
pub fn asked(scene: &Scene<'_>, sub: &str, meaning: &mut Meaning) {
    let Some(lines) = stdin::credential(scene.known) else { return add(scene, None, meaning) };
    let last = |name: &str| lines.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let url = match (last("url"), last("protocol"), last("host")) {
        (Some(url), None, None) => Some(url.to_owned()),
        (None, Some(protocol), Some(host)) => Some(format!("{protocol}://{host}/{}", last("path").unwrap_or_default())),
        _ => None,
    };
    let told = last("url").and_then(|url| url.split_once("://")).is_some_and(|(_, rest)| {
        let place = rest.split('/').next().unwrap_or_default();
        place.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    });
    let whole = told || (last("username").is_some() && last("password").is_some());
    match sub {
        // Without a host git has nobody to ask about, and what is whole needs no answer.
        _ if last("url").is_none() && url.is_none() => {}
        "fill" if whole => {}
        "approve" if !whole => {}
        "fill" => add(scene, url.as_deref(), meaning),
        // What was asked for is told to the helpers; nobody is asked again.
        _ => helpers(&scene.config, url.as_deref()).into_iter().for_each(|helper| meaning.runs(helper)),
    }
}

fn helpers<'a>(config: &'a Config, url: Option<&str>) -> Vec<&'a str> {
    let mut helpers: Vec<&str> = Vec::new();
    for entry in config.0.iter().filter(|e| e.key.starts_with("credential.") && e.key.ends_with(".helper")) {
        let of = entry.key.strip_prefix("credential.").and_then(|rest| rest.strip_suffix(".helper"));
        if of.zip(url).is_some_and(|(of, url)| is_elsewhere(of, url)) {
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
    !of.contains(['*', '%']) && !url.contains('%') && one != other
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
    use super::is_elsewhere;

    #[test]
    fn settings_for_another_host_are_not_asked() {
        assert!(is_elsewhere("https://a.test", "https://b.test/x"));
        assert!(is_elsewhere("https://a.test", "http://a.test/x"));
        for of in ["https://A.test", "https://u@a.test:443/x", "https://*.test", "a.test", "https://%61.test"] {
            assert!(!is_elsewhere(of, "https://a.test/x"), "{of}");
        }
    }
}
