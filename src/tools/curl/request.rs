//! One request of a line, and what it is to policy.

#[cfg(feature = "reading")]
use crate::model::{Effect, Operation, Resource};

use super::url::Url;

/// One request of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub url: Url,
    /// `None` for schemes that have none.
    pub method: Option<String>,
    /// Where TCP goes, when it is not the URL's own.
    pub connect: Option<String>,
    /// A proxy that speaks HTTP passes it on.
    pub http_proxy: bool,
    pub follows: bool,
    /// Whoever answers for names by `--doh-url` or `--dns-servers` says where it goes.
    pub led: bool,
    /// It is made as HTTP: by its scheme, or an FTP URL through an HTTP proxy.
    pub as_http: bool,
}

impl Request {
    /// What policy is asked.
    #[cfg(feature = "reading")]
    pub fn operation(&self) -> Operation {
        let url = &self.url;
        let (action, effect) = match self.method.as_deref() {
            Some("GET" | "HEAD" | "OPTIONS") => ("http.get", Effect::Read),
            Some("DELETE") => ("http.delete", Effect::Destroy),
            Some(_) => ("http.send", Effect::Write),
            None => ("http.other", Effect::Execute),
        };
        let resource = Resource::new("Url", url.shown())
            .with("scheme", url.scheme.clone())
            .with("host", url.host.clone())
            .with("port", url.port)
            .with("path", url.path.clone());
        let mut operation = Operation::new(action, effect, resource).with("redirects", self.follows);
        if let Some(method) = &self.method {
            operation = operation.with("method", method.clone());
        }
        let led = self.led.then(|| "*".to_owned());
        if let Some(connect) = led.or_else(|| self.connect.clone()) {
            operation = operation.with("connect", connect);
        }
        operation
    }
}
