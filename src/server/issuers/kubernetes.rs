//! Kind `kubernetes`: a bearer token for one cluster that the server keeps, lent as it is, with the authority that
//! the cluster's certificate is checked against.

use std::path::Path;

use super::{Draw, Error, secret};
use crate::model::{Grant, GrantKind};

pub fn issue(
    draw: &Draw<'_>,
    server: &str,
    ca_file: Option<&Path>,
    namespace: &Option<String>,
    token_file: &Path,
) -> Result<Grant, Error> {
    let name = &draw.credential.name;
    let unreadable = |inside: std::io::Error| Error::Issuer { name: name.clone(), inside: inside.to_string() };
    let ca = ca_file.map(std::fs::read_to_string).transpose().map_err(unreadable)?;
    Ok(Grant {
        name: name.clone(),
        kind: GrantKind::Kubernetes { server: server.to_owned(), ca, namespace: namespace.clone() },
        secret: secret(name, token_file)?,
        expires: draw.expires,
    })
}
