//! The credential helper that git is told of (gitcredentials(7), git-credential(1)): asks the keeper, which answers
//! only a descendant of the command that was lent the credential, for its one address, once.

use std::io::{BufRead, Read, Write};

use super::No;
use super::ask::Keeper;
use super::locate::Install;
use crate::wire::frames::FromKeeper;

/// The name by which the shim is linked for it, beside the shim.
pub const NAME: &str = "git-credential-portcullis";

/// The longest description that git may send.
const MOST: u64 = 64 << 10;

/// What git wants a credential for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    protocol: String,
    host: String,
    path: String,
}

/// `get` answers; `store`, `erase` and operations that later versions add do nothing, as the protocol asks.
pub fn run(operation: Option<&str>) -> Result<(), No> {
    if operation != Some("get") {
        return Ok(());
    }
    let wanted = wanted(std::io::stdin().lock().take(MOST));
    let install = Install::find()?;
    let mut keeper = Keeper::greet(&install.pins.keeper)?;
    if let FromKeeper::Credential { username, password } =
        keeper.credential(wanted.protocol, wanted.host, wanted.path)?
    {
        let mut out = std::io::stdout().lock();
        // git that no longer listens needs no credential.
        let _ = out
            .write_all(format!("username={username}\npassword=").as_bytes())
            .and_then(|()| out.write_all(password.expose()))
            .and_then(|()| out.write_all(b"\n"));
    }
    Ok(())
}

/// `key=value` lines up to an empty one. What is not text, and keys that are not asked for, are passed over.
fn wanted(input: impl Read) -> Wanted {
    let mut wanted = Wanted::default();
    for line in std::io::BufReader::new(input).split(b'\n') {
        let Ok(line) = line else { break };
        if line.is_empty() {
            break;
        }
        let Some((key, value)) = std::str::from_utf8(&line).ok().and_then(|line| line.split_once('=')) else {
            continue;
        };
        match key {
            "protocol" => value.clone_into(&mut wanted.protocol),
            "host" => value.clone_into(&mut wanted.host),
            "path" => value.clone_into(&mut wanted.path),
            _ => {}
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::{Wanted, wanted};

    #[test]
    fn gits_description_is_read_up_to_its_empty_line() {
        let input = b"capability[]=authtype\nprotocol=https\nhost=git.example:8443\npath=acme/app.git\n\nhost=evil\n";
        let expected =
            Wanted { protocol: "https".into(), host: "git.example:8443".into(), path: "acme/app.git".into() };
        assert_eq!(wanted(&input[..]), expected);
        assert_eq!(wanted(&b"\xff=1\nhost"[..]), Wanted::default());
    }
}
