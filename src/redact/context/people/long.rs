//! In which lines a number of a person may stand. Most lines have digits, and few of them such a number: so a line's
//! digits are looked at before it is searched for any of them.

use std::sync::LazyLock;

use super::super::super::numbers::date;
use super::super::super::words::Words;
use crate::vectors::{self, BLOCK, Digits};

/// The fewest digits that any of the numbers has.
const DIGITS: usize = 7;

/// Parts of the names without which a number that is nothing but digits is none, but for the one of [`NIR`].
const NAMES: [&str; 38] = [
    "aadha",
    "cel",
    "movil",
    "m\u{f3}vil",
    "mob",
    "ph",
    "gsm",
    "portable",
    "kom",
    "contact",
    "whatsapp",
    "puhelin",
    "bsn",
    "burgerserv",
    "cpf",
    "fax",
    "handy",
    "idnr",
    "insz",
    "msisdn",
    "nhs",
    "pesel",
    "personn",
    "niss",
    "tlf",
    "rijksreg",
    "rrn",
    "sofinum",
    "social",
    "steuer",
    "t\u{e9}l",
    "tel",
    "\u{96fb}\u{8a71}",
    "\u{7535}\u{8bdd}",
    "sin",
    "ssn",
    "tax",
    "uid",
];

/// INSEE's number has a form of its own, and no letters in most cases.
const NIR: usize = 15;

/// Bytes from the beginning of the longest name to its number: what stands between is at most 20.
const NEAR: usize = 64;

static NAMED: LazyLock<Words> = LazyLock::new(|| Words::new(NAMES.into_iter().map(|name| (name, 0))));

/// Whether a line has a number that is as long as any of these, and is of a form that some of them have or stands behind
/// a name: digits with at most two signs between, and capital letters in some. A date and a time of ISO 8601 is none, and
/// most lines of logs begin with it.
pub fn may_be_in(line: &[u8]) -> bool {
    let mut runs = Digits::of(line);
    let (mut digits, mut began, mut behind) = (0, 0, 0);
    while let Some((start, end)) = runs.next() {
        if digits == 0 || !joined(&line[behind..start]) {
            let length = date(&line[start..]);
            if length > 0 {
                digits = 0;
                runs.skip_to(start + length);
                continue;
            }
            (digits, began) = (0, start);
        }
        (digits, behind) = (digits + end - start, end);
        if digits >= DIGITS {
            if !solid(line, began) || named(&line[..began]) {
                return true;
            }
            digits = 0;
        }
    }
    false
}

/// What stands in a part of a text, as bits.
#[derive(Clone, Copy, Default)]
struct Part {
    digits: u64,
    hyphens: u64,
    /// What may stand in one of these numbers.
    signs: u64,
}

impl Part {
    #[inline]
    fn at(text: &[u8], at: usize) -> Part {
        let block = vectors::block(text.get(at..).unwrap_or_default());
        Part {
            digits: vectors::among(&block, [(b'0', b'9')]),
            hyphens: vectors::among(&block, [(b'-', b'-')]),
            signs: vectors::among(&block, [(b' ', b' '), (b'(', b')'), (b'-', b'9'), (b'A', b'Z')]),
        }
    }

    /// Where a date may begin that is no part of a number: behind nothing that may stand in one, or one sign that does.
    fn days(self, next: Part, before: Part) -> u64 {
        let both = |of: fn(Part) -> u64| u128::from(of(self)) | u128::from(of(next)) << BLOCK;
        let (digits, hyphens) = (both(|part| part.digits), both(|part| part.hyphens));
        let two = digits & digits >> 1;
        // `0000-00-00`
        let days = (two & two >> 2 & hyphens >> 4 & two >> 5 & hyphens >> 7 & two >> 8) as u64;
        let behind = |of: fn(Part) -> u64, n: usize| of(self) << n | of(before) >> (BLOCK - n);
        let (one, other) = (behind(|part| part.signs, 1), behind(|part| part.signs, 2));
        days & (!one | !(behind(|part| part.digits, 1) | other))
    }

    /// The same without what these bits stand for.
    fn without(self, bits: u64) -> Part {
        Part { digits: self.digits & !bits, signs: self.signs & !bits, ..self }
    }
}

/// So many of the first bits.
fn first(bits: u32) -> u64 {
    1_u64.checked_shl(bits).map_or(u64::MAX, |bit| bit - 1)
}

/// Calls `found` with a place in each run of signs that may be of one of these numbers and has digits enough; dates are
/// left out. So a line in which [`may_be_in`] finds any has such a place, and few others do.
pub fn runs(text: &[u8], mut found: impl FnMut(usize)) {
    let (mut before, mut part, mut digits, mut until) = (Part::default(), Part::at(text, 0), 0, 0_usize);
    for at in (0..text.len()).step_by(BLOCK) {
        let next = Part::at(text, at + BLOCK);
        let mut dates = first(until.saturating_sub(at) as u32);
        let mut days = part.days(next, before);
        while days != 0 {
            let day = days.trailing_zeros();
            days &= days - 1;
            let start = at + day as usize;
            if start >= until {
                until = start + date(&text[start..]);
                dates |= first((until - start) as u32) << day;
            }
        }
        let Part { digits: ours, signs, .. } = part.without(dates);
        let enough = |bits: u64, more: usize| bits.count_ones() as usize + more >= DIGITS;
        if signs == u64::MAX {
            digits += ours.count_ones() as usize;
        } else {
            let (head, last) = (signs.trailing_ones(), u64::BITS - 1 - signs.leading_ones());
            if enough(ours & first(head), digits) {
                found(at + head as usize - 1);
            }
            let inner = signs & first(last) & !first(head);
            let two = inner & inner >> 1;
            let mut long = two & two >> 2 & two >> (DIGITS - 2) & inner >> 4;
            while long != 0 {
                let start = long.trailing_zeros();
                let run = first((inner >> start).trailing_ones()) << start;
                if enough(ours & run, 0) {
                    found(at + start as usize);
                }
                long &= !run;
            }
            digits = (ours >> last).count_ones() as usize;
        }
        (before, part) = (part, next);
    }
    if digits >= DIGITS {
        found(text.len() - 1);
    }
}

/// Whether what stands between digits may be of one number: capital letters, and at most two signs in a row.
fn joined(between: &[u8]) -> bool {
    let mut apart = 0;
    between.iter().all(|b| {
        apart = if b.is_ascii_uppercase() { 0 } else { apart + 1 };
        apart == 0 || apart <= 2 && matches!(b, b' ' | b'.' | b'(' | b')' | b'/' | b'-')
    })
}

/// Whether a name stands before a number, near enough to be its name.
fn named(before: &[u8]) -> bool {
    if before.is_empty() {
        return false;
    }
    let mut named = false;
    NAMED.each(&before[before.len().saturating_sub(NEAR)..], |_| named = true);
    named
}

/// Whether a number that begins at a place is nothing but digits, and of no form that tells by itself.
fn solid(line: &[u8], began: usize) -> bool {
    let end = line[began..].iter().position(|b| !b.is_ascii_digit()).map_or(line.len(), |n| began + n);
    let before = began.checked_sub(1).map(|before| line[before]);
    let formed = before.is_some_and(|b| b.is_ascii_uppercase() || b == b'+')
        || end - began < DIGITS
        || end - began == NIR
        || goes_on(&line[end..]);
    !formed
}

/// Whether what follows digits may be more of the same number: a capital letter, or digits behind at most two signs.
fn goes_on(after: &[u8]) -> bool {
    let signs = after.iter().take_while(|b| matches!(b, b' ' | b'.' | b'(' | b')' | b'/' | b'-')).count();
    after.get(signs).is_some_and(|next| match &after[..signs] {
        [] | [b'-'] => next.is_ascii_digit() || next.is_ascii_uppercase(),
        signs => signs.len() <= 2 && next.is_ascii_digit(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    use super::super::NUMBERS;
    use super::*;

    fn holds(line: &[u8]) -> bool {
        let mut found = Vec::new();
        super::super::PEOPLE.as_ref().unwrap().line(line, 0, &mut found);
        !found.is_empty()
    }

    #[test]
    fn a_line_is_searched_where_a_number_may_be_in_it() {
        for text in [
            "2025-11-03T10:00:00.123456Z INFO worker-3 GET /orders/7781 in 12 ms",
            "12 34, 56 78",
            "1...2...3...4...5...6...7",
            "00000042 INFO request handled: path=/items/7 in 1762164000123us",
            "20251103",
        ] {
            assert!(!may_be_in(text.as_bytes()), "{text}");
        }
        for text in [
            "2025-11-03 10:00:00 call 0171 2345678",
            "+44 (0)20 79 46",
            "+4420794601",
            "RSSMRA85T10A562S",
            "DE89 3704 0044",
            "BSN=111222333",
            "Phone 2375550161",
            "255081416802538",
            "12345678-Z",
            "20251103 0171 2345678",
        ] {
            assert!(may_be_in(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn whatever_is_found_is_looked_for() {
        let mut runner = TestRunner::deterministic();
        for phrase in NUMBERS {
            // What only holds a place has no text.
            let text =
                phrase.pattern.replace("(?:^|", "(?:").replace("|$)", ")").replace("|[ .]?$)", ")").replace(r"\b", "");
            let texts =
                proptest::string::bytes_regex(&format!("(?-u){text}")).unwrap_or_else(|e| panic!("{text}: {e}"));
            for _ in 0..2000 {
                let text = texts.new_tree(&mut runner).unwrap().current();
                // No country's account numbers have fewer digits, whatever the check digits say.
                let enough = text.iter().filter(|b| b.is_ascii_digit()).count() >= DIGITS;
                assert!(!enough || !holds(&text) || may_be_in(&text), "{}: {}", phrase.pattern, text.escape_ascii());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn each_line_with_a_number_has_a_place_in_one_of_its_runs(
            text in "([0-9]{1,9}|[-A-Z+ .()/]{1,3}|[a-z=: ]{0,70}|\n|[ |A:]{0,2}2025-11-03([T ]10:00:0[0-9.]{0,5})?){0,60}",
        ) {
            let (mut places, mut start) = (Vec::new(), 0);
            runs(text.as_bytes(), |at| places.push(at));
            prop_assert!(places.is_sorted());
            for line in text.split_inclusive('\n') {
                let place = places.iter().any(|at| (start..start + line.len()).contains(at));
                prop_assert!(place || !may_be_in(line.as_bytes()), "{:?} in {:?}", line, text);
                start += line.len();
            }
        }

        /// Only where there is nothing to find may a line be passed over.
        #[test]
        fn no_line_is_passed_over_in_which_a_number_is_found(
            line in "[0-9]{6,16}|[-0-9A-Z+ .()/]{7,40}|[a-z=: ]{0,9}[0-9]{7,11}[A-Z]?|[0-9]{8}-?[A-HJ-NP-TV-Z]( [0-9]{9})?",
        ) {
            prop_assert!(!holds(line.as_bytes()) || may_be_in(line.as_bytes()), "{:?}", line);
        }
    }
}
