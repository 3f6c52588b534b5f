//! In which lines a number of a person may stand. Most lines have digits, and few of them such a number: so a line's
//! digits are looked at before it is searched for any of them.

use std::sync::LazyLock;

use super::super::super::numbers::date;
use super::super::super::words::Words;
use crate::vectors::Digits;

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

        /// Only where there is nothing to find may a line be passed over.
        #[test]
        fn no_line_is_passed_over_in_which_a_number_is_found(
            line in "[0-9]{6,16}|[-0-9A-Z+ .()/]{7,40}|[a-z=: ]{0,9}[0-9]{7,11}[A-Z]?|[0-9]{8}-?[A-HJ-NP-TV-Z]( [0-9]{9})?",
        ) {
            prop_assert!(!holds(line.as_bytes()) || may_be_in(line.as_bytes()), "{:?}", line);
        }
    }
}
