//! Which frames the keeper has in its spool. What a frame holds is shown to the caller only then, so that a keeper that
//! is killed at any moment has recorded all that was seen.

use std::time::{Duration, Instant};

/// Frames on their way to the spool before no more is read: at most 1 MiB is recorded ahead of what is shown, and the
/// keeper's answers never fill the socket.
const WINDOW: u64 = 16;

/// How long the keeper may keep nothing while frames wait for it; past it, the record cannot be kept.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Frames are numbered from one, in the order in which they are sent.
#[derive(Default)]
pub struct Ledger {
    sent: u64,
    kept: u64,
    /// When the keeper was last heard of, or had nothing to do.
    heard: Option<Instant>,
}

impl Ledger {
    /// The number that the next frame gets.
    pub fn next(&self) -> u64 {
        self.sent + 1
    }

    pub fn sent(&mut self, now: Instant) {
        if !self.waits() {
            self.heard = Some(now);
        }
        self.sent += 1;
    }

    /// The keeper's word; false where it cannot be true.
    #[must_use]
    pub fn kept(&mut self, frames: u64, now: Instant) -> bool {
        let possible = (self.kept..=self.sent).contains(&frames);
        if possible {
            self.kept = frames;
            self.heard = Some(now);
        }
        possible
    }

    pub fn waits(&self) -> bool {
        self.kept < self.sent
    }

    pub fn has_room(&self) -> bool {
        self.sent - self.kept < WINDOW
    }

    /// When the keeper has been waited for long enough.
    pub fn overdue(&self) -> Option<Instant> {
        self.heard.filter(|_| self.waits()).map(|heard| heard + PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Ledger, PATIENCE, WINDOW};

    #[test]
    fn a_window_of_frames_is_sent_ahead_and_no_more() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        for _ in 0..WINDOW {
            assert!(ledger.has_room());
            ledger.sent(now);
        }
        assert!(!ledger.has_room());
        assert!(ledger.kept(1, now));
        assert!(ledger.has_room());
        assert_eq!(ledger.next(), WINDOW + 1);
    }

    #[test]
    fn a_keeper_that_takes_back_or_keeps_what_was_not_sent_is_not_believed() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        ledger.sent(now);
        ledger.sent(now);
        assert!(ledger.kept(2, now));
        assert!(!ledger.kept(1, now));
        assert!(!ledger.kept(3, now));
    }

    #[test]
    fn the_keeper_is_overdue_only_while_it_owes_and_moves_nothing() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        assert_eq!(ledger.overdue(), None);
        ledger.sent(now);
        ledger.sent(now + Duration::from_secs(3));
        assert_eq!(ledger.overdue(), Some(now + PATIENCE));
        assert!(ledger.kept(1, now + Duration::from_secs(9)));
        assert_eq!(ledger.overdue(), Some(now + Duration::from_secs(9) + PATIENCE));
        assert!(ledger.kept(2, now + Duration::from_secs(10)));
        assert_eq!(ledger.overdue(), None);
    }
}
