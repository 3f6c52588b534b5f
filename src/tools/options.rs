//! One scanner for every tool's options, driven by tables.
//!
//! A tool gives a [`Grammar`]: its options and how its own parser treats them (getopt_long(3), Go's pflag, git's
//! parse-options, curl's getparameter). The scan keeps the order of the line, because order is meaning (`--next`, last
//! one wins), and says where each word stood, because a delivery may have to replace it. It never guesses: what the
//! tool's parser would not take is a [`Problem`].

use crate::model::Bytes;

/// One option of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opt {
    /// Without dashes; `""` where there is only a letter.
    pub long: &'static str,
    pub short: Option<char>,
    pub takes: Takes,
    /// `--no-long` takes it back, where the tool's parser knows such words.
    pub negates: bool,
}

/// Whether a value follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// Attached, or the next word, whatever that looks like.
    Value,
    /// Only attached: `--color=always`, `-U3`; the next word is never taken.
    Attached,
}

/// How a tool's parser reads a line.
#[derive(Debug, Clone, Copy)]
pub struct Grammar<'a> {
    pub options: &'a [Opt],
    /// A unique beginning of a long option stands for it.
    pub abbreviate: bool,
    /// `--long=value` gives a value. Where it does not (curl), the whole word is the name.
    pub equals: bool,
    /// `-n=value` gives `value`, not `=value` (pflag).
    pub short_equals: bool,
    /// `--flag=false` is taken by an option without value (pflag).
    pub switch_values: bool,
    /// `--no-long` negates (git, curl).
    pub negate: bool,
    /// Options may stand after operands. Where not, the first operand ends them.
    pub permute: bool,
    /// A long word that ends the options as `--` does (git's `--end-of-options`).
    pub end_word: Option<&'static [u8]>,
}

impl<'a> Grammar<'a> {
    /// getopt_long(3) as GNU has it: abbreviations, `=`, options anywhere.
    pub const fn getopt_long(options: &'a [Opt]) -> Self {
        Grammar {
            options,
            abbreviate: true,
            equals: true,
            short_equals: false,
            switch_values: false,
            negate: false,
            permute: true,
            end_word: None,
        }
    }
}

/// One word, or part of one, as the tool would take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Option(Given),
    Operand {
        value: Bytes,
        index: usize,
        /// It stood after `--`.
        after_dashes: bool,
    },
    Problem(Problem),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub opt: Opt,
    pub value: Option<Bytes>,
    /// `--no-…`.
    pub negated: bool,
    /// Where the option's word stands among the scanned words.
    pub index: usize,
    /// Where the value stands, when it is a word of its own.
    pub value_index: Option<usize>,
}

/// What the tool's own parser would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// In no table: another version's, or a mistake.
    Unknown { word: Bytes, index: usize },
    /// An abbreviation of several.
    Ambiguous { word: Bytes, index: usize },
    /// It needs a value and the line ends.
    MissingValue { opt: Opt, index: usize },
    /// It takes none and was given one.
    UnwantedValue { opt: Opt, index: usize },
}

/// Reads all words in order.
pub fn scan(grammar: &Grammar<'_>, words: &[Bytes]) -> Vec<Item> {
    let mut scanner = Scanner { grammar, words, next: 0, items: Vec::new() };
    while let Some(word) = scanner.take() {
        let index = scanner.next - 1;
        match word.as_slice() {
            b"--" => {
                scanner.operands_only();
            }
            [b'-', b'-', name @ ..] if grammar.end_word == Some(name) => scanner.operands_only(),
            [b'-', b'-', name @ ..] => scanner.long(name, index),
            [b'-', letters @ ..] if !letters.is_empty() => scanner.letters(letters, index),
            _ => {
                scanner.items.push(Item::Operand { value: word.clone(), index, after_dashes: false });
                if !grammar.permute {
                    while let Some(value) = scanner.take() {
                        let index = scanner.next - 1;
                        scanner.items.push(Item::Operand { value: value.clone(), index, after_dashes: false });
                    }
                }
            }
        }
    }
    scanner.items
}

struct Scanner<'a> {
    grammar: &'a Grammar<'a>,
    words: &'a [Bytes],
    next: usize,
    items: Vec<Item>,
}

impl<'a> Scanner<'a> {
    fn take(&mut self) -> Option<&'a Bytes> {
        let word = self.words.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    fn operands_only(&mut self) {
        while let Some(value) = self.take() {
            self.items.push(Item::Operand { value: value.clone(), index: self.next - 1, after_dashes: true });
        }
    }

    fn long(&mut self, word: &[u8], index: usize) {
        let (name, attached) = match word.iter().position(|b| *b == b'=') {
            Some(at) if self.grammar.equals => (&word[..at], Some(Bytes::from(&word[at + 1..]))),
            _ => (word, None),
        };
        match find(self.grammar, name) {
            Found::One(opt, negated) => self.given(opt, negated, attached, index),
            Found::None => self.problem(Problem::Unknown { word: self.words[index].clone(), index }),
            Found::Several => self.problem(Problem::Ambiguous { word: self.words[index].clone(), index }),
        }
    }

    fn given(&mut self, opt: Opt, negated: bool, attached: Option<Bytes>, index: usize) {
        let takes = if negated { Takes::Nothing } else { opt.takes };
        let (value, value_index) = match (takes, attached) {
            (Takes::Nothing, Some(_)) if !self.grammar.switch_values => {
                return self.problem(Problem::UnwantedValue { opt, index });
            }
            (Takes::Value, None) => match self.take() {
                Some(value) => (Some(value.clone()), Some(self.next - 1)),
                None => return self.problem(Problem::MissingValue { opt, index }),
            },
            (_, attached) => (attached, None),
        };
        self.items.push(Item::Option(Given { opt, value, negated, index, value_index }));
    }

    /// A bundle: letters without value, then perhaps one that takes the rest of the word or the next word.
    fn letters(&mut self, letters: &[u8], index: usize) {
        for (at, letter) in letters.iter().enumerate() {
            let Some(opt) = self.grammar.options.iter().find(|o| o.short == Some(char::from(*letter))).copied() else {
                return self.problem(Problem::Unknown { word: self.words[index].clone(), index });
            };
            let rest = &letters[at + 1..];
            // Alone it is a value, or a letter that there is not (pflag's parseSingleShortArg).
            let has_equals = self.grammar.short_equals && rest.first() == Some(&b'=') && rest.len() > 1;
            let attached = match opt.takes {
                Takes::Nothing if has_equals => Some(&rest[1..]),
                Takes::Nothing => None,
                Takes::Value | Takes::Attached if rest.is_empty() => None,
                Takes::Value | Takes::Attached => Some(if has_equals { &rest[1..] } else { rest }),
            };
            let ends = opt.takes != Takes::Nothing || has_equals;
            self.given(opt, false, attached.map(Bytes::from), index);
            if ends {
                return;
            }
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.items.push(Item::Problem(problem));
    }
}

enum Found {
    One(Opt, bool),
    Several,
    None,
}

/// Exact names first, then their negations, then, where the tool has them, unique beginnings of either.
fn find(grammar: &Grammar<'_>, name: &[u8]) -> Found {
    let options = || grammar.options.iter().filter(|o| !o.long.is_empty());
    if let Some(opt) = options().find(|o| o.long.as_bytes() == name) {
        return Found::One(*opt, false);
    }
    let positive = name.strip_prefix(b"no-").filter(|_| grammar.negate);
    if let Some(opt) = positive.and_then(|n| options().find(|o| o.negates && o.long.as_bytes() == n)) {
        return Found::One(*opt, true);
    }
    // git: an option whose own name says no (`no-verify`) is taken back by the name without it.
    let says_no = |o: &&Opt| o.long.strip_prefix("no-").is_some_and(|n| n.as_bytes() == name);
    if let Some(opt) = options().find(says_no).filter(|_| grammar.negate) {
        return Found::One(*opt, true);
    }
    if !grammar.abbreviate || name.is_empty() {
        return Found::None;
    }
    if grammar.negate && b"no-".starts_with(name) && options().count() > 1 {
        return Found::Several;
    }
    let taken_back = |o: &&Opt| o.negates && positive.is_some_and(|n| o.long.as_bytes().starts_with(n));
    let mut found = options()
        .filter(|o| o.long.as_bytes().starts_with(name))
        .map(|o| (*o, false))
        .chain(options().filter(taken_back).map(|o| (*o, true)));
    match (found.next(), found.next()) {
        (Some((opt, negated)), None) => Found::One(opt, negated),
        (None, _) => Found::None,
        _ => Found::Several,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn opt(long: &'static str, short: Option<char>, takes: Takes) -> Opt {
        Opt { long, short, takes, negates: true }
    }

    const TABLE: &[Opt] = &[
        opt("force", Some('f'), Takes::Nothing),
        opt("force-with-lease", None, Takes::Attached),
        opt("message", Some('m'), Takes::Value),
        opt("unified", Some('U'), Takes::Attached),
        opt("verbose", Some('v'), Takes::Nothing),
        opt("namespace", Some('n'), Takes::Value),
    ];

    fn read(grammar: &Grammar, line: &str) -> String {
        let words: Vec<Bytes> = line.split(' ').map(Bytes::from).collect();
        let show = |item: Item| match item {
            Item::Option(g) => format!(
                "{}{}{}",
                if g.negated { "!" } else { "" },
                g.opt.long,
                g.value.map(|v| format!("={}", v.text().unwrap())).unwrap_or_default()
            ),
            Item::Operand { value, .. } => format!("<{}>", value.text().unwrap()),
            Item::Problem(Problem::Unknown { .. }) => "unknown".into(),
            Item::Problem(Problem::Ambiguous { .. }) => "ambiguous".into(),
            Item::Problem(Problem::MissingValue { .. }) => "missing".into(),
            Item::Problem(Problem::UnwantedValue { .. }) => "unwanted".into(),
        };
        scan(grammar, &words).into_iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_value_is_a_value_whatever_it_looks_like() {
        let g = Grammar::getopt_long(TABLE);
        assert_eq!(read(&g, "-m --force x"), "message=--force <x>");
        assert_eq!(read(&g, "-vm-f x"), "verbose message=-f <x>");
        assert_eq!(read(&g, "--message=a=b -- -f"), "message=a=b <-f>");
        assert_eq!(read(&g, "-fv -U3 -U 3"), "force verbose unified=3 unified <3>");
        assert_eq!(read(&g, "x -m"), "<x> missing");
        assert_eq!(read(&g, "--force=yes"), "unwanted");
    }

    #[test]
    fn a_beginning_stands_for_an_option_only_where_the_tool_has_it_so_and_only_when_unique() {
        let g = Grammar::getopt_long(TABLE);
        assert_eq!(read(&g, "--mess x --force --forc"), "message=x force ambiguous");
        assert_eq!(read(&g, "--force-w"), "force-with-lease");
        assert_eq!(read(&Grammar { abbreviate: false, ..g }, "--mess x"), "unknown <x>");
        assert_eq!(read(&Grammar { negate: true, ..g }, "--no-verb --no-force"), "!verbose !force");
    }

    #[test]
    fn each_parser_has_its_own_ways() {
        let g = Grammar::getopt_long(TABLE);
        assert_eq!(read(&Grammar { permute: false, ..g }, "-f x -v -- y"), "force <x> <-v> <--> <y>");
        assert_eq!(read(&Grammar { end_word: Some(b"end"), ..g }, "-f --end -v -- y"), "force <-v> <--> <y>");
        assert_eq!(read(&Grammar { equals: false, abbreviate: false, ..g }, "--message=x"), "unknown");
        let pflag = Grammar { abbreviate: false, short_equals: true, switch_values: true, ..g };
        assert_eq!(read(&pflag, "-n=prod --force=false -f=false"), "namespace=prod force=false force=false");
        assert_eq!(read(&g, "-n=prod"), "namespace==prod");
    }
}
