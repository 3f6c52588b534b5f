//! Names of files that answers go to, and that a URL of an upload gets.

use super::data::{path_escaped, small_escapes};
use super::globs::Expanded;
use super::meaning::GaveUp;
use super::options::Release;
use super::transfer::{Group, Node, Output};
use super::url::{How, Parts};

/// Where the answer goes; `None` for standard output.
pub fn output(group: &Group, node: &Node, url: &Expanded, release: Release) -> Result<Option<Vec<u8>>, GaveUp> {
    let name = match &node.output {
        None => return Ok(None),
        Some(Output::File(name)) if name.as_slice() == b"-" => return Ok(None),
        Some(Output::File(name)) if url.pieces == 0 => name.to_vec(),
        Some(Output::File(name)) => match numbered(name, url) {
            name if name.is_empty() => return Err(GaveUp("an output file has no name")),
            name => name,
        },
        Some(Output::Remote) => {
            let parts = Parts::of(&url.url, How::of(release)).filter(|parts| parts.url().is_some());
            let parts = parts.ok_or(GaveUp("curl does not take the URL that names a file"))?;
            let name = match release {
                Release::V7_88 => remote_name(parts.path()),
                // Newer releases look for a name before the slashes at the end, and have one of their own.
                Release::V8 | Release::Other => {
                    let slashes = parts.path().iter().rev().take_while(|b| **b == b'/').count();
                    match remote_name(&parts.path()[..parts.path().len() - slashes]) {
                        b"" => b"curl_response",
                        name => name,
                    }
                }
            };
            match parts.scheme.as_str() {
                // Whatever the folder: only the server knows the name.
                "http" | "https" if group.names_by_header => return Ok(Some(b"*".to_vec())),
                _ if name.is_empty() && !group.names_by_header => return Err(GaveUp("an output file has no name")),
                _ => name.to_vec(),
            }
        }
    };
    Ok(Some(match &group.output_dir {
        Some(folder) => [folder.as_slice(), b"/", name.strip_prefix(b"/").unwrap_or(&name)].concat(),
        None => name,
    }))
}

/// What follows the last slash, and in that the last backslash.
pub fn remote_name(path: &[u8]) -> &[u8] {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
    name.rsplit(|b| *b == b'\\').next().unwrap_or_default()
}

/// A URL that names a folder gets the name of the file that is put there.
pub fn with_file_name(text: Vec<u8>, path: &[u8], release: Release) -> Option<Vec<u8>> {
    let mut parts = Parts::of(&text, How::of(release))?;
    let named = !parts.path().ends_with(b"/");
    // Newer releases leave a URL with a query as it is.
    if named || (release != Release::V7_88 && parts.query.is_some()) {
        return Some(text);
    }
    let name = path_escaped(remote_name(path));
    parts.path = small_escapes(&[parts.path(), &name].concat());
    Some(parts.text())
}

/// `#1` in the name of an output file is what stood in the first pattern.
pub fn numbered(name: &[u8], url: &Expanded) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        let digits = if *first == b'#' { after.iter().take_while(|b| b.is_ascii_digit()).count() } else { 0 };
        let number: usize = std::str::from_utf8(&after[..digits]).ok().and_then(|n| n.parse().ok()).unwrap_or(0);
        match url.parts.get(number.wrapping_sub(1)).filter(|_| number < url.pieces) {
            Some(part) => {
                out.extend_from_slice(part);
                rest = &after[digits..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}
