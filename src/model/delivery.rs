//! How grants and snapshots reach the tool, as data. The shim carries it out; tests read it.

use serde::{Deserialize, Serialize};

use super::{Bytes, Content, Secret};

/// The command as it will be started.
#[derive(Default)]
pub struct Delivery {
    /// Arguments after `argv[0]`.
    pub args: Vec<Word>,
    /// Changes to the environment the caller had, in order.
    pub environment: Vec<EnvChange>,
    /// Files that exist in memory only, sealed, mode 0600, inherited by the tool alone.
    pub files: Vec<MemFile>,
    /// What the tool reads as its standard input, where the reading already consumed it.
    pub stdin: Option<Content>,
    /// The URL (scheme, host, path) for which git's credential helper will be answered, once.
    pub helper: Option<HelperScope>,
}

/// What git's credential helper may be told: the one grant, for the one URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperScope {
    pub grant: String,
    pub url: String,
}

/// An argument or a value in which paths of memory files may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word(pub Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Plain(Bytes),
    /// `/proc/self/fd/N` of `Delivery::files[index]`.
    File(usize),
    /// The absolute path of the shim's credential helper.
    Helper,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvChange {
    Set(String, Word),
    Remove(String),
}

pub struct MemFile {
    /// Shown as the memfd's name in /proc; for people who debug.
    pub name: &'static str,
    pub bytes: Secret,
    pub lasts: Lasts,
}

/// How long what is in a file can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    Throughout,
    /// For a credential that the tool reads from beginning to end when it starts: it is empty after the first reading, so
    /// that no word of the line can have the tool read it again and send or store it.
    OneReading,
    /// The same for a tool that takes no pipe: a plain file, emptied once its first reader has closed it.
    UntilClosed,
}

impl Word {
    pub fn plain(bytes: impl Into<Bytes>) -> Self {
        Word(vec![Part::Plain(bytes.into())])
    }

    pub fn file(index: usize) -> Self {
        Word(vec![Part::File(index)])
    }
}
