//! Kind `token`: a token that the server keeps, lent as it is. It does not fit the operation any closer than its own
//! scope, so it is the kind to use where nothing better can be minted.

use std::path::Path;

use super::{Draw, Error, secret};
use crate::model::{Grant, GrantKind};

pub fn issue(draw: &Draw<'_>, url: &str, username: &Option<String>, token_file: &Path) -> Result<Grant, Error> {
    let name = &draw.credential.name;
    Ok(Grant {
        name: name.clone(),
        kind: GrantKind::Token { url: url.to_owned(), username: username.clone() },
        secret: secret(name, token_file)?,
        expires: draw.expires,
    })
}
