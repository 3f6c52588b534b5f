//! Config files (curl(1), `--config`; tool_parsecfg.c), and which one curl reads without being told.

use crate::model::Bytes;
use crate::tools::World;
use crate::tools::options::{Item, Problem};

use super::options::Release;
use super::scan;

/// curl reads a config no further than a line of this length.
const LONGEST: usize = 100 * 1024;

/// What curl's fgets(3) takes at a time.
const PIECE: usize = 4095;

/// One line that gives an option.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// What the line says, as the words of a command line would.
    pub items: Vec<Item>,
    /// Where the line stands in the text: `start..end`, without its newline.
    pub start: usize,
    pub end: usize,
}

/// Reads a config file as curl does. A line that curl only warns of gives nothing or a problem. False where curl gives
/// up at a line that is too long.
pub fn lines(text: &[u8], release: Release) -> (Vec<Line>, bool) {
    let mut out = Vec::new();
    let (mut line, mut start, mut at) = (Vec::new(), 0, 0);
    while at < text.len() {
        let piece = text[at..].iter().take(PIECE).position(|b| *b == b'\n').map_or(PIECE, |end| end + 1);
        let piece = &text[at..text.len().min(at + piece)];
        at += piece.len();
        // To curl a piece ends at a NUL, its newline too: the next line of the file is then the same line.
        let seen = piece.split(|b| *b == 0).next().unwrap_or_default();
        line.extend_from_slice(seen);
        if line.len() >= LONGEST {
            return (out, false);
        }
        if seen.ends_with(b"\n") || at == text.len() {
            // Newer releases cut the newline off: a quote that is left open does not hold it.
            if release != Release::V7_88 && line.last() == Some(&b'\n') {
                line.pop();
            }
            let end = if seen.ends_with(b"\n") { at - 1 } else { at };
            let words = trimmed(&line);
            if !matches!(words.first(), None | Some(b'#' | b'/' | b'*')) {
                out.push(Line { items: items(words, release), start, end });
            }
            line.clear();
            start = at;
        }
    }
    (out, true)
}

/// isspace(3), which has the vertical tab, too.
fn is_space(b: &u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}

fn trimmed(line: &[u8]) -> &[u8] {
    &line[line.iter().position(|b| !is_space(b)).unwrap_or(line.len())..]
}

fn items(line: &[u8], release: Release) -> Vec<Item> {
    let dashed = line.starts_with(b"-");
    let divides = |b: &u8| is_space(b) || (!dashed && matches!(b, b'=' | b':'));
    let name = line.iter().position(divides).unwrap_or(line.len());
    let rest = &line[name..];
    let rest = &rest[rest.iter().position(|b| !divides(b)).unwrap_or(rest.len())..];
    let word = if dashed { Bytes::from(&line[..name]) } else { Bytes([b"--", &line[..name]].concat()) };
    let alone = scan::named(&word, release);
    // Only an option that wants a value is given the rest: another one ignores it, with a warning.
    match alone.last() {
        Some(Item::Problem(Problem::MissingValue { .. })) => match value(rest) {
            Some(value) => scan::words(&[word, value], release),
            None => alone,
        },
        _ => alone,
    }
}

/// A parameter: quoted with backslash escapes, or up to the next blank. An empty one is one only in quotes.
fn value(rest: &[u8]) -> Option<Bytes> {
    let Some(quoted) = rest.strip_prefix(b"\"") else {
        let end = rest.iter().position(is_space).unwrap_or(rest.len());
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
    Some(Bytes(out))
}

/// The config file that curl reads first unless `-q` leads the line: the first of these that is there. curl would also
/// look into the home folder that the user database names; it never does under the gate, which hands over what was read.
pub fn implicit(world: &dyn World, release: Release) -> Option<Vec<u8>> {
    let folder = |name: &str| world.variable(name).filter(|folder| !folder.is_empty());
    let (curl_home, config_home, home) = (folder("CURL_HOME"), folder("XDG_CONFIG_HOME"), folder("HOME"));
    // A folder .config is looked into only once, and not where XDG_CONFIG_HOME says another.
    let plain = curl_home.clone().or_else(|| home.clone()).filter(|_| config_home.is_none());
    let under = |folder: Option<Bytes>, name: &[u8]| folder.map(|folder| [&folder[..], name].concat());
    let configured: &[u8] = if release.is_v8() { b"/curlrc" } else { b"/.curlrc" };
    let dotted = [under(curl_home, b"/.curlrc"), under(config_home, configured), under(home, b"/.curlrc")];
    dotted
        .into_iter()
        .flatten()
        .chain(plain.map(|folder| [&folder[..], b"/.config/curlrc"].concat()))
        .find(|path| world.is_file(path))
}

/// Whether the line's first word keeps curl from reading one.
pub fn disabled(args: &[Bytes]) -> bool {
    args.first().is_some_and(|first| first.starts_with(b"-q") || first.eq_ignore_ascii_case(b"--disable"))
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
        let (lines, _) = lines(text.as_bytes(), Release::V7_88);
        lines.iter().flat_map(|line| line.items.iter().map(show)).collect::<Vec<_>>().join("\n")
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
        assert_eq!(read("data = \"\""), r#"data=Some("")"#);
        assert_eq!(read("-\n--\n=x\n"), "Unknown");
        assert_eq!(read("da\0 x\nta = y\nurl=z"), "data=Some(\"y\")\nurl=Some(\"z\")");
    }

    #[test]
    fn where_a_line_stands_is_known() {
        let (lines, whole) = lines(b"# c\nurl = a\n  url = b", Release::V7_88);
        assert_eq!(lines.iter().map(|line| (line.start, line.end)).collect::<Vec<_>>(), [(4, 11), (12, 21)]);
        assert!(whole);
        assert!(!super::lines(&vec![b'a'; 200_000], Release::V7_88).1);
    }
}
