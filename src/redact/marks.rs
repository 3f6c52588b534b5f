//! What stands in place of a secret: a mark that says its kind and a pseudonym, or another form that policy chose.
//!
//! A pseudonym is HMAC-SHA-256 (RFC 2104) of the value, cut to sixteen bits: the same value has the same one under the
//! same key, so rows can still be joined, and nothing leads back. The key is a login's, made from one that the server
//! keeps, or where operators want it drawn for each run. What masks runs as the agent's user, so it is no secret to an
//! agent, which may try all telephone numbers against the marks that it was shown, as it may print a guess and compare;
//! other logins' marks are under other keys. [`Style::Fixed`] is for values where that is too much.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::model::{Masking, Style};

use super::rules::{PRIVATE_KEY, RULES, Set};
use super::{context, known};

/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;

const EMAIL: &str = "email";
const CARD: &str = "credit-card";

/// What is put for a value of which nothing may show.
const STARS: &str = "****";

/// Fewest characters of which four are shown.
const SHOWS_FOUR: usize = 12;

/// The key of pseudonyms, as the two beginnings of RFC 2104's hashes.
#[derive(Clone)]
pub struct MarkKey {
    inner: Sha256,
    outer: Sha256,
}

impl MarkKey {
    /// A key of any length.
    pub fn new(key: &[u8]) -> MarkKey {
        let mut block = zeroize::Zeroizing::new([0; BLOCK]);
        if key.len() > BLOCK {
            block[..32].copy_from_slice(&Sha256::digest(key));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let begun = |pad: u8| {
            let padded = zeroize::Zeroizing::new(block.map(|b| b ^ pad));
            Sha256::new().chain_update(&padded[..])
        };
        MarkKey { inner: begun(0x36), outer: begun(0x5c) }
    }

    /// A key that nobody has; `None` where the system gives no randomness.
    pub fn random() -> Option<MarkKey> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        getrandom::fill(&mut key[..]).ok()?;
        Some(MarkKey::new(&key[..]))
    }

    fn hmac(&self, value: &[u8]) -> [u8; 32] {
        let inner = self.inner.clone().chain_update(value).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }
}

impl fmt::Debug for MarkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MarkKey(…)")
    }
}

#[derive(Debug, Default)]
pub struct Marks {
    styles: BTreeMap<String, Style>,
    /// The mask sets of operators' kinds.
    sets: BTreeMap<String, String>,
    key: Option<MarkKey>,
}

/// What a value is replaced by, and how it sits in its line.
pub struct Mark {
    pub text: String,
    /// Bytes behind the value that it takes too: blanks of the same column.
    pub over: usize,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy)]
pub struct Stand<'a> {
    /// The line up to the value, and behind it.
    pub before: &'a [u8],
    pub after: &'a [u8],
    /// All of the value is there.
    pub whole: bool,
    /// In a table with ruled lines, or on a terminal: what stands to the right must not move.
    pub fixed: bool,
}

impl Marks {
    pub fn new(masking: &Masking) -> Marks {
        let sets = masking.rules.iter().map(|rule| (rule.id.clone(), rule.set.clone())).collect();
        Marks { styles: masking.styles.clone(), sets, key: None }
    }

    pub fn keyed(&mut self, key: MarkKey) {
        self.key = Some(key);
    }

    pub fn drops_lines(&self) -> bool {
        self.styles.values().any(|style| *style == Style::DropLine)
    }

    pub fn style(&self, kind: &str) -> Style {
        if self.styles.is_empty() {
            return Style::Mark;
        }
        let set = self.sets.get(kind).map_or_else(|| set_of(kind), String::as_str);
        [kind, set, "*"].into_iter().find_map(|name| self.styles.get(name)).copied().unwrap_or_default()
    }

    pub fn mark(&self, kind: &str, value: &[u8], stand: Stand<'_>) -> Mark {
        let wanted = match self.style(kind) {
            Style::Mark | Style::DropLine => self.full(kind, value, stand.whole),
            Style::Fixed => STARS.to_owned(),
            Style::LastFour => last_four(value, stand.whole),
            Style::Format => formed(kind, value, stand.whole).unwrap_or_else(|| self.full(kind, value, stand.whole)),
        };
        if bare_in_json(value, stand) {
            return Mark { text: format!("\"{wanted}\""), over: 0 };
        }
        if wanted.starts_with('*') && begins_in_yaml(stand) {
            // An asterisk begins an alias there (YAML 1.2, 7.1).
            return Mark { text: format!("\"{wanted}\""), over: 0 };
        }
        fit(wanted, kind, value, stand)
    }

    fn full(&self, kind: &str, value: &[u8], whole: bool) -> String {
        // Of a key only the first line is seen here, and what was granted is one thing however much of it shows.
        let named = !matches!(kind, PRIVATE_KEY | known::KIND);
        match self.key.as_ref().filter(|_| whole && named) {
            Some(key) => {
                let hash = key.hmac(value);
                format!("[masked:{kind}:{:02x}{:02x}]", hash[0], hash[1])
            }
            None => format!("[masked:{kind}]"),
        }
    }
}

/// Every kind that marks of the shipped sets say, with its set.
fn kinds_and_sets() -> impl Iterator<Item = (&'static str, Set)> {
    RULES.iter().map(|rule| (rule.kind, rule.set)).chain([(known::KIND, Set::Secrets)]).chain(context::kinds())
}

fn set_of(kind: &str) -> &'static str {
    kinds_and_sets().find(|(known, _)| *known == kind).map_or(Set::Secrets, |(_, set)| set).name()
}

/// All kinds that the shipped sets have, for whoever names one.
pub fn kinds() -> BTreeSet<&'static str> {
    kinds_and_sets().map(|(kind, _)| kind).collect()
}

fn last_four(value: &[u8], whole: bool) -> String {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let count = text.chars().count();
    if !whole || count < SHOWS_FOUR {
        return STARS.to_owned();
    }
    // Nothing that could end a string or a cell.
    let shown = text.chars().skip(count - 4).map(|c| if c.is_alphanumeric() { c } else { '*' });
    STARS.chars().chain(shown).collect()
}

/// Whether a mark of this kind may show a part of the value ([`Style::Format`]).
pub fn keeps_form(kind: &str) -> bool {
    matches!(kind, EMAIL | CARD)
}

fn formed(kind: &str, value: &[u8], whole: bool) -> Option<String> {
    const DOT: char = '\u{2022}';
    let text = std::str::from_utf8(value).ok().filter(|_| whole)?;
    match kind {
        EMAIL => {
            let (local, domain) = text.rsplit_once('@')?;
            let first = local.chars().next().filter(|c| local.len() > 1 && c.is_ascii_alphanumeric());
            Some(first.into_iter().chain([DOT; 3]).chain(['@']).chain(domain.chars()).collect())
        }
        CARD => {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            let mut left = digits.checked_sub(4).filter(|left| *left >= 8)?;
            let hidden = |c: char| {
                if !c.is_ascii_digit() || left == 0 {
                    return c;
                }
                left -= 1;
                DOT
            };
            Some(text.chars().map(hidden).collect())
        }
        _ => None,
    }
}

/// A number (or `true`, `false`) of a JSON document: what replaces it must be a string.
fn bare_in_json(value: &[u8], stand: Stand<'_>) -> bool {
    let number = value.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'));
    if !number && !matches!(value, b"true" | b"false") {
        return false;
    }
    let after = stand.after.trim_ascii_start();
    if !matches!(after.first(), None | Some(b',' | b'}' | b']')) {
        return false;
    }
    let before = stand.before.trim_ascii_end();
    match before.last() {
        Some(b':') => before[..before.len() - 1].trim_ascii_end().ends_with(b"\""),
        Some(b'[') => true,
        Some(b',') => before.contains(&b'[') && !after.is_empty(),
        // An element of a list that is printed in lines.
        None => stand.before.len() >= 2 && !stand.fixed,
        _ => false,
    }
}

/// The whole of a plain value behind `key:` or `-`, also in `{…}`.
fn begins_in_yaml(stand: Stand<'_>) -> bool {
    let before = stand.before.trim_ascii_end();
    let begins = before.len() < stand.before.len() && (before.ends_with(b":") || before.trim_ascii() == b"-");
    begins && matches!(stand.after.trim_ascii_start().first(), None | Some(b'#' | b',' | b'}'))
}

/// Where a column ends behind the value, what stands to the right of it stays where it is, as far as there is room.
fn fit(wanted: String, kind: &str, value: &[u8], stand: Stand<'_>) -> Mark {
    let blanks = stand.after.iter().take_while(|b| **b == b' ').count();
    let rest = &stand.after[blanks..];
    // In a line of words and bars (`… | jq`) nothing is lined up.
    let cell = stand.before.trim_ascii().is_empty() || stand.before.contains(&b'|') || !stand.before.is_ascii();
    let divider = cell && (rest.starts_with(b"|") || rest.starts_with("\u{2502}".as_bytes()));
    let sign = cell && (rest.starts_with(b"+|") || rest.starts_with("\u{21B5}".as_bytes()));
    let ends = !rest.is_empty() && (blanks >= 2 || divider || sign && blanks > 0);
    if !(ends || stand.fixed && !rest.is_empty()) {
        return Mark { text: wanted, over: 0 };
    }
    let had = width(value);
    let room = had + blanks.saturating_sub(usize::from(blanks > 0));
    // The column's name says the kind; the pseudonym says which rows belong together.
    let pseudonym = wanted.strip_prefix("[masked:").and_then(|rest| rest.strip_prefix(kind)).unwrap_or("]");
    let short = [wanted.clone(), format!("[masked{pseudonym}"), "[masked]".to_owned()];
    let mut text = match short.into_iter().find(|text| width(text.as_bytes()) <= room) {
        Some(text) => text,
        None if stand.fixed || divider || sign => "*".repeat(room.max(1)),
        None => return Mark { text: wanted, over: 0 },
    };
    let has = width(text.as_bytes());
    if has <= had {
        text.extend(std::iter::repeat_n(' ', had - has));
        return Mark { text, over: 0 };
    }
    Mark { text, over: has - had }
}

/// How many columns of a terminal a text takes.
pub fn width(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    // A byte that is no text is shown as one replacement character.
    text.utf8_chunks()
        .map(|chunk| chunk.valid().chars().map(columns).sum::<usize>() + usize::from(!chunk.invalid().is_empty()))
        .sum()
}

/// The wide blocks of East Asian Width (UAX 11) and combining marks; others take one column.
fn columns(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200d | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f => 2,
        0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_for_a_set_holds_for_every_kind_of_it_wherever_the_kind_is_told() {
        for name in crate::model::MASK_SETS {
            assert_eq!(Set::by_name(name).unwrap().name(), name);
        }
        let styles = [("pii".to_owned(), Style::Fixed), ("addresses".to_owned(), Style::LastFour)].into();
        let marks = Marks::new(&Masking { styles, ..Masking::default() });
        for kind in ["email", "phone", "iban", "national-number", "credit-card"] {
            assert!(kinds().contains(kind) && marks.style(kind) == Style::Fixed, "{kind}");
        }
        assert!(kinds().contains("ip-address") && marks.style("ip-address") == Style::LastFour);
        for kind in ["github-token", "password", "kubernetes-secret", "secret-column", "password-hash"] {
            assert!(kinds().contains(kind) && marks.style(kind) == Style::Mark, "{kind}");
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn the_pseudonym_is_hmac_sha_256() {
        // RFC 4231, test cases 2 and 6.
        let two = MarkKey::new(b"Jefe").hmac(b"what do ya want for nothing?");
        assert_eq!(hex(&two), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let six = MarkKey::new(&[0xaa; 131]).hmac(b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(&six), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn forms_keep_what_they_may_show() {
        assert_eq!(formed("email", b"ada@example.com", true).unwrap(), "a\u{2022}\u{2022}\u{2022}@example.com");
        assert_eq!(formed("email", b"a@example.com", true).unwrap(), "\u{2022}\u{2022}\u{2022}@example.com");
        let card = formed("credit-card", b"4783-8358-8773-9567", true).unwrap();
        assert_eq!(card.replace('\u{2022}', "x"), "xxxx-xxxx-xxxx-9567");
        assert_eq!(last_four(b"sk_live_abcd1234", true), "****1234");
        assert_eq!(last_four(b"hunter2", true), "****");
        assert_eq!(formed("phone", b"+1 555 0100", true), None);
    }

    #[test]
    fn columns_stay_where_they_are() {
        let stand = |after| Stand { before: b" 1 | ", after, whole: true, fixed: false };
        let marks = Marks::default();
        for (value, after) in
            [("hunter22hunter22", "      | x"), ("abc", "  | x"), ("abc", " | x"), ("ab c\u{e9}", "   +| x")]
        {
            let mark = marks.mark("password", value.as_bytes(), stand(after.as_bytes()));
            let moved = format!("{}{}", mark.text, &after[mark.over..]);
            assert_eq!(width(moved.as_bytes()), width(format!("{value}{after}").as_bytes()), "{value}{after}: {moved}");
            assert!(!moved.contains(value));
        }
        assert_eq!(marks.mark("email", b"a@b.cc", stand(b" and more")).text, "[masked:email]");
    }
}
