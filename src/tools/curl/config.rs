//! Config files (curl(1), `--config`), and which one curl reads without being told.

use crate::model::Bytes;
use crate::tools::World;
use crate::tools::options::{Item, Problem};

use super::options;

/// One line that gives an option.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// What the line says, as the words of a command line would.
    pub items: Vec<Item>,
    /// Where the line stands in the text: `start..end`, without its newline.
    pub start: usize,
    pub end: usize,
}

/// Reads a config file as curl 7.88 does. A line that curl only warns of gives nothing or a problem.
pub fn lines(text: &[u8]) -> Vec<Line> {
    let mut out = Vec::new();
    let mut start = 0;
    for raw in text.split(|b| *b == b'\n') {
        let end = start + raw.len();
        let line = raw.trim_ascii();
        if !matches!(line.first(), None | Some(b'#' | b'/' | b'*' | 0)) {
            out.push(Line { items: items(line), start, end });
        }
        start = end + 1;
    }
    out
}

fn items(line: &[u8]) -> Vec<Item> {
    let dashed = line.starts_with(b"-");
    let divides = |b: &u8| b.is_ascii_whitespace() || *b == 0x0b || (!dashed && matches!(b, b'=' | b':'));
    let name = line.iter().position(divides).unwrap_or(line.len());
    let rest = &line[name..];
    let rest = &rest[rest.iter().position(|b| !divides(b)).unwrap_or(rest.len())..];
    let value = value(rest);
    let word = if dashed { Bytes::from(&line[..name]) } else { Bytes([b"--", &line[..name]].concat()) };
    // Only an option that wants a value is given the rest: another one ignores it, with a warning.
    let alone = options::words(std::slice::from_ref(&word));
    let wants = matches!(alone.last(), Some(Item::Problem(Problem::MissingValue { .. })));
    match value {
        Some(value) if wants => options::words(&[word, value]),
        _ => alone,
    }
}

/// A parameter: quoted with backslash escapes, or up to the next blank.
fn value(rest: &[u8]) -> Option<Bytes> {
    let Some(quoted) = rest.strip_prefix(b"\"") else {
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        return (end > 0).then(|| Bytes::from(&rest[..end]));
    };
    let mut out = Vec::new();
    let mut bytes = quoted.iter();
    while let Some(b) = bytes.next().filter(|b| **b != b'"') {
        out.push(match b {
            b'\\' => match bytes.next() {
                Some(b't') => b'\t',
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b'v') => 0x0b,
                Some(other) => *other,
                None => break,
            },
            b => *b,
        });
    }
    (!out.is_empty()).then_some(Bytes(out))
}

/// The config file that curl reads first unless `-q` leads the line: the first of these that is there. curl would also
/// look into the home folder that the user database names; it never does under the gate, which hands over what was read.
pub fn implicit(world: &dyn World) -> Option<Vec<u8>> {
    let folder = |name: &str| world.variable(name).filter(|folder| !folder.is_empty());
    let (curl_home, config_home, home) = (folder("CURL_HOME"), folder("XDG_CONFIG_HOME"), folder("HOME"));
    let plain = home.clone().filter(|_| curl_home.is_none() && config_home.is_none());
    let dotted = [curl_home, config_home, home].into_iter().flatten().map(|folder| [&folder[..], b"/.curlrc"].concat());
    dotted.chain(plain.map(|home| [&home[..], b"/.config/curlrc"].concat())).find(|path| world.is_file(path))
}

/// Whether the line's first word keeps curl from reading one.
pub fn disabled(args: &[Bytes]) -> bool {
    args.first().is_some_and(|first| first.starts_with(b"-q") || first.as_slice() == b"--disable")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let show = |item: &Item| match item {
            Item::Option(g) => format!("{}={:?}", g.opt.long, g.value),
            Item::Operand { value, .. } => format!("<{value:?}>"),
            Item::Problem(problem) => format!("{problem:?}").split(' ').next().unwrap().to_owned(),
        };
        lines(text.as_bytes()).iter().flat_map(|line| line.items.iter().map(show)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_config_is_read_as_curl_reads_it() {
        assert_eq!(read("url = http://h/ # c"), r#"url=Some("http://h/")"#);
        assert_eq!(read("  request DELETE\r"), r#"request=Some("DELETE")"#);
        assert_eq!(read("header: \"A: \\\"b\\\"\" x"), r#"header=Some("A: \"b\"")"#);
        assert_eq!(read("-X PUT"), r#"request=Some("PUT")"#);
        assert_eq!(read("-sXPUT"), "silent=None\nrequest=Some(\"PUT\")");
        assert_eq!(read("-X: PUT"), r#"request=Some(":")"#);
        assert_eq!(read("silent yes\n# c\n// c\n\n"), "silent=None");
        assert_eq!(read("--request=PUT"), "Unknown");
        assert_eq!(read("data"), "MissingValue");
        assert_eq!(read("data = \"\""), "MissingValue");
    }
}
