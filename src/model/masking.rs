//! What operators add to the masks, and what a mark looks like. Read where policies are, and carried by the terms.
//!
//! Everything here was checked when it was made: a pattern compiles in bounded space, a path and a column parse. So
//! whoever applies it need not say what is wrong with it, and what comes over the wire is checked once more.

use std::collections::BTreeMap;
use std::fmt;

use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use serde::{Deserialize, Serialize};

/// Most bytes that a compiled pattern may take.
const COMPILED: usize = 1 << 20;
/// Most characters of a pattern, a path or a column.
const LONGEST: usize = 1000;
/// Fewest characters of a literal: shorter ones would mask half of any text.
const SHORTEST: usize = 4;
/// Most steps of a path: whoever follows one keeps a bit for each, and one for its end.
const STEPS: usize = 31;

/// Mask sets by name: what policy may ask for, and redaction knows.
pub const MASK_SETS: [&str; 3] = ["secrets", "pii", "addresses"];

/// Rules and styles beside those that ship.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Masking {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<OwnRule>,
    /// By kind, by mask set, or `*` for all; the narrowest counts. Without one, [`Style::Mark`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub styles: BTreeMap<String, Style>,
    /// Pseudonyms are new in each run; without it, a login keeps them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pseudonyms_of_a_run: bool,
}

impl Masking {
    /// The most rules that one command may be given.
    pub const MOST_RULES: usize = 1000;

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.styles.is_empty() && !self.pseudonyms_of_a_run
    }

    /// What of it belongs to these mask sets.
    #[must_use]
    pub fn of_sets(&self, sets: &[String]) -> Masking {
        let rules = self.rules.iter().filter(|rule| sets.contains(&rule.set)).cloned().collect();
        let pseudonyms_of_a_run = self.pseudonyms_of_a_run && !sets.is_empty();
        Masking { rules, styles: self.styles.clone(), pseudonyms_of_a_run }
    }
}

/// One rule of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnRule {
    /// The kind that its marks and counts say: [`OwnRule::is_id`].
    pub id: String,
    /// The mask set that it belongs to.
    pub set: String,
    pub find: Find,
}

impl OwnRule {
    /// 1 to 60 lower-case letters, digits, `-`, `_` and `.`.
    pub fn is_id(text: &str) -> bool {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
        (1..=60).contains(&text.len()) && text.bytes().all(fits)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Find {
    /// This text, in every form that a secret is known in.
    Literal(Literal),
    /// What matches, or the first group of it.
    Pattern(Pattern),
    /// The cells of a column.
    Column(Column),
    /// The values at a place in a JSON document.
    Path(JsonPath),
}

/// How what is found is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// `[masked:email:7f3a]`: the kind and a pseudonym.
    #[default]
    Mark,
    /// `****`
    Fixed,
    /// `****1234`: the last four characters of twelve or more, none of a shorter one.
    LastFour,
    /// `a•••@example.com`, `•••• •••• •••• 1234`: e-mail addresses and card numbers keep their form; others as `Mark`.
    Format,
    /// The whole line is dropped.
    DropLine,
}

impl Style {
    /// The names that policy and command line use, with what they mean.
    pub const NAMES: [(&'static str, Style); 5] = [
        ("mark", Style::Mark),
        ("fixed", Style::Fixed),
        ("last4", Style::LastFour),
        ("format", Style::Format),
        ("drop-line", Style::DropLine),
    ];

    pub fn by_name(name: &str) -> Option<Style> {
        Style::NAMES.iter().find(|(known, _)| *known == name).map(|(_, style)| *style)
    }
}

/// Why a text is no pattern, column, path or literal; `at` is where in it, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Misread {
    pub at: usize,
    pub why: String,
}

impl Misread {
    fn new(at: usize, why: impl Into<String>) -> Misread {
        Misread { at, why: why.into() }
    }
}

/// A text that is masked wherever it stands. Not printed: it may be a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Literal(String);

impl Literal {
    pub fn new(text: &str) -> Result<Literal, Misread> {
        let counted = text.bytes().filter(|b| *b > b' ').count();
        if counted < SHORTEST {
            return Err(Misread::new(0, format!("has fewer than {SHORTEST} characters that are not blanks")));
        }
        Ok(Literal(text.to_owned()))
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Literal(…)")
    }
}

/// A regular expression of bytes, without back-references or look-around, that matches within a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

impl Pattern {
    /// As every search of it must be told: classes are ASCII's, `^` and `$` are a line's.
    pub fn syntax() -> syntax::Config {
        syntax::Config::new().unicode(false).utf8(false).multi_line(true).crlf(true).nest_limit(100)
    }

    /// # Errors
    /// What is wrong in it, and where; also that it would match nothing at all or need too much space.
    pub fn new(text: &str) -> Result<Pattern, Misread> {
        if text.len() > LONGEST {
            return Err(Misread::new(0, format!("is longer than {LONGEST} characters")));
        }
        let parsed = syntax::parse_with(text, &Pattern::syntax()).map_err(|error| told(&error.to_string()))?;
        if parsed.properties().minimum_len().is_none_or(|least| least == 0) {
            return Err(Misread::new(0, "matches the empty text, or nothing"));
        }
        let small = thompson::Config::new().utf8(false).nfa_size_limit(Some(COMPILED));
        let built = thompson::Compiler::new().configure(small).build_from_hir(&parsed);
        built.map_err(|_| Misread::new(0, format!("needs more than {COMPILED} bytes when compiled")))?;
        Ok(Pattern(text.to_owned()))
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

/// The parser's own words: the pattern, a caret below the place, and `error: …`.
fn told(error: &str) -> Misread {
    let at = error.lines().find(|line| line.trim().starts_with('^')).and_then(|line| line.find('^'));
    let why = error.lines().find_map(|line| line.trim().strip_prefix("error: ")).unwrap_or("is no pattern");
    Misread::new(at.unwrap_or(4).saturating_sub(4), why)
}

/// `schema.table.column`; `None` stands for any. Lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Column {
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: String,
}

impl Column {
    pub fn new(text: &str) -> Result<Column, Misread> {
        let misread = || Misread::new(0, format!("{text:?} is not table.column or schema.table.column"));
        if text.len() > LONGEST {
            return Err(misread());
        }
        let parts: Vec<&str> = text.split('.').map(str::trim).collect();
        let any = |part: &str| (part != "*").then(|| part.to_lowercase());
        let (schema, table, column) = match parts.as_slice() {
            [table, column] => (None, any(table), *column),
            [schema, table, column] => (any(schema), any(table), *column),
            _ => return Err(misread()),
        };
        if parts.iter().any(|part| part.is_empty()) || column == "*" {
            return Err(misread());
        }
        Ok(Column { schema, table, column: column.to_lowercase() })
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        write!(f, "{}.{}", self.table.as_deref().unwrap_or("*"), self.column)
    }
}

/// A place in a JSON document: `$.customers[*].name`, `$..ssn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JsonPath {
    text: String,
    steps: Vec<Step>,
}

/// One step of a path (RFC 9535, the part of it that needs no filter and no slice).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `.name`, `['name']`
    Name(String),
    /// `[3]`
    Index(usize),
    /// `.*`, `[*]`
    Any,
    /// `..`: any number of steps before the next one.
    Deep,
}

impl JsonPath {
    pub fn new(text: &str) -> Result<JsonPath, Misread> {
        if text.len() > LONGEST {
            return Err(Misread::new(0, format!("is longer than {LONGEST} characters")));
        }
        let wrong = |at: usize| Misread::new(at, "is no path such as $.customers[*].name or $..ssn");
        let mut rest = text.strip_prefix('$').ok_or_else(|| wrong(0))?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            if let Some(behind) = rest.strip_prefix("..") {
                steps.push(Step::Deep);
                if !behind.starts_with('[') {
                    let (step, left) = name(behind).ok_or_else(|| wrong(at))?;
                    steps.push(step);
                    rest = left;
                    continue;
                }
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix('.') {
                let (step, left) = name(behind).ok_or_else(|| wrong(at))?;
                steps.push(step);
                rest = left;
                continue;
            }
            let inner = rest.strip_prefix('[').ok_or_else(|| wrong(at))?;
            let (step, left) = bracket(inner).ok_or_else(|| wrong(at))?;
            steps.push(step);
            rest = left;
        }
        if steps.is_empty() || steps.len() > STEPS {
            return Err(Misread::new(0, format!("has no step, or more than {STEPS}")));
        }
        Ok(JsonPath { text: text.to_owned(), steps })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

fn name(text: &str) -> Option<(Step, &str)> {
    if let Some(rest) = text.strip_prefix('*') {
        return Some((Step::Any, rest));
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    (end > 0).then(|| (Step::Name(text[..end].to_owned()), &text[end..]))
}

fn bracket(text: &str) -> Option<(Step, &str)> {
    for quote in ['\'', '"'] {
        if let Some(rest) = text.strip_prefix(quote) {
            let (name, rest) = rest.split_once(quote)?;
            return Some((Step::Name(name.to_owned()), rest.strip_prefix(']')?));
        }
    }
    let (inner, rest) = text.split_once(']')?;
    let step = if inner == "*" { Step::Any } else { Step::Index(inner.parse().ok()?) };
    Some((step, rest))
}

macro_rules! as_text {
    ($($kind:ident => $text:expr),*) => {$(
        impl TryFrom<String> for $kind {
            type Error = Misread;
            fn try_from(text: String) -> Result<Self, Misread> {
                $kind::new(&text)
            }
        }
        impl From<$kind> for String {
            fn from(value: $kind) -> String {
                let text: fn($kind) -> String = $text;
                text(value)
            }
        }
    )*};
}
as_text!(Literal => |it| it.0, Pattern => |it| it.0, Column => |it| it.to_string(), JsonPath => |it| it.text);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_is_none_or_too_large_says_where_and_why() {
        let misread = |text: &str| Pattern::new(text).unwrap_err();
        assert_eq!(misread("ab(c"), Misread::new(2, "unclosed group"));
        assert!(misread(r"(a)\1").why.contains("backreferences"));
        assert!(misread("a*").why.contains("empty"));
        assert!(misread("(?:[a-z]{500}){500}").why.contains("bytes"));
        assert!(Pattern::new(r"\bE-([0-9]{6})\b").is_ok());
        assert!(serde_json::from_str::<Pattern>(r#""a(""#).is_err());
    }

    #[test]
    fn paths_and_columns_read_back() {
        for text in ["$.a", "$..ssn", "$.a[*].b['c d'][3].*", "$..[0]"] {
            assert_eq!(serde_json::to_string(&JsonPath::new(text).unwrap()).unwrap(), format!("{text:?}"));
        }
        for text in ["a", "$", "$.", "$.a[", "$a", "$.a[x]"] {
            assert!(JsonPath::new(text).is_err(), "{text}");
        }
        assert_eq!(Column::new("HR.*.SSN").unwrap().to_string(), "hr.*.ssn");
        assert!(Column::new("email").is_err() && Column::new("a.*").is_err() && Literal::new("a b").is_err());
    }
}
