//! The command line's end of the keeper's socket.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::Complaint;
use crate::keeper::{Config, default_path};
use crate::model::{Refusal, visible};
use crate::wire::frames::{self, Control, FromKeeper, FromShim, Hello, KeeperStatus};

/// Which keeper.
#[derive(Args, Clone, Default)]
pub struct KeeperOption {
    /// The keeper's socket [default: the one that keeper.toml beside this program names]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
}

impl KeeperOption {
    pub fn path(&self) -> PathBuf {
        if let Some(socket) = &self.socket {
            return socket.clone();
        }
        let config = default_path().and_then(|path| Config::read(&path));
        config.map_or_else(|_| PathBuf::from("/run/portcullis/keeper.sock"), |config| config.socket)
    }
}

/// A conversation about the keeper itself.
pub struct Conversation {
    stream: UnixStream,
    socket: PathBuf,
}

impl Conversation {
    /// Connects, greets and asks. `patience` bounds the wait for each answer.
    pub fn open(socket: &Path, control: Control, patience: Duration) -> Result<Self, Complaint> {
        let what = format!("the keeper at {} does not answer", socket.display());
        let stream = UnixStream::connect(socket).map_err(|error| {
            let (why, hint) = match error.kind() {
                io::ErrorKind::NotFound => ("there is no such socket", "start it: portcullis keeper"),
                io::ErrorKind::ConnectionRefused => ("nobody listens on its socket", "start it: portcullis keeper"),
                io::ErrorKind::PermissionDenied => {
                    ("this user may not use its socket", "is this user in the group that keeper.toml names?")
                }
                _ => return Complaint::new(&what, error.to_string()),
            };
            Complaint::new(&what, why).hint(hint)
        })?;
        let mut conversation = Conversation { stream, socket: socket.to_owned() };
        let timed = conversation.stream.set_read_timeout(Some(patience));
        timed.map_err(|error| conversation.broken(&error))?;
        let hello =
            Hello { version: frames::VERSION, shim: concat!("portcullis ", env!("CARGO_PKG_VERSION")).to_owned() };
        conversation.say(&FromShim::Hello(hello))?;
        match conversation.next()? {
            FromKeeper::Welcome { .. } => {}
            other => return Err(conversation.unexpected(other)),
        }
        conversation.say(&FromShim::Control(control))?;
        Ok(conversation)
    }

    pub fn next(&mut self) -> Result<FromKeeper, Complaint> {
        match frames::read(&mut self.stream) {
            Ok(Some(FromKeeper::Failed(failure))) => Err(failure.into()),
            Ok(Some(FromKeeper::Refused(Refusal { what, why, hint, .. }))) => Err(Complaint { what, why, hint }),
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(self.broken(&io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(self.broken(&error)),
        }
    }

    pub fn unexpected(&self, message: FromKeeper) -> Complaint {
        let said = serde_json::to_vec(&message).unwrap_or_default();
        let what = format!("the keeper at {} answers something else", self.socket.display());
        Complaint::new(what, visible::line(&said, 200)).hint("install the keeper and this program of the same release")
    }

    fn say(&mut self, message: &FromShim) -> Result<(), Complaint> {
        frames::write(&mut self.stream, message).map_err(|error| self.broken(&error))
    }

    fn broken(&self, error: &io::Error) -> Complaint {
        let why = match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                "it closed the connection".to_owned()
            }
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no answer in time".to_owned(),
            _ => error.to_string(),
        };
        Complaint::new(format!("the keeper at {} does not answer", self.socket.display()), why)
            .hint("look into the keeper's log")
    }
}

/// How the keeper is.
pub fn status(socket: &Path) -> Result<KeeperStatus, Complaint> {
    let mut conversation = Conversation::open(socket, Control::Status, Duration::from_secs(60))?;
    match conversation.next()? {
        FromKeeper::Control(frames::Controlled::Status(status)) => Ok(*status),
        other => Err(conversation.unexpected(other)),
    }
}
