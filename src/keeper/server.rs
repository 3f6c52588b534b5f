//! The server as a signed-in caller sees it: one method for each path of the contract.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::bytes::Bytes;
use zeroize::Zeroizing;

use super::link::{Link, Trouble};
use super::login::Login;
use crate::model::InvocationId;
use crate::wire::contract::{Answer, Ask, Drawn, End, Seal, Stored, Whoami, Whole, path};

/// Seconds that one long poll for a decision is held open.
const WAIT: u64 = 50;

/// The longest that a recording may take to come.
const LONGEST_POUR: Duration = Duration::from_secs(3600);

pub struct Server {
    pub link: Arc<Link>,
    pub login: Login,
}

impl Server {
    /// Asks for a decision. Asked once more when the connection broke: the same id gets the same answer.
    pub async fn ask(&self, ask: &Ask) -> Result<Answer, Trouble> {
        let body = json(ask)?;
        let post = || self.link.request(Method::POST, path::INVOCATIONS).header("content-type", "application/json");
        let sent = match self.send(|| post().body(body.clone())).await {
            Err(Trouble::Unreachable { .. }) => self.send(|| post().body(body.clone())).await,
            other => other,
        }?;
        self.link.parse(&sent)
    }

    /// The decision as soon as it is another, or as it is after a while.
    pub async fn decision(&self, id: &InvocationId) -> Result<Answer, Trouble> {
        let path = format!("{}?wait={WAIT}", path::DECISION.replace("{id}", id.as_str()));
        let patience = Duration::from_secs(WAIT + 15);
        let body = self.send(|| self.link.request(Method::GET, &path).timeout(patience)).await?;
        self.link.parse(&body)
    }

    /// Mints the grants. Never asked twice: the server gives them out once.
    pub async fn draw(&self, id: &InvocationId) -> Result<Drawn, Trouble> {
        let body = self.send(|| self.link.request(Method::POST, &of(path::GRANTS, id))).await?;
        self.link.parse(&body)
    }

    pub async fn end(&self, id: &InvocationId, end: &End) -> Result<(), Trouble> {
        self.send(|| self.link.request(Method::POST, &of(path::END, id)).json(end)).await.map(|_| ())
    }

    /// Appends at `offset`. `Ok` is how much the server has: what was sent, or, after a gap, what it had before.
    pub async fn append(&self, id: &InvocationId, offset: u64, bytes: Bytes) -> Result<u64, Trouble> {
        let path = format!("{}?offset={offset}", of(path::RECORDING, id));
        let (status, body) = self
            .answer(|| self.link.request(Method::PUT, &path).body(bytes.clone()).timeout(Duration::from_secs(60)))
            .await?;
        match self.link.parse::<Stored>(&body) {
            Ok(stored) if status.is_success() || status == StatusCode::CONFLICT => Ok(stored.length),
            Ok(_) | Err(_) if !status.is_success() => Err(self.link.problem(status, &body)),
            Ok(stored) => Ok(stored.length),
            Err(trouble) => Err(trouble),
        }
    }

    pub async fn seal(&self, id: &InvocationId, seal: &Seal) -> Result<(), Trouble> {
        self.send(|| self.link.request(Method::POST, &of(path::SEAL, id)).json(seal)).await.map(|_| ())
    }

    /// The end, the recording and its seal, in one.
    pub async fn whole(&self, id: &InvocationId, whole: &Whole) -> Result<(), Trouble> {
        let body = json(whole)?;
        let put = || self.link.request(Method::PUT, &of(path::WHOLE, id)).header("content-type", "application/json");
        self.send(|| put().body(body.clone())).await.map(|_| ())
    }

    pub async fn whoami(&self) -> Result<Whoami, Trouble> {
        self.get(path::WHOAMI).await
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        let body = self.send(|| self.link.request(Method::GET, path)).await?;
        self.link.parse(&body)
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Trouble> {
        let body = self.send(|| self.link.request(Method::POST, path).json(body)).await?;
        self.link.parse(&body)
    }

    /// Any path's bytes, however many, to where they are kept.
    pub async fn pour(&self, path: &str, out: &mut impl io::Write) -> Result<(), Trouble> {
        for _ in 0..2 {
            let token = self.login.access().await?;
            let request = self.link.request(Method::GET, path).timeout(LONGEST_POUR).bearer_auth(token.as_str());
            match self.link.pour(request, out).await? {
                None => return Ok(()),
                Some((StatusCode::UNAUTHORIZED, _)) => self.login.spoilt(&token).await,
                Some((status, body)) => return Err(self.link.problem(status, &body)),
            }
        }
        Err(refused())
    }

    async fn send(&self, request: impl Fn() -> RequestBuilder) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let (status, body) = self.answer(request).await?;
        if status.is_success() { Ok(body) } else { Err(self.link.problem(status, &body)) }
    }

    /// Any answer but 401; a token that ended early is renewed once.
    async fn answer(&self, request: impl Fn() -> RequestBuilder) -> Result<(StatusCode, Zeroizing<Vec<u8>>), Trouble> {
        for _ in 0..2 {
            let token = self.login.access().await?;
            let (status, body) = self.link.send(request().bearer_auth(token.as_str())).await?;
            if status != StatusCode::UNAUTHORIZED {
                return Ok((status, body));
            }
            self.login.spoilt(&token).await;
        }
        Err(refused())
    }
}

fn refused() -> Trouble {
    Trouble::NotSignedIn("the server does not take this login any more".to_owned())
}

fn of(path: &str, id: &InvocationId) -> String {
    path.replace("{id}", id.as_str())
}

fn json(value: &impl Serialize) -> Result<Bytes, Trouble> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|error| Trouble::Setup(format!("a message cannot be written: {error}")))
}
