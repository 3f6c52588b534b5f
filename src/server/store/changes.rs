//! Who waits for a change is told of it: within this process by a channel, from other servers by PostgreSQL's NOTIFY.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::broadcast;

/// NOTIFY's channel; the payload is the id of what changed.
pub(super) const CHANNEL: &str = "portcullis";

/// Time between tries to listen again.
const AGAIN: Duration = Duration::from_secs(1);

/// Ids of what changed, after it was committed.
#[derive(Clone)]
pub struct Changes(broadcast::Sender<String>);

impl Changes {
    pub(super) fn new() -> Changes {
        // Whoever lags behind is told so and looks again.
        Changes(broadcast::Sender::new(256))
    }

    pub(super) fn announce(&self, id: String) {
        // Nobody waits: nothing to tell.
        let _ = self.0.send(id);
    }

    /// From now on. Subscribe first and look then, so that nothing falls in between.
    pub fn subscribe(&self) -> Waiter {
        Waiter(self.0.subscribe())
    }

    /// How many wait.
    pub fn waiters(&self) -> usize {
        self.0.receiver_count()
    }
}

/// Somebody who waits.
pub struct Waiter(broadcast::Receiver<String>);

impl Waiter {
    /// Returns when what has this id changed, or when it cannot be told whether it did.
    pub async fn changed(&mut self, id: &str) {
        loop {
            match self.0.recv().await {
                Ok(changed) if changed == id || changed.is_empty() => return,
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => return,
                // The store is gone with the server: the caller's own time ends the wait.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Passes on what other servers announce. Ends with the store's last waiter and writer.
pub(super) async fn relay(url: String, changes: Changes) {
    loop {
        if let Err(error) = listen(&url, &changes).await {
            tracing::warn!(%error, "cannot hear what other servers change; trying again");
        }
        // Whatever was missed: everybody looks again.
        changes.announce(String::new());
        tokio::time::sleep(AGAIN).await;
    }
}

async fn listen(url: &str, changes: &Changes) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    while let Some(notification) = listener.try_recv().await? {
        changes.announce(notification.payload().to_owned());
    }
    Ok(())
}
