//! What a credential helper may be told: one token, for one address and what is below it.

use reqwest::Url;

use super::sessions::Distrust;
use crate::model::{Grant, GrantKind, Secret};

/// What a credential helper may be told, once.
pub struct Credential {
    url: Url,
    username: String,
    secret: Secret,
}

impl Credential {
    /// From a grant, for the URL the shim wants it for: never more than the grant's own.
    pub fn new(grant: Grant, wanted: &str) -> Result<Self, Distrust> {
        let GrantKind::Token { url, username } = grant.kind else { return Err(Distrust::NoToken) };
        let granted = Url::parse(&url).map_err(|_| Distrust::OutOfScope)?;
        let wanted = Url::parse(wanted).map_err(|_| Distrust::OutOfScope)?;
        let name = wanted.host_str().ok_or(Distrust::OutOfScope)?;
        let host = wanted.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let asked = Asked { protocol: wanted.scheme(), host: &host, path: wanted.path().trim_start_matches('/') };
        if !asked.within(&granted) {
            return Err(Distrust::OutOfScope);
        }
        // git asks for a user name as well; servers that take tokens ignore which.
        let username = username.unwrap_or_else(|| "x-access-token".to_owned());
        Ok(Credential { url: wanted, username, secret: grant.secret })
    }

    pub fn is_for(&self, asked: &Asked<'_>) -> bool {
        asked.within(&self.url)
    }

    /// The user name and the secret, which nobody has any more then.
    pub fn told(self) -> (String, Secret) {
        (self.username, self.secret)
    }
}

/// What git asks for (gitcredentials(7)): `https`, `git.example:8443`, `acme/app.git`.
pub struct Asked<'a> {
    pub protocol: &'a str,
    pub host: &'a str,
    pub path: &'a str,
}

impl Asked<'_> {
    /// Same protocol, host and port, and at or under the path, segment by segment. A path that could mean another
    /// place after decoding is under none.
    fn within(&self, scope: &Url) -> bool {
        let Ok(asked) = Url::parse(&format!("{}://{}/", self.protocol, self.host)) else { return false };
        let bare = asked.path() == "/" && asked.query().is_none() && asked.fragment().is_none();
        let same = asked.scheme() == scope.scheme()
            && asked.host() == scope.host()
            && asked.port_or_known_default() == scope.port_or_known_default()
            && asked.username().is_empty()
            && asked.password().is_none();
        let plain = !self.path.contains(['%', '\\', '?', '#', '\0'])
            && self.path.split('/').all(|segment| segment != ".." && segment != ".");
        let (path, prefix) = (self.path.trim_matches('/'), scope.path().trim_matches('/'));
        let under =
            prefix.is_empty() || path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        bare && same && plain && under
    }
}

#[cfg(test)]
pub mod tests {
    use super::{Asked, Credential, Distrust};
    use crate::model::{Grant, GrantKind, Micros, Secret};

    pub fn grant(url: &str) -> Grant {
        let kind = GrantKind::Token { url: url.to_owned(), username: None };
        Grant { name: "git".to_owned(), kind, secret: Secret::new(b"s3cret".to_vec()), expires: Micros(0) }
    }

    fn asked<'a>(protocol: &'a str, host: &'a str, path: &'a str) -> Asked<'a> {
        Asked { protocol, host, path }
    }

    #[test]
    fn a_helper_is_told_nothing_outside_protocol_host_port_and_path() {
        let scope = reqwest::Url::parse("https://git.example/acme/").unwrap();
        assert!(asked("https", "git.example", "acme/app.git").within(&scope));
        assert!(asked("https", "GIT.example:443", "acme").within(&scope));
        for (protocol, host, path) in [
            ("http", "git.example", "acme/app.git"),
            ("https", "git.example:8443", "acme/app.git"),
            ("https", "git.example.evil.test", "acme/app.git"),
            ("https", "git.example@evil.test", "acme/app.git"),
            ("https", "evil.test/git.example", "acme/app.git"),
            ("https", "git.example", ""),
            ("https", "git.example", "acme-evil/app.git"),
            ("https", "git.example", "acme/../evil/app.git"),
            ("https", "git.example", "acme/%2e%2e/evil"),
        ] {
            assert!(!asked(protocol, host, path).within(&scope), "{protocol} {host} {path}");
        }
    }

    #[test]
    fn a_shim_cannot_widen_the_scope_of_its_grant() {
        assert!(Credential::new(grant("https://git.example/acme/"), "https://git.example/acme/app.git").is_ok());
        let wider = Credential::new(grant("https://git.example/acme/"), "https://git.example/").err();
        assert_eq!(wider, Some(Distrust::OutOfScope));
    }
}
