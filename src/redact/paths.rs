//! Values at places in JSON documents (RFC 8259), told as the bytes go by: nothing is kept but where in the document
//! they stand. A document begins with a line that begins with `{` or `[`; what is none ends it.

use crate::model::Step;

use super::scan::Span;

/// Deeper than this, all is masked that a path with `..` could reach.
const DEEPEST: usize = 128;
/// Longest key that is compared.
const KEY: usize = 256;

/// A place, and the kind of what stands there.
#[derive(Debug, Clone)]
pub struct Path {
    pub kind: &'static str,
    pub steps: Vec<Step>,
}

/// One stream's document.
#[derive(Default)]
pub struct Reader {
    levels: Vec<Level>,
    /// Levels below [`DEEPEST`].
    deeper: usize,
    state: State,
    /// The key of the value that comes.
    key: Vec<u8>,
    /// The value that is being read is of this kind; and whether some of it was given already.
    value: Option<(&'static str, bool)>,
    /// A byte of this line was seen that is no blank.
    begun: bool,
}

struct Level {
    array: bool,
    index: usize,
    /// For each path, the steps that may come next, as bits.
    next: Vec<u32>,
    /// All below is of this kind.
    inside: Option<&'static str>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In no document.
    #[default]
    Outside,
    /// Before a key, a value, a comma or an end.
    Between,
    Key {
        escaped: bool,
    },
    Text {
        escaped: bool,
    },
    /// A number, `true`, `false`, `null`.
    Word,
}

impl Reader {
    /// Takes the next bytes of the stream, which stand at `at`; adds the values, or what of one is there, to `out`.
    pub fn read(&mut self, paths: &[Path], bytes: &[u8], at: usize, out: &mut Vec<Span>) {
        let mut start = 0;
        for (n, b) in bytes.iter().enumerate() {
            match self.state {
                State::Text { escaped: false } if *b == b'"' => {
                    self.ends(start, n, at, out);
                    self.state = State::Between;
                }
                State::Text { escaped } if *b != b'\n' => self.state = State::Text { escaped: !escaped && *b == b'\\' },
                State::Key { escaped: false } if *b == b'"' => self.state = State::Between,
                State::Key { escaped } if *b != b'\n' => {
                    self.state = State::Key { escaped: !escaped && *b == b'\\' };
                    if self.key.len() < KEY {
                        self.key.push(*b);
                    }
                }
                State::Word if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.') => {}
                State::Text { .. } | State::Key { .. } => {
                    // A line's end is in no text of JSON.
                    self.ends(start, n, at, out);
                    self.state = State::Outside;
                }
                _ => {
                    if self.state == State::Word {
                        self.ends(start, n, at, out);
                        self.state = State::Between;
                    }
                    self.sign(*b, paths);
                    start = if matches!(self.state, State::Text { .. }) { n + 1 } else { n };
                }
            }
            self.begun = *b != b'\n' && (self.begun || !b.is_ascii_whitespace());
        }
        if let (State::Text { .. } | State::Word, Some((kind, given))) = (self.state, self.value)
            && start < bytes.len()
        {
            out.push(Span { start: at + start, end: at + bytes.len(), kind, silent: given });
            self.value = Some((kind, true));
        }
    }

    fn ends(&mut self, start: usize, end: usize, at: usize, out: &mut Vec<Span>) {
        if let Some((kind, given)) = self.value.take()
            && start < end
        {
            out.push(Span { start: at + start, end: at + end, kind, silent: given });
        }
    }

    /// A byte that is of no text and no word.
    fn sign(&mut self, b: u8, paths: &[Path]) {
        match b {
            b'{' | b'[' if self.state == State::Between || !self.begun => {
                if self.state == State::Outside {
                    self.levels.clear();
                    self.deeper = 0;
                }
                self.down(b == b'[', paths);
                self.state = State::Between;
            }
            _ if self.state == State::Outside => {}
            b'}' | b']' => {
                if self.deeper > 0 {
                    self.deeper -= 1;
                } else {
                    self.levels.pop();
                }
                self.state = if self.levels.is_empty() { State::Outside } else { State::Between };
            }
            b',' => {
                self.key.clear();
                if let Some(level) = self.levels.last_mut().filter(|_| self.deeper == 0) {
                    // The next string of an object is a key again.
                    level.index = if level.array { level.index + 1 } else { 0 };
                }
            }
            b':' => {
                if let Some(level) = self.levels.last_mut() {
                    level.index = 1;
                }
            }
            b'"' => {
                let key = self.levels.last().is_some_and(|level| !level.array && level.index == 0 && self.deeper == 0);
                if key {
                    self.key.clear();
                    self.state = State::Key { escaped: false };
                } else {
                    self.value = self.child(paths).1.map(|kind| (kind, false));
                    self.state = State::Text { escaped: false };
                }
            }
            b'-' | b'0'..=b'9' | b't' | b'f' => {
                self.value = self.child(paths).1.map(|kind| (kind, false));
                self.state = State::Word;
            }
            b'n' => self.state = State::Word,
            b if b.is_ascii_whitespace() => {}
            // No JSON after all.
            _ => self.state = State::Outside,
        }
    }

    fn down(&mut self, array: bool, paths: &[Path]) {
        if self.levels.len() >= DEEPEST {
            self.deeper += 1;
            return;
        }
        let (next, inside) = self.child(paths);
        self.levels.push(Level { array, index: 0, next, inside });
        self.key.clear();
    }

    /// Where the value that comes stands: which steps may follow, and its kind where a path ends in it.
    fn child(&self, paths: &[Path]) -> (Vec<u32>, Option<&'static str>) {
        let Some(level) = self.levels.last() else { return (vec![1; paths.len()], None) };
        let reached = |path: &Path, next: u32| {
            let mut reached = 0u32;
            let mut more = next;
            for (n, step) in path.steps.iter().enumerate() {
                if more & (1 << n) == 0 {
                    continue;
                }
                let stays = match step {
                    Step::Deep => {
                        // It may stand for no step as well.
                        more |= 2 << n;
                        reached |= 1 << n;
                        false
                    }
                    Step::Any => true,
                    Step::Name(name) => !level.array && named(&self.key, name),
                    Step::Index(index) => level.array && level.index == *index,
                };
                if stays {
                    reached |= 2 << n;
                }
            }
            reached
        };
        let next: Vec<u32> = paths.iter().zip(&level.next).map(|(path, next)| reached(path, *next)).collect();
        let ended = paths.iter().zip(&next).find(|(path, next)| {
            **next & (1 << path.steps.len()) != 0 || self.deeper > 0 && path.steps.contains(&Step::Deep)
        });
        let kind = level.inside.or(ended.map(|(path, _)| path.kind));
        (next, kind)
    }
}

/// Whether a key as written is this name.
fn named(key: &[u8], name: &str) -> bool {
    if !key.contains(&b'\\') {
        return key == name.as_bytes();
    }
    let written = [b"\"", key, b"\""].concat();
    serde_json::from_slice::<String>(&written).is_ok_and(|key| key == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JsonPath;

    fn found(path: &str, text: &str) -> Vec<String> {
        let paths = [Path { kind: "x", steps: JsonPath::new(path).unwrap().steps().to_vec() }];
        let mut spans = Vec::new();
        Reader::default().read(&paths, text.as_bytes(), 0, &mut spans);
        // In pieces, the same bytes.
        for size in [1, 3] {
            let (mut reader, mut pieces, mut at) = (Reader::default(), Vec::new(), 0);
            for piece in text.as_bytes().chunks(size) {
                reader.read(&paths, piece, at, &mut pieces);
                at += piece.len();
            }
            let masked = |spans: &[Span]| {
                let mut all: Vec<bool> = vec![false; text.len()];
                spans.iter().for_each(|span| all[span.start..span.end].fill(true));
                all
            };
            assert_eq!(masked(&pieces), masked(&spans), "{path} {text}");
            assert_eq!(pieces.iter().filter(|span| !span.silent).count(), spans.len());
        }
        spans.iter().map(|span| text[span.start..span.end].to_owned()).collect()
    }

    #[test]
    fn a_path_reaches_its_values_and_no_others() {
        let text = "{\"a\": {\"n\": \"one\", \"m\": 5}, \"b\": [{\"n\": \"t\\\"wo\"}, {\"m\": true, \"n\": null}], \"n\": 7}\n";
        for (path, values) in [
            ("$.n", &["7"][..]),
            ("$.a.n", &["one"]),
            ("$..n", &["one", "t\\\"wo", "7"]),
            ("$.b[*].n", &["t\\\"wo"]),
            ("$.b[1].*", &["true"]),
            ("$.a", &["one", "5"]),
            ("$.*.m", &["5"]),
            ("$..[0].n", &["t\\\"wo"]),
            ("$.x", &[]),
        ] {
            assert_eq!(found(path, text), values, "{path}");
        }
        let lines = "note {\"n\": 1}\n  {\n  \"n\":\n \"two\"\n }\n{\"n\": \"\\u006e\"}\n[{\"\\u006e\": 3}]\n";
        assert_eq!(found("$.n", lines), ["two", "\\u006e"]);
        assert_eq!(found("$[*].n", lines), ["3"]);
        assert_eq!(found("$..n", "{\"a\" broken \"n\": 1}\n{\"n\": 2}\n"), ["2"]);
    }
}
