//! Starting and stopping: the socket, the background work, the signals.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::map_request;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::config::Config;
use super::tls::{Handshaken, Peer};
use super::{App, Error, approvals, http, issuers, tls};

/// How often expired approvals and grants are looked for.
const REAP: Duration = Duration::from_secs(5);

/// Time for requests under way once the server is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// A server that listens.
pub struct Running {
    /// Where, also when port 0 was asked for.
    pub address: SocketAddr,
    app: Arc<App>,
    serving: JoinHandle<()>,
    reaping: JoinHandle<()>,
}

/// Takes the address, so that the configuration knows its port where 0 was asked for.
pub async fn bind(config: &mut Config) -> Result<TcpListener, Error> {
    let wanted = config.listen;
    let failed = |why| Error::Listen { address: wanted, why };
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    config.listening_on(listener.local_addr().map_err(failed)?);
    Ok(listener)
}

/// Serves until [`Running::stop`].
pub async fn start(app: Arc<App>, listener: TcpListener) -> Result<Running, Error> {
    let tls = tls::config(&app.config)?;
    let failed = |why| Error::Listen { address: app.config.listen, why };
    let listener = Handshaken::new(listener, tls).map_err(failed)?;
    let address = axum::serve::Listener::local_addr(&listener).map_err(failed)?;
    let router = http::router(app.clone()).layer(map_request(known_peer));
    let service = router.into_make_service_with_connect_info::<Peer>();
    let mut stopping = app.stopping();
    let stopped = async move {
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    let serving = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stopped).await {
            tracing::error!(%error, "serving ended");
        }
    });
    let reaping = tokio::spawn(reap(app.clone()));
    Ok(Running { address, app, serving, reaping })
}

/// Gives handlers the peer's address in axum's usual form, whatever the listener is.
async fn known_peer(mut request: Request) -> Request {
    if let Some(ConnectInfo(Peer(address))) = request.extensions().get::<ConnectInfo<Peer>>().copied() {
        request.extensions_mut().insert(ConnectInfo(address));
    }
    request
}

impl Running {
    /// No new connections; long polls end at once, other requests get some time.
    pub async fn stop(self) {
        self.app.stop();
        if tokio::time::timeout(GRACE, self.serving).await.is_err() {
            tracing::warn!("requests were still under way when the server stopped");
        }
        let _ = self.reaping.await;
    }
}

/// Marks what expired and takes back what is past its time; at once at the start, because another run may have left
/// something behind.
async fn reap(app: Arc<App>) {
    let mut stopping = app.stopping();
    let mut ticks = tokio::time::interval(REAP);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        if let Err(error) = approvals::expire(&app).await {
            tracing::error!(%error, "expired approvals were not marked");
        }
        if let Err(error) = issuers::reap(&app).await {
            tracing::error!(%error, "grants past their time were not taken back");
        }
    }
}

/// Returns at SIGTERM or SIGINT; SIGHUP reads the policies again.
pub async fn until_asked_to_stop(app: &Arc<App>) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hangup.recv() => {
                let app = app.clone();
                let _ = tokio::task::spawn_blocking(move || app.policies.reload()).await;
            }
        }
    }
}
