//! Messages over a unix socket, from a peer that may be slow, silent or hostile.
//!
//! A length alone costs nothing: memory grows with the bytes that came. What is long is paid for out of one budget
//! that all connections share, a message that stops half way is given up, and so is a peer that does not read.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::bytes::{Buf as _, BytesMut};
use tokio_util::codec::{Decoder, FramedRead};
use zeroize::Zeroizing;

use crate::wire::frames::{self, FromKeeper, FromShim, Message as _};

/// A message up to this size is not counted against the budget.
const SMALL: usize = 256 << 10;
/// A peer that does not move for this long in the middle of a message is given up.
const STALL: Duration = Duration::from_secs(20);

/// What long messages of all connections may take in memory together, in KiB.
pub type Budget = Arc<Semaphore>;

pub fn budget() -> Budget {
    Arc::new(Semaphore::new(1 << 20))
}

pub struct Messages {
    read: FramedRead<OwnedReadHalf, Lengths>,
    write: OwnedWriteHalf,
    stall: Duration,
}

impl Messages {
    pub fn new(stream: UnixStream, budget: Budget, most: usize) -> Self {
        let (read, write) = stream.into_split();
        Messages { read: FramedRead::new(read, Lengths { most, budget, paid: None }), write, stall: STALL }
    }

    /// From here on messages may be this long.
    pub fn allow(&mut self, most: usize) {
        self.read.decoder_mut().most = most.min(frames::MAX);
    }

    /// The next message; `None` when the peer has gone between two. May be dropped and called again.
    pub async fn next(&mut self) -> io::Result<Option<FromShim>> {
        loop {
            let before = self.read.read_buffer().len();
            match timeout(self.stall, self.read.next()).await {
                Ok(None) => return Ok(None),
                Ok(Some(body)) => {
                    let body = body?;
                    return FromShim::read_body(&body.bytes).map(Some);
                }
                Err(_) if before > 0 && self.read.read_buffer().len() == before => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "it stopped in the middle of a message"));
                }
                Err(_) => {}
            }
        }
    }

    /// Whether the next message has come already as a whole.
    pub fn has_next(&self) -> bool {
        let buffer = self.read.read_buffer();
        let Some(prefix) = buffer.first_chunk::<4>() else { return false };
        frames::checked_length(*prefix).is_ok_and(|length| buffer.len() - 4 >= length)
    }

    /// Gives the message back, for whoever still needs what is in it.
    pub async fn say(&mut self, message: FromKeeper) -> io::Result<FromKeeper> {
        let bytes = Zeroizing::new(frames::encode(&message)?);
        match timeout(self.stall, self.write.write_all(&bytes)).await {
            Ok(written) => written.map(|()| message),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "it does not read what it is told")),
        }
    }
}

struct Lengths {
    most: usize,
    budget: Budget,
    /// For the message that is being read.
    paid: Option<OwnedSemaphorePermit>,
}

struct Body {
    bytes: BytesMut,
    _paid: Option<OwnedSemaphorePermit>,
}

impl Decoder for Lengths {
    type Item = Body;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Body>> {
        let Some(prefix) = buffer.first_chunk::<4>() else { return Ok(None) };
        let length = frames::checked_length(*prefix)?;
        if length > self.most {
            let why = format!("a message of {length} bytes is too long here");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        if length > SMALL && self.paid.is_none() {
            let kib = u32::try_from(length >> 10).unwrap_or(u32::MAX);
            let paid = self.budget.clone().try_acquire_many_owned(kib);
            self.paid = Some(paid.map_err(|_| io::Error::other("too many long messages are under way"))?);
        }
        if buffer.len() < 4 + length {
            return Ok(None);
        }
        buffer.advance(4);
        let bytes = buffer.split_to(length);
        if length > SMALL {
            // The buffer that grew for a long message is not kept for the short ones after it.
            *buffer = BytesMut::from(&buffer[..]);
        }
        Ok(Some(Body { bytes, _paid: self.paid.take() }))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::UnixStream;

    use super::{Messages, budget};
    use crate::wire::frames::{self, Control, FromShim};

    #[tokio::test]
    async fn a_message_comes_whole_in_any_pieces_and_a_length_past_the_bound_is_refused() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut messages = Messages::new(ours, budget(), 4096);
        let bytes = frames::encode(&FromShim::Control(Control::Status)).unwrap();
        let writer = tokio::spawn(async move {
            for byte in bytes {
                theirs.write_all(&[byte]).await.unwrap();
            }
            theirs.write_all(&[0, 1, 0, 0, b'{']).await.unwrap();
            theirs
        });
        assert!(matches!(messages.next().await.unwrap(), Some(FromShim::Control(Control::Status))));
        assert!(!messages.has_next());
        let error = messages.next().await.err().unwrap();
        assert!(error.to_string().contains("too long here"), "{error}");
        drop(writer);
    }

    #[tokio::test]
    async fn messages_that_came_together_are_known_to_be_there() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut messages = Messages::new(ours, budget(), 4096);
        let bytes = frames::encode(&FromShim::Control(Control::Status)).unwrap();
        theirs.write_all(&[&bytes[..], &bytes, &bytes[..5]].concat()).await.unwrap();
        messages.next().await.unwrap();
        assert!(messages.has_next());
        messages.next().await.unwrap();
        assert!(!messages.has_next(), "the third has only begun");
    }

    #[tokio::test]
    async fn a_peer_that_stops_in_the_middle_of_a_message_is_given_up_and_an_idle_one_is_not() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut messages = Messages::new(ours, budget(), 4096);
        messages.stall = std::time::Duration::from_millis(20);
        let idle = tokio::time::timeout(messages.stall * 5, messages.next()).await;
        assert!(idle.is_err(), "an idle peer is waited for");
        theirs.write_all(&[0, 0, 0, 9, b'{']).await.unwrap();
        let error = messages.next().await.err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }
}
