//! The deciding side: signs people and machines in, reads what they ask to run, decides by policy, asks humans where
//! policy says so, lends credentials, keeps recordings and the audit log.
//!
//! [`App`] is what every request shares; `http/` has one file a resource. Invariant: what is decided is in the audit
//! log, durably, before the answer leaves.

pub mod audit;
pub mod config;
pub mod http;
pub mod identity;
pub mod issuers;
pub mod store;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::model::Micros;
use config::Config;
use store::Store;

/// The wall clock, passed in so that tests can move it.
pub type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// What every request shares. Handlers take it as `State<Arc<App>>`.
pub struct App {
    pub config: Config,
    pub store: Store,
    pub identity: identity::Identity,
    clock: Clock,
    stopping: watch::Sender<bool>,
}

impl App {
    pub async fn open(config: Config, clock: Clock) -> Result<Arc<App>, store::Error> {
        let store = Store::open(&config.store, clock.clone()).await?;
        let identity = identity::Identity::default();
        Ok(Arc::new(App { config, store, identity, clock, stopping: watch::Sender::new(false) }))
    }

    pub fn now(&self) -> Micros {
        (self.clock)()
    }

    /// Comes true once the server is asked to stop: long polls end, tasks finish.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }
}

/// The machine's clock.
pub fn wall_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    })
}
