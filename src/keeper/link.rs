//! The way to the server: one warm HTTPS connection, an authority of our own choosing, and plain words for what fails.
//!
//! Neither proxies nor certificate authorities are taken from the environment, and redirects are not followed: who is
//! trusted is the configuration's business alone.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode, redirect};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::model::{RefusalKind, visible};
use crate::wire::contract::{CANNOT_ENFORCE, Problem, VERSION, VERSION_HEADER};
use crate::wire::frames::Failure;

/// Longest time for one answer, long polls apart.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest body that is held in memory; recordings are [poured](Link::pour).
const LONGEST: usize = 64 << 20;

/// Why the server's word could not be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Trouble {
    #[error("the server at {server} does not answer: {why}")]
    Unreachable {
        server: String,
        why: String,
        hint: Option<String>,
        /// It may have had the request all the same.
        sent: bool,
    },
    #[error("not signed in: {0}")]
    NotSignedIn(String),
    /// It answered, with an error.
    #[error("{problem}")]
    Problem { status: u16, problem: Box<Problem> },
    #[error("the server at {server} answers in a way this program does not understand: {why}")]
    Garbled { server: String, why: String },
    #[error("{0}")]
    Setup(String),
}

impl Trouble {
    pub fn hint(&self) -> Option<String> {
        match self {
            Trouble::Unreachable { hint, .. } => hint.clone(),
            Trouble::NotSignedIn(_) => Some("run: portcullis login".to_owned()),
            Trouble::Problem { problem, .. } => problem
                .hint
                .clone()
                .or_else(|| Some(format!("the server's log has more under request {}", problem.request))),
            Trouble::Garbled { .. } => Some("keeper and server may be of versions that do not fit".to_owned()),
            Trouble::Setup(_) => None,
        }
    }

    /// As the shim says it.
    pub fn failure(&self, what: &str) -> Failure {
        Failure { what: what.to_owned(), why: self.to_string(), hint: self.hint() }
    }

    /// Which refusal it is, where it is a no and not a failure.
    pub fn refusal(&self) -> Option<RefusalKind> {
        match self {
            Trouble::NotSignedIn(_) => Some(RefusalKind::NotSignedIn),
            Trouble::Problem { problem, .. } if problem.code == CANNOT_ENFORCE => Some(RefusalKind::CannotEnforce),
            Trouble::Problem { .. } | Trouble::Unreachable { .. } | Trouble::Garbled { .. } | Trouble::Setup(_) => None,
        }
    }

    /// The status of an answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Trouble::Problem { status, .. } => Some(*status),
            Trouble::Unreachable { .. } | Trouble::NotSignedIn(_) | Trouble::Garbled { .. } | Trouble::Setup(_) => None,
        }
    }
}

/// A server by its address, without a login.
pub struct Link {
    client: Client,
    /// `https://gate.example`, no slash at its end.
    server: String,
}

impl Link {
    /// `authorities` is PEM, one certificate or more.
    pub fn new(server: &str, authorities: &[u8]) -> Result<Self, Trouble> {
        let setup =
            |why: &str| Trouble::Setup(format!("the certificate authorities for {server} cannot be used: {why}"));
        let authorities =
            Certificate::from_pem_bundle(authorities).map_err(|error| setup(&deepest(&error).to_string()))?;
        if authorities.is_empty() {
            return Err(setup("the file holds no PEM certificate"));
        }
        let client = Client::builder()
            .tls_backend_rustls()
            .tls_certs_only(authorities)
            .https_only(true)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .pool_idle_timeout(None)
            .tcp_keepalive(Duration::from_secs(30))
            .http2_keep_alive_interval(Duration::from_secs(15))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .http2_keep_alive_while_idle(true)
            .build()
            .map_err(|error| setup(&deepest(&error).to_string()))?;
        Ok(Link { client, server: server.trim_end_matches('/').to_owned() })
    }

    pub fn server(&self) -> &str {
        &self.server
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.server)).header(VERSION_HEADER, VERSION).timeout(PATIENCE)
    }

    /// The status and the body of any answer, wiped when dropped: it may carry secrets.
    pub async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Zeroizing<Vec<u8>>), Trouble> {
        self.held(request.send().await.map_err(|error| self.unreachable(&error))?).await
    }

    async fn held(&self, mut response: Response) -> Result<(StatusCode, Zeroizing<Vec<u8>>), Trouble> {
        let status = response.status();
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > LONGEST {
                return Err(self.garbled("its answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }

    /// Gives the body of a good answer away as it comes, however long it is; any other answer is given back.
    pub async fn pour(
        &self,
        request: RequestBuilder,
        out: &mut impl io::Write,
    ) -> Result<Option<(StatusCode, Zeroizing<Vec<u8>>)>, Trouble> {
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return self.held(response).await.map(Some);
        }
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            let written = out.write_all(&chunk);
            written.map_err(|error| Trouble::Setup(format!("what the server sends cannot be kept: {error}")))?;
        }
        Ok(None)
    }

    /// The body of a good answer; the trouble of any other.
    pub async fn body(&self, request: RequestBuilder) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let (status, body) = self.send(request).await?;
        if status.is_success() { Ok(body) } else { Err(self.problem(status, &body)) }
    }

    pub fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Trouble> {
        serde_json::from_slice(body).map_err(|error| self.garbled(&error.to_string()))
    }

    pub fn problem(&self, status: StatusCode, body: &[u8]) -> Trouble {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => Trouble::Problem { status: status.as_u16(), problem: Box::new(problem) },
            Err(_) => self.garbled(&format!("{status}: {}", visible::line(body, 200))),
        }
    }

    fn garbled(&self, why: &str) -> Trouble {
        Trouble::Garbled { server: self.server.clone(), why: why.to_owned() }
    }

    pub fn unreachable(&self, error: &reqwest::Error) -> Trouble {
        let (why, hint) = words(error);
        Trouble::Unreachable { server: self.server.clone(), why, hint, sent: !error.is_connect() }
    }
}

/// What went wrong on the way, as a person would say it.
fn words(error: &reqwest::Error) -> (String, Option<String>) {
    let mut source: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(error) = source {
        if let Some(words) = known(error) {
            return words;
        }
        // An io::Error hides what it wraps from `source()`.
        source = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    if error.is_timeout() {
        return ("no answer in time".to_owned(), Some("look whether the server runs and is not overloaded".to_owned()));
    }
    (deepest(error).to_string(), None)
}

fn known(error: &(dyn std::error::Error + 'static)) -> Option<(String, Option<String>)> {
    if let Some(rustls::Error::InvalidCertificate(wrong)) = error.downcast_ref::<rustls::Error>() {
        return Some(certificate(wrong));
    }
    let error = error.downcast_ref::<io::Error>()?;
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "the connection was reset",
        io::ErrorKind::HostUnreachable => "no route to its host",
        io::ErrorKind::NetworkUnreachable => "there is no network",
        io::ErrorKind::TimedOut => "no answer in time",
        _ if error.to_string().contains("lookup address") => "its name cannot be looked up",
        _ => return None,
    };
    Some((why.to_owned(), Some("look whether the server runs and can be reached from here".to_owned())))
}

fn certificate(wrong: &rustls::CertificateError) -> (String, Option<String>) {
    use rustls::CertificateError as E;
    let (why, hint) = match wrong {
        E::UnknownIssuer | E::BadSignature | E::InvalidPurpose | E::InvalidPurposeContext { .. } => (
            "its certificate is not vouched for by our certificate authority",
            "is `ca` in keeper.toml this server's authority? if it is, somebody else answers at that address",
        ),
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            ("its certificate is for another name", "use the name that the certificate carries as `server`")
        }
        E::Expired | E::ExpiredContext { .. } => {
            ("its certificate has expired", "renew it, or set this machine's clock")
        }
        E::NotValidYet | E::NotValidYetContext { .. } => {
            ("its certificate is not valid yet", "set this machine's clock")
        }
        other => return (format!("its certificate is not good: {other}"), None),
    };
    (why.to_owned(), Some(hint.to_owned()))
}

fn deepest<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::sync::Arc;

    use reqwest::Method;
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    use super::{Link, Trouble};

    fn certificate(name: &str) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed([name.to_owned()]).unwrap()
    }

    /// Speaks TLS with this certificate, and nothing after it.
    fn listen(certified: &rcgen::CertifiedKey<rcgen::KeyPair>) -> u16 {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = ServerConnection::new(config.clone()).unwrap();
                let _ = StreamOwned::new(connection, stream).read(&mut [0; 64]);
            }
        });
        port
    }

    async fn trouble(server: &str, authority: &str) -> Trouble {
        let link = Link::new(server, authority.as_bytes()).unwrap();
        link.send(link.request(Method::GET, "/healthz")).await.err().unwrap()
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_said_to_refuse_the_connection() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let said = trouble(&format!("https://127.0.0.1:{port}"), &certificate("x").cert.pem()).await;
        assert_eq!(
            said.to_string(),
            format!("the server at https://127.0.0.1:{port} does not answer: connection refused")
        );
        assert!(said.hint().is_some());
    }

    #[tokio::test]
    async fn a_certificate_that_is_not_vouched_for_or_for_another_name_is_said_to_be() {
        let theirs = certificate("localhost");
        let server = format!("https://localhost:{}", listen(&theirs));
        let said = trouble(&server, &certificate("localhost").cert.pem()).await;
        assert!(said.to_string().contains("not vouched for by our certificate authority"), "{said}");
        assert!(said.hint().unwrap().contains("keeper.toml"));

        let elsewhere = certificate("elsewhere.example");
        let server = format!("https://localhost:{}", listen(&elsewhere));
        let said = trouble(&server, &elsewhere.cert.pem()).await;
        assert!(said.to_string().contains("for another name"), "{said}");
    }

    #[test]
    fn a_file_without_a_certificate_is_no_authority() {
        assert!(matches!(Link::new("https://localhost", b"hello"), Err(Trouble::Setup(_))));
    }
}
