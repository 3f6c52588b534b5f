//! The login: one refresh token at rest, one short-lived access token in memory, renewed before it ends and by one
//! caller at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::keep::Keep;
use super::link::{Link, Trouble};
use super::oauth::{self, Tokens};

/// An access token whose life was not said lives this long.
const LIFE: Duration = Duration::from_secs(300);

/// An access token; its text only ever goes into an `Authorization` header.
pub type Access = Arc<Zeroizing<String>>;

pub struct Login {
    link: Arc<Link>,
    keep: Keep,
    held: Mutex<Held>,
}

/// Under one lock, so that a second caller waits for the first one's renewal instead of spending the token twice.
struct Held {
    refresh: Option<Zeroizing<String>>,
    access: Option<Current>,
}

struct Current {
    token: Access,
    renew_at: Instant,
    ends_at: Instant,
}

impl Login {
    /// Takes up the login that was kept, if any.
    pub async fn open(link: Arc<Link>, keep: Keep) -> std::io::Result<Self> {
        let refresh = keep.load().await?;
        Ok(Login { link, keep, held: Mutex::new(Held { refresh, access: None }) })
    }

    /// An access token that will still be good when it arrives.
    pub async fn access(&self) -> Result<Access, Trouble> {
        let mut held = self.held.lock().await;
        if let Some(current) = held.access.as_ref().filter(|current| Instant::now() < current.renew_at) {
            return Ok(current.token.clone());
        }
        let Some(refresh) = &held.refresh else {
            return Err(Trouble::NotSignedIn("nobody has signed this machine in".to_owned()));
        };
        let refreshed = match oauth::refresh(&self.link, refresh).await {
            // The new tokens may have been lost on their way. The server takes the old one once more, but only at once.
            Err(Trouble::Unreachable { sent: true, .. }) => oauth::refresh(&self.link, refresh).await,
            other => other,
        };
        match refreshed {
            Ok(tokens) => self.take(&mut held, tokens).await,
            Err(Trouble::NotSignedIn(why)) => {
                *held = Held { refresh: None, access: None };
                if let Err(error) = self.keep.forget().await {
                    tracing::warn!(%error, "the login that is void cannot be removed");
                }
                Err(Trouble::NotSignedIn(why))
            }
            // While the server is away the present token may do for what still reaches it.
            Err(trouble) => match held.access.as_ref().filter(|current| Instant::now() < current.ends_at) {
                Some(current) => Ok(current.token.clone()),
                None => Err(trouble),
            },
        }
    }

    /// A token the server did not take is not used again; the next [`Login::access`] renews it.
    pub async fn spoilt(&self, token: &Access) {
        let mut held = self.held.lock().await;
        if held.access.as_ref().is_some_and(|current| Arc::ptr_eq(&current.token, token)) {
            held.access = None;
        }
    }

    /// Takes the tokens of a device grant in place of what there was.
    pub async fn sign_in(&self, tokens: Tokens) -> Result<(), Trouble> {
        let mut held = self.held.lock().await;
        let old = held.refresh.take();
        self.take(&mut held, tokens).await?;
        drop(held);
        if let Some(old) = old
            && let Err(trouble) = oauth::revoke(&self.link, &old).await
        {
            tracing::warn!(%trouble, "the login before this one could not be revoked");
        }
        Ok(())
    }

    /// Forgets the login here, then tells the server; here it is gone even where the server cannot be told.
    pub async fn sign_out(&self) -> Result<(), Trouble> {
        let mut held = self.held.lock().await;
        let old = held.refresh.take();
        held.access = None;
        let forgotten = self.keep.forget().await;
        drop(held);
        if let Some(old) = old {
            oauth::revoke(&self.link, &old).await?;
        }
        forgotten.map_err(|error| Trouble::Setup(format!("the kept login cannot be removed: {error}")))
    }

    /// Where the refresh token rests, while there is one.
    pub async fn kept(&self) -> Option<String> {
        self.held.lock().await.refresh.as_ref().map(|_| self.keep.words())
    }

    /// Writes down the new refresh token before the access token is used: the old one is void already.
    async fn take(&self, held: &mut Held, tokens: Tokens) -> Result<Access, Trouble> {
        if let Some(refresh) = tokens.refresh_token {
            if let Err(error) = self.keep.save(&refresh).await {
                // It still serves from memory; a restart will need a new login.
                tracing::error!(%error, kept = self.keep.words(), "the login cannot be kept");
            }
            held.refresh = Some(refresh);
        }
        let life = tokens.expires_in.map_or(LIFE, Duration::from_secs);
        let token: Access = Arc::new(tokens.access_token);
        let now = Instant::now();
        held.access = Some(Current { token: token.clone(), renew_at: now + life.mul_f32(0.75), ends_at: now + life });
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;

    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    use super::{Keep, Link, Login};

    /// Hangs up after the first request, answers the second with tokens; gives its address and its certificate.
    fn server() -> (String, String) {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certified.cert.der().clone()], key).unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        std::thread::spawn(move || {
            let body = r#"{"access_token":"pca_new","refresh_token":"pcr_new","expires_in":600}"#;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            for (answer, stream) in ["", &answer].iter().zip(listener.incoming()) {
                let connection = ServerConnection::new(config.clone()).unwrap();
                let mut stream = StreamOwned::new(connection, stream.unwrap());
                let mut asked = Vec::new();
                while !asked.windows(7).any(|bytes| bytes == b"pcr_old") {
                    let mut chunk = [0; 1024];
                    let n = stream.read(&mut chunk).unwrap();
                    asked.extend_from_slice(&chunk[..n]);
                }
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        (address, certified.cert.pem())
    }

    #[tokio::test]
    async fn a_refresh_whose_answer_was_lost_is_repeated_at_once_with_the_same_token() {
        let (address, authority) = server();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("login");
        Keep::File(path.clone()).save("pcr_old").await.unwrap();
        let link = Arc::new(Link::new(&address, authority.as_bytes()).unwrap());
        let login = Login::open(link, Keep::File(path.clone())).await.unwrap();
        assert_eq!(login.access().await.unwrap().as_str(), "pca_new");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "pcr_new");
    }
}
