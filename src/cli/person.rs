//! A person's own login on a person's own machine: to approve, to look, to verify. The keeper's is never used for it.
//!
//! Kept below the person's data folder (XDG_DATA_HOME): `person.json` names the server and its authority, the refresh
//! token is in a keyring or a 0600 file. One command at a time renews it, because each renewal makes the one before void.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use directories::ProjectDirs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::{Complaint, runtime};
use crate::keeper::{Keep, KeepIn, Link, Login, Server, Trouble, origin, private_folder, write_private};

const WHAT: &str = "you are not signed in as yourself";
const HINT: &str = "run: portcullis login --self --server https://gate.example --ca ca.pem";

#[derive(Serialize, Deserialize)]
struct Known {
    server: String,
    /// PEM, as it was when the person signed in.
    ca: String,
}

/// A signed-in person. While it lives, other commands of the same person wait for their turn.
pub struct Person {
    runtime: Runtime,
    server: Server,
    folder: PathBuf,
    _turn: File,
}

impl Person {
    /// Takes up the kept login.
    pub fn open() -> anyhow::Result<Self> {
        let folder = folder()?;
        let known = fs::read(folder.join("person.json"));
        let known = known.map_err(|_| Complaint::new(WHAT, "no login is kept for you here").hint(HINT))?;
        let known: Known = serde_json::from_slice(&known)?;
        Person::on(folder, &known)
    }

    /// A person whose server was just named; signs in next.
    pub fn new(server: &str, ca: &Path) -> anyhow::Result<Self> {
        let server = origin(server).ok_or_else(|| {
            Complaint::new("signing in", format!("{server} is no address of a server"))
                .hint("it looks like https://gate.example:7443")
        })?;
        let ca = fs::read_to_string(ca)
            .map_err(|error| Complaint::new("signing in", format!("{}: {error}", ca.display())))?;
        let folder = folder()?;
        private_folder(&folder)?;
        let known = Known { server, ca };
        let person = Person::on(folder, &known)?;
        write_private(&person.folder.join("person.json"), &serde_json::to_vec(&known)?)?;
        Ok(person)
    }

    fn on(folder: PathBuf, known: &Known) -> anyhow::Result<Self> {
        let runtime = runtime()?;
        let turn = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(folder.join("lock"))?;
        turn.lock()?;
        let link = Arc::new(Link::new(&known.server, known.ca.as_bytes())?);
        let login = runtime.block_on(async {
            let keep = Keep::choose(KeepIn::Auto, &format!("person {}", known.server), &folder).await;
            Login::open(link.clone(), keep).await
        })?;
        Ok(Person { runtime, server: Server { link, login }, folder, _turn: turn })
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// What this person remembers of the server between commands, as a file.
    pub fn memory(&self, name: &str) -> PathBuf {
        let host: String =
            self.server.link.server().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        self.folder.join(format!("{name}-{host}.json"))
    }

    pub fn get<T: DeserializeOwned>(&self, what: &str, path: &str) -> anyhow::Result<T> {
        self.answer(what, self.runtime.block_on(self.server.get(path)))
    }

    pub fn post<T: DeserializeOwned>(&self, what: &str, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.answer(what, self.runtime.block_on(self.server.post(path, body)))
    }

    /// Bytes of any number, to where they are kept.
    pub fn pour(&self, what: &str, path: &str, out: &mut impl io::Write) -> anyhow::Result<()> {
        self.answer(what, self.runtime.block_on(self.server.pour(path, out)))
    }

    fn answer<T>(&self, what: &str, answer: Result<T, Trouble>) -> anyhow::Result<T> {
        answer.map_err(|trouble| match trouble {
            Trouble::NotSignedIn(why) => Complaint::new(WHAT, why).hint(HINT).into(),
            trouble => Complaint::trouble(what, &trouble).into(),
        })
    }
}

fn folder() -> anyhow::Result<PathBuf> {
    let dirs = ProjectDirs::from("", "", "portcullis");
    let dirs = dirs.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no home folder is known for this user"))?;
    Ok(dirs.data_dir().to_owned())
}
