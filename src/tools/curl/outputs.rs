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
                Release::V8 | Release::Later | Release::Other => {
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

/// A path without what says nothing in it (`./`, `//`, a `..` behind one of `folders`, which are no links); one that climbs out
/// of the work folder is said whole. Any other `..` may follow a link, and stays.
#[cfg(feature = "reading")]
pub fn plain(path: &str, cwd: Option<&str>, folders: &[String]) -> String {
    let root = if path.starts_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match part == ".." && folders.contains(&format!("{root}{}", parts.join("/"))) {
            true => drop(parts.pop()),
            false => parts.push(part),
        }
    }
    let climbs = parts.iter().take_while(|part| **part == "..").count();
    let Some(cwd) = cwd.filter(|cwd| climbs > 0 && root.is_empty() && cwd.starts_with('/')) else {
        return format!("{root}{}", parts.join("/"));
    };
    let above: Vec<&str> = cwd.split('/').filter(|part| !part.is_empty()).collect();
    let whole = [&above[..above.len().saturating_sub(climbs)], &parts[climbs..]].concat().join("/");
    let below = format!("/{whole}");
    let below = below.strip_prefix(cwd.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
    below.map_or_else(|| format!("/{whole}"), str::to_owned)
}

/// What stands before each `..` behind a name, as far as [`plain`] has it.
pub fn before_dots(path: &str) -> Vec<String> {
    let root = if path.starts_with('/') { "/" } else { "" };
    let (mut parts, mut out) = (Vec::<&str>::new(), Vec::new());
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")).take(64) {
        if part == ".." && parts.last().is_some_and(|last| *last != "..") {
            out.push(format!("{root}{}", parts.join("/")));
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    out
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

#[cfg(all(test, feature = "reading"))]
mod tests {
    use super::plain;

    #[test]
    fn a_path_is_said_plainly_and_whole_where_it_climbs_out_of_the_work_folder() {
        let said = |path: &str| plain(path, Some("/home/agent/app"), &["real".into(), "real/d".into()]);
        for (path, expected) in [
            ("x", "x"),
            ("./d//e/./f", "d/e/f"),
            ("/etc//x", "/etc/x"),
            ("../x", "/home/agent/x"),
            ("../app/x", "x"),
            ("../../../../x", "/x"),
            ("../../other/x", "/home/other/x"),
            ("d/../x", "d/../x"),
            ("*", "*"),
            ("real/d/../../../x", "/home/agent/x"),
            ("real/link/../x", "real/link/../x"),
        ] {
            assert_eq!(said(path), expected, "{path}");
        }
        assert_eq!(plain("../x", None, &[]), "../x");
    }
}
