//! Where a refresh token rests between runs: a secret service where one answers, else a 0600 file.
//!
//! A secret service may hang on a prompt that nobody sees, so each call to it runs on a thread of its own and is given
//! up after a while.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::config::KeepIn;

const PATIENCE: Duration = Duration::from_secs(3);
const SERVICE: &str = "portcullis";

/// A place for one text under one name.
#[derive(Debug, Clone)]
pub enum Keep {
    Keyring { name: String },
    File(PathBuf),
}

impl Keep {
    /// Decides where; `name` tells this login from others in the same secret service, `folder` takes the file.
    pub async fn choose(keep: KeepIn, name: &str, folder: &Path) -> Self {
        let file = Keep::File(folder.join("login"));
        if keep == KeepIn::File {
            return file;
        }
        match service(|| keyring::Entry::store_status().as_ref().map_err(ToString::to_string)).await {
            Ok(_) => Keep::Keyring { name: name.to_owned() },
            Err(why) => {
                tracing::debug!(why, "no secret service");
                file
            }
        }
    }

    /// For people: where the login is kept.
    pub fn words(&self) -> String {
        match self {
            Keep::Keyring { .. } => "the secret service's keyring".to_owned(),
            Keep::File(path) => format!("the file {} (mode 0600)", path.display()),
        }
    }

    pub async fn load(&self) -> io::Result<Option<Zeroizing<String>>> {
        match self {
            Keep::File(path) => match fs::read_to_string(path) {
                Ok(text) => Ok(Some(Zeroizing::new(text))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
            Keep::Keyring { name } => {
                let name = name.clone();
                let loaded = service(move || match entry(&name)?.get_password() {
                    Ok(text) => Ok(Some(Zeroizing::new(text))),
                    Err(keyring::Error::NoEntry) => Ok(None),
                    Err(error) => Err(error.to_string()),
                });
                loaded.await.map_err(io::Error::other)
            }
        }
    }

    pub async fn save(&self, text: &str) -> io::Result<()> {
        match self {
            Keep::File(path) => write_private(path, text.as_bytes()),
            Keep::Keyring { name } => {
                let (name, text) = (name.clone(), Zeroizing::new(text.to_owned()));
                let saved = service(move || entry(&name)?.set_password(&text).map_err(|error| error.to_string()));
                saved.await.map_err(io::Error::other)
            }
        }
    }

    pub async fn forget(&self) -> io::Result<()> {
        match self {
            Keep::File(path) => match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            },
            Keep::Keyring { name } => {
                let name = name.clone();
                let gone = service(move || match entry(&name)?.delete_credential() {
                    Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
                    Err(error) => Err(error.to_string()),
                });
                gone.await.map_err(io::Error::other)
            }
        }
    }
}

fn entry(name: &str) -> Result<keyring::Entry, String> {
    keyring::Entry::new(SERVICE, name).map_err(|error| error.to_string())
}

async fn service<T: Send + 'static>(call: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(call)).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err("the secret service failed".to_owned()),
        Err(_) => Err("the secret service does not answer".to_owned()),
    }
}

/// Replaces a 0600 file as a whole: after a crash it is the old one or the new one.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

/// A folder of our own user's, closed to everybody else; made where it is missing, an error where it is another's.
pub fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let meta = fs::metadata(path)?;
    if meta.uid() != rustix::process::geteuid().as_raw() {
        let why = format!("{} belongs to user {}, not to us", path.display(), meta.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    if meta.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Keep, private_folder};

    #[tokio::test]
    async fn a_kept_login_reads_back_from_a_file_that_only_its_owner_opens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        private_folder(&path).unwrap();
        let keep = Keep::File(path.join("login"));
        assert!(keep.load().await.unwrap().is_none());
        keep.save("one").await.unwrap();
        keep.save("two").await.unwrap();
        assert_eq!(keep.load().await.unwrap().unwrap().as_str(), "two");
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path.join("login")), 0o600);
        assert_eq!(mode(&path), 0o700);
        keep.forget().await.unwrap();
        assert!(keep.load().await.unwrap().is_none());
    }
}
