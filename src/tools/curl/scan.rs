//! How curl takes words (tool_getparam.c), which is no getopt: a long option takes no `=value`, its name is read in
//! either case, `--no-` is lower case and wants the whole name, and letters of one word share it.

use crate::model::Bytes;
use crate::tools::options::{Given, Item, Opt, Problem, Takes};

use super::options::{ALONE, NEWER, OPTIONS, Release};

/// curl finds a letter by the first entry of its table that begins with it, and entries without a letter begin with one
/// of these: the first of them takes a value, and neither does anything.
const NOTHING: [Opt; 2] = [
    Opt { long: "", short: Some('*'), takes: Takes::Value, negates: true },
    Opt { long: "", short: Some('$'), takes: Takes::Nothing, negates: true },
];

/// Stands before an option whose value curl expands.
pub const EXPAND: Opt = Opt { long: "expand", short: None, takes: Takes::Nothing, negates: true };

/// Scans words as curl does. A negation that curl does not take is [`Problem::UnwantedValue`].
pub fn words(words: &[Bytes], release: Release) -> Vec<Item> {
    let mut scan = Scan { words, release, next: 0, items: Vec::new() };
    let mut options = true;
    while let Some(word) = scan.take() {
        let index = scan.next - 1;
        match word.as_slice() {
            b"--" if options => options = false,
            [b'-', b'-', name @ ..] if options => scan.long(name, index),
            [b'-', letters @ ..] if options => scan.letters(letters, index),
            _ => scan.items.push(Item::Operand { value: word.clone(), index, after_dashes: !options }),
        }
    }
    scan.items
}

/// The option that a config's line names, without its value; `None` where curl only warns.
pub fn named(word: &Bytes, release: Release) -> Vec<Item> {
    words(std::slice::from_ref(word), release)
}

struct Scan<'a> {
    words: &'a [Bytes],
    release: Release,
    next: usize,
    items: Vec<Item>,
}

impl<'a> Scan<'a> {
    fn take(&mut self) -> Option<&'a Bytes> {
        let word = self.words.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    fn long(&mut self, name: &[u8], index: usize) {
        let (name, negated) = match name.strip_prefix(b"no-") {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        // From 8.3 on, variables of the value are filled in; what they hold is not read here.
        let name = match name.strip_prefix(b"expand-").filter(|_| self.release.is_v8() && !negated) {
            Some(rest) => {
                self.given(EXPAND, false, None, index);
                rest
            }
            None => name,
        };
        match find(name, negated, self.release) {
            Ok(opt) if negated && (opt.takes == Takes::Value || ALONE.contains(&opt.long)) => {
                self.items.push(Item::Problem(Problem::UnwantedValue { opt, index }));
            }
            Ok(opt) => self.given(opt, negated, None, index),
            Err(several) => {
                let word = self.words[index].clone();
                self.items.push(Item::Problem(match several {
                    true => Problem::Ambiguous { word, index },
                    false => Problem::Unknown { word, index },
                }));
            }
        }
    }

    fn letters(&mut self, letters: &[u8], index: usize) {
        if letters.is_empty() {
            return self.items.push(Item::Problem(Problem::Unknown { word: self.words[index].clone(), index }));
        }
        for (at, letter) in letters.iter().enumerate() {
            let is = |opt: &&Opt| opt.short == Some(char::from(*letter));
            let Some(opt) = OPTIONS.iter().find(is).or_else(|| NOTHING.iter().find(is)).copied() else {
                return self.items.push(Item::Problem(Problem::Unknown { word: self.words[index].clone(), index }));
            };
            let rest = &letters[at + 1..];
            // Newer releases take what stands behind it for a word of help's, and help only a letter that stands last.
            if opt.long == "help" && !rest.is_empty() && self.release.is_v8() {
                return;
            }
            let takes = opt.takes == Takes::Value;
            self.given(opt, false, (takes && !rest.is_empty()).then(|| Bytes::from(rest)), index);
            // Behind `-:` curl does not look at the letters that are left.
            if takes || opt.long == "next" {
                return;
            }
        }
    }

    fn given(&mut self, opt: Opt, negated: bool, attached: Option<Bytes>, index: usize) {
        let (value, value_index) = match (opt.takes, attached) {
            (Takes::Value, None) => match self.take() {
                Some(value) => (Some(value.clone()), Some(self.next - 1)),
                None => return self.items.push(Item::Problem(Problem::MissingValue { opt, index })),
            },
            (_, attached) => (attached, None),
        };
        self.items.push(Item::Option(Given { opt, value, negated, index, value_index }));
    }
}

/// The option of a name. An error where there is none (false) or several begin so (true).
fn find(name: &[u8], whole: bool, release: Release) -> Result<Opt, bool> {
    if release.is_v8() {
        let newer = NEWER.iter().map(|(opt, _)| opt);
        return OPTIONS.iter().chain(newer).find(|opt| opt.long.as_bytes() == name).copied().ok_or(false);
    }
    if let Some(opt) = OPTIONS.iter().find(|opt| opt.long.as_bytes().eq_ignore_ascii_case(name)) {
        return Ok(*opt);
    }
    let begins = |opt: &&Opt| opt.long.as_bytes().get(..name.len()).is_some_and(|b| b.eq_ignore_ascii_case(name));
    let mut found = OPTIONS.iter().filter(|_| !whole).filter(begins);
    match (found.next(), found.next()) {
        (Some(opt), None) => Ok(*opt),
        (None, _) => Err(false),
        (Some(_), Some(_)) => Err(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, release: Release) -> String {
        let line: Vec<Bytes> = line.split(' ').map(Bytes::from).collect();
        let show = |item: Item| match item {
            Item::Option(g) => {
                let value = g.value.map(|v| format!("={}", v.text().unwrap())).unwrap_or_default();
                format!("{}{}{value}", if g.negated { "!" } else { "" }, g.opt.long)
            }
            Item::Operand { value, .. } => format!("<{}>", value.text().unwrap()),
            Item::Problem(problem) => format!("{problem:?}").split(' ').next().unwrap().to_lowercase(),
        };
        words(&line, release).into_iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_are_taken_as_curl_takes_them() {
        let read = |line| read(line, Release::V7_88);
        assert_eq!(read("--DATA --X -oA h"), "data=--X output=A <h>");
        assert_eq!(read("--request-t /x --head"), "request-target=/x head");
        assert_eq!(read("--re --dat= --data=x"), "ambiguous unknown unknown");
        assert_eq!(read("--no x --no-loc --No-location --no-location"), "noproxy=x unknown unknown !location");
        assert_eq!(read("--no-data --no-http2 x"), "unwantedvalue unwantedvalue <x>");
        assert_eq!(
            read("-sSfLo x -sXPUT -X"),
            "silent show-error fail location output=x silent request=PUT missingvalue"
        );
        assert_eq!(read("- -- -s -- -"), "unknown <-s> <--> <->");
        assert_eq!(read("-* x -$ -5"), "=x  unknown");
    }

    #[test]
    fn newer_releases_want_whole_names_and_have_more_of_them() {
        assert_eq!(read("--head --hea --variable x", Release::V8), "head unknown variable=x");
        assert_eq!(read("--expand-data x --expand-x", Release::V8), "expand data=x expand unknown");
        assert_eq!(read("--variable x", Release::V7_88), "unknown <x>");
        assert_eq!(read("-hd x", Release::V8), "<x>");
        assert_eq!(read("-hd x", Release::V7_88), "help data=x");
    }
}
