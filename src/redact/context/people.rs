//! Numbers of people: of telephones, accounts, and those that states give, each with its check digits. A number without
//! check digits or with one that a tenth of all numbers have counts only in its own form or behind its own name.

mod long;
mod phones;

use std::sync::LazyLock;

use super::super::rules::Set;
use super::super::scan::Span;
use super::phrases::{Phrase, Phrases, always, phrase};
use phones::{british, in_pairs, international, labelled};

const NUMBERS: &[Phrase] = &[
    // ITU-T E.164
    phrase("phone", r"(?:^|[^0-9A-Za-z+.])(\+[1-9](?:[ .()/-]{0,2}[0-9]){7,14})", international),
    // Ofcom's national numbering plan: 01, 02, 03, 07, 08.
    phrase(
        "phone",
        r"(?:^|[^0-9A-Za-z+.:/-])(0(?:1[0-9]{2,3}|2[0348][0-9]?|3[0347][0-9]|7[0-9]{3}|80[08]|84[345]|87[0-3])[ -][0-9]{3,4}(?:[ -]?[0-9]{3,4})?)(?:[^0-9A-Za-z:/-]|$)",
        british,
    ),
    // Arcep's: ten digits in pairs.
    phrase(
        "phone",
        r"(?:^|[^0-9A-Za-z+.:/ -]|(?:[^0-9A-Fa-f]|[A-Za-z]{3}) )(0[1-9](?:[ .][0-9]{2}){4})(?:[^0-9A-Za-z:/-]|$)",
        in_pairs,
    ),
    // NANPA's with dots; the other forms are rules of the table.
    phrase("phone", r"(?:^|[^0-9A-Za-z+.:/-])([2-9][0-9]{2}\.[2-9][0-9]{2}\.[0-9]{4})(?:[^0-9A-Za-z.:/-]|$)", always),
    // National plans with a form of their own: Japan and Korea, Australia, Brazil, Turkey, Switzerland and Sweden, the
    // Netherlands, Israel, Russia.
    phrase(
        "phone",
        r"(?:^|[^0-9A-Za-z+.:/-])(0(?:[1-9]0-[0-9]{4}|[36]-[0-9]{4})-[0-9]{4}|04[0-9]{2} [0-9]{3} [0-9]{3}|\(0[2378]\) [0-9]{4} [0-9]{4}|0[1-9][0-9]{1,2}[ -][0-9]{3} [0-9]{2} [0-9]{2}|06-[0-9]{8}|05[0-9]-[0-9]{7}|8[ -]?\([3-9][0-9]{2}\) ?[0-9]{3}-[0-9]{2}-[0-9]{2})(?:[^0-9A-Za-z:/-]|$)",
        always,
    ),
    phrase("phone", r"(?:^|[^0-9A-Za-z+)])(\([1-9][0-9]\) ?9?[1-9][0-9]{3}-[0-9]{4})(?:[^0-9A-Za-z:/-]|$)", always),
    // Any plan, where the name tells; names that are words of other things need a sign.
    phrase(
        "phone",
        r#"(?i)(?:^|[^a-z])(?:tel|telephone|phone|phone[_ ]?(?:number|no)|mobile|telefon|mobil|fax|msisdn|handy|t\xc3\xa9l|telefone|tel(?:e|\xc3\xa9)fono|celular|m(?:o|\xc3\xb3)vil|whatsapp|telefonnummer|mobilnummer|puhelin|tlf|\xe9\x9b\xbb\xe8\xa9\xb1|\xe7\x94\xb5\xe8\xaf\x9d)(?:;[A-Za-z=,;]{1,40})?[\x22']?\.?[ \t]*(?:[:=]|\xef\xbc\x9a)?[ \t]*[\x22']?(\(?0?[1-9](?:[ .()/-]{0,2}[0-9]){6,13})"#,
        labelled,
    ),
    phrase(
        "phone",
        r#"(?i)(?:^|[^a-z])(?:cell(?:phone)?|cel|mob|ph|gsm|portable|kom|contact(?:[ _]n(?:umber|o))?)[\x22']?\.?[:=][ \t]*[\x22']?(\(?0?[1-9](?:[ .()/-]{0,2}[0-9]){6,13})"#,
        labelled,
    ),
    // ISO 13616
    phrase("iban", r"\b([A-Z]{2}[0-9]{2}(?:[ ]?[0-9A-Z]{1,4}){3,8})\b", iban),
    // NHS Data Dictionary, "NHS number": modulus 11.
    phrase("national-number", r"(?i)\bnhs\b[^0-9\r\n]{0,20}([0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4})", nhs),
    // Ministerstwo Cyfryzacji: PESEL's eleventh digit checks.
    phrase("national-number", r"(?i)\bpesel\b[^0-9\r\n]{0,20}([0-9]{11})", pesel),
    // Skatteverket, SKV 704: six or eight digits of a birthday, four more, Luhn's digit.
    phrase(
        "national-number",
        r"(?i)\b(?:personnummer|personnr)\b[^0-9\r\n]{0,20}((?:19|20)?[0-9]{6}-?[0-9]{4})",
        personnummer,
    ),
    // Rijksdienst voor Identiteitsgegevens, "elfproef".
    phrase(
        "national-number",
        r"(?i)\b(?:bsn|burgerservicenummer|sofinummer)\b[^0-9\r\n]{0,20}([0-9]{4}[ .]?[0-9]{2}[ .]?[0-9]{3})",
        bsn,
    ),
    // INSEE: sex, year, month, department, commune, order, and 97 less the rest.
    phrase(
        "national-number",
        r"(?:^|[^0-9A-Za-z.-])([12][ ]?[0-9]{2}[ ]?(?:0[1-9]|1[0-2]|[2-9][0-9])[ ]?(?:[0-9]{2}|2[AB])[ ]?[0-9]{3}[ ]?[0-9]{3}[ ]?[0-9]{2})(?:[^0-9A-Za-z.-]|$)",
        nir,
    ),
    // Bundeszentralamt fuer Steuern: ISO 7064, MOD 11,10.
    phrase(
        "national-number",
        r"(?i)\b(?:steuer-?id(?:entifikationsnummer|nr)?\.?|idnr\.?|tax[_ ]?id)\b[^0-9\r\n]{0,20}([1-9][0-9][ ]?[0-9]{3}[ ]?[0-9]{3}[ ]?[0-9]{3})",
        steuer_id,
    ),
    // Ministerio del Interior: the letter is the number modulo 23; a foreigner's begins with X, Y, Z.
    phrase("national-number", r"(?:^|[^0-9A-Za-z])([0-9XYZ][0-9]{7}-?[A-HJ-NP-TV-Z])(?:[^0-9A-Za-z]|$)", dni),
    // Decreto ministeriale 23 dicembre 1976: sixteen signs, the last one checks.
    phrase(
        "national-number",
        r"(?:^|[^0-9A-Za-z])([A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z])(?:[^0-9A-Za-z]|$)",
        codice_fiscale,
    ),
    // Rijksregister: 97 less the nine digits modulo 97, with a 2 before them from the year 2000 on.
    phrase(
        "national-number",
        r"(?:^|[^0-9A-Za-z])([0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2})(?:[^0-9A-Za-z]|$)",
        rijksregister,
    ),
    phrase(
        "national-number",
        r"(?i)\b(?:rijksregister(?:nummer)?|niss|insz|rrn)\b[^0-9\r\n]{0,20}([0-9]{11})",
        rijksregister,
    ),
    // Receita Federal: two digits modulo 11.
    phrase("national-number", r"(?:^|[^0-9A-Za-z])([0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2})(?:[^0-9A-Za-z]|$)", cpf),
    phrase("national-number", r"(?i)\bcpf\b[^0-9\r\n]{0,20}([0-9]{11})", cpf),
    // UIDAI: Verhoeff's digit; it begins with none of 0 and 1.
    phrase(
        "national-number",
        r"(?:^|[^0-9A-Za-z+. -]|[^0-9] )([2-9][0-9]{3} [0-9]{4} [0-9]{4})(?:[^0-9A-Za-z .-]|[ .][^0-9]|[ .]?$)",
        aadhaar,
    ),
    phrase(
        "national-number",
        r"(?i)\b(?:aadhaar|aadhar|uid(?:ai)?)\b[^0-9\r\n]{0,20}([2-9][0-9]{3}-?[0-9]{4}-?[0-9]{4})",
        aadhaar,
    ),
    // Service Canada: Luhn's digit.
    phrase(
        "national-number",
        r"(?i)\b(?:sin|social insurance(?: number)?)\b[^0-9\r\n]{0,20}([1-79][0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{3})",
        sin,
    ),
    // Social Security Administration, without hyphens only by name.
    phrase(
        "social-security-number",
        r#"(?i)\b(?:ssn|social[_ ]security(?:[_ ](?:number|no))?)\b[^0-9\r\n]{0,12}([0-8][0-9]{2}[ -]?[0-9]{2}[ -]?[0-9]{4})"#,
        ssn,
    ),
];

/// RFC 791 in dotted decimals, and RFC 4291's text forms.
const ADDRESSES: &[Phrase] = &[
    phrase(
        "ip-address",
        r"(?:^|[^0-9A-Za-z.-])((?:[0-9]{1,3}\.){3}[0-9]{1,3})(?:[^0-9A-Za-z.-]|[.-][^0-9]|\.?$)",
        ipv4,
    ),
    phrase("ip-address", r"(?:^|[^0-9A-Za-z:.])([0-9A-Fa-f:]{2,39}(?:(?:\.[0-9]{1,3}){3})?)(?:[^0-9A-Za-z:]|$)", ipv6),
];

static PEOPLE: LazyLock<Option<Phrases>> = LazyLock::new(|| Phrases::new(&[NUMBERS]));
static INTERNET: LazyLock<Option<Phrases>> = LazyLock::new(|| Phrases::new(&[ADDRESSES]));

/// The kinds that are told here, each with its set.
pub fn kinds() -> impl Iterator<Item = (&'static str, Set)> {
    let of = |table: &'static [Phrase], set| table.iter().map(move |phrase| (phrase.kind, set));
    of(NUMBERS, Set::Pii).chain(of(ADDRESSES, Set::Addresses))
}

pub use long::runs;

/// A line that has one of these [`runs`], where personal data is masked.
pub fn line(line: &[u8], at: usize, found: &mut Vec<Span>) {
    if long::may_be_in(line)
        && let Some(phrases) = &*PEOPLE
    {
        phrases.line(line, at, found);
    }
}

/// Any line, where addresses are masked.
pub fn addresses(line: &[u8], at: usize, found: &mut Vec<Span>) {
    if let Some(phrases) = &*INTERNET {
        phrases.line(line, at, found);
    }
}

fn digits(found: &[u8]) -> Vec<u32> {
    found.iter().filter(|b| b.is_ascii_digit()).map(|b| u32::from(b - b'0')).collect()
}

fn ends(after: &[u8]) -> bool {
    let more = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'/' | b'_');
    // A sentence may go on behind a colon, and no time or port does.
    let colon = after.starts_with(b": ");
    (colon || !after.first().is_some_and(more))
        && !matches!(after, [b'.' | b'-' | b' ', next, ..] if next.is_ascii_digit())
}

/// The number, its first four signs moved to the end, is 1 modulo 97.
fn iban(found: &[u8], _: &[u8]) -> bool {
    let signs: Vec<u8> = found.iter().copied().filter(|b| *b != b' ').collect();
    if !(15..=34).contains(&signs.len()) {
        return false;
    }
    let value = |b: &u8| u32::from(if b.is_ascii_digit() { b - b'0' } else { b - b'A' + 10 });
    let rest = signs[4..].iter().chain(&signs[..4]).fold(0, |rest, b| {
        let n = value(b);
        (rest * if n > 9 { 100 } else { 10 } + n) % 97
    });
    rest == 1
}

fn weighed(digits: &[u32], weights: impl IntoIterator<Item = u32>) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

fn nhs(found: &[u8], after: &[u8]) -> bool {
    let d = digits(found);
    ends(after) && (11 - weighed(&d[..9], (2..=10).rev()) % 11) % 11 == d[9]
}

fn pesel(found: &[u8], after: &[u8]) -> bool {
    let d = digits(found);
    ends(after) && (weighed(&d[..10], [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) + d[10]).is_multiple_of(10)
}

fn personnummer(found: &[u8], after: &[u8]) -> bool {
    let d = digits(found);
    let sum: u32 =
        d[d.len() - 10..].iter().enumerate().map(|(n, d)| if n % 2 == 1 { *d } else { d * 2 / 10 + d * 2 % 10 }).sum();
    ends(after) && sum.is_multiple_of(10)
}

fn bsn(found: &[u8], after: &[u8]) -> bool {
    let d = digits(found);
    ends(after) && (weighed(&d[..8], (2..=9).rev()) + 10 * 11 - d[8]).is_multiple_of(11)
}

fn nir(found: &[u8], after: &[u8]) -> bool {
    // Corsica's departments count as 19 and 18.
    let text: String = found.iter().filter(|b| **b != b' ').map(|b| char::from(*b)).collect();
    let text = text.replace("2A", "19").replace("2B", "18");
    let (Ok(body), Ok(key)) = (text[..13].parse::<u64>(), text[13..].parse::<u64>()) else { return false };
    ends(after) && 97 - body % 97 == key
}

fn steuer_id(found: &[u8], after: &[u8]) -> bool {
    let d = digits(found);
    let product = d[..10].iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        2 * if sum == 0 { 10 } else { sum } % 11
    });
    // One digit stands twice or three times among the first ten.
    let twice = (0..10).filter(|n| d[..10].iter().filter(|d| *d == n).count() > 1).count();
    ends(after) && twice == 1 && (11 - product) % 10 == d[10]
}

fn dni(found: &[u8], _: &[u8]) -> bool {
    let (first, rest) = match found[0] {
        b @ b'X'..=b'Z' => (u32::from(b - b'X'), &found[1..8]),
        b => (u32::from(b - b'0'), &found[1..8]),
    };
    let number = digits(rest).iter().fold(first, |n, digit| n * 10 + digit);
    found.last() == Some(&b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize])
}

fn codice_fiscale(found: &[u8], _: &[u8]) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let sum: u32 = found[..15]
        .iter()
        .enumerate()
        .map(|(n, b)| {
            let value = usize::from(if b.is_ascii_digit() { b - b'0' } else { b - b'A' });
            if n % 2 == 0 { ODD[value] } else { u32::try_from(value).unwrap_or_default() }
        })
        .sum();
    u32::from(found[15] - b'A') == sum % 26
}

fn rijksregister(found: &[u8], after: &[u8]) -> bool {
    let d = digits(found);
    let number = |of: &[u32]| of.iter().fold(0_u64, |n, digit| n * 10 + u64::from(*digit));
    let (body, key) = (number(&d[..9]), number(&d[9..]));
    ends(after) && (97 - body % 97 == key || 97 - (2_000_000_000 + body) % 97 == key)
}

fn cpf(found: &[u8], after: &[u8]) -> bool {
    let d = digits(found);
    let check = |n: u32, d: &[u32]| (weighed(d, (2..=n).rev()) * 10 % 11) % 10;
    ends(after) && d.iter().any(|digit| *digit != d[0]) && check(10, &d[..9]) == d[9] && check(11, &d[..10]) == d[10]
}

/// Verhoeff, "Error detecting decimal codes" (1969): the dihedral group of ten elements and a permutation.
fn aadhaar(found: &[u8], after: &[u8]) -> bool {
    const PERMUTED: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let product = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - 5 + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let sum = digits(found).iter().rev().enumerate().fold(0, |sum, (place, digit)| {
        let moved = (0..place % 8).fold(*digit, |digit, _| PERMUTED[digit as usize]);
        product(sum, moved)
    });
    ends(after) && sum == 0
}

fn sin(found: &[u8], after: &[u8]) -> bool {
    let sum: u32 =
        digits(found).iter().enumerate().map(|(n, d)| if n % 2 == 0 { *d } else { d * 2 / 10 + d * 2 % 10 }).sum();
    ends(after) && sum.is_multiple_of(10)
}

/// No number has the area 000, 666 or 9xx, the group 00 or the serial 0000.
fn ssn(found: &[u8], after: &[u8]) -> bool {
    let d = digits(found);
    ends(after) && !matches!(d[..3], [0, 0, 0] | [6, 6, 6]) && d[3..5] != [0, 0] && d[5..] != [0, 0, 0, 0]
}

fn ipv4(found: &[u8], _: &[u8]) -> bool {
    std::str::from_utf8(found).is_ok_and(|text| text.parse::<std::net::Ipv4Addr>().is_ok())
}

/// With a digit: `a::b` is a path of Rust more often.
fn ipv6(found: &[u8], _: &[u8]) -> bool {
    found.len() > 3
        && found.iter().any(u8::is_ascii_digit)
        && std::str::from_utf8(found).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(run: fn(&[u8], usize, &mut Vec<Span>), text: &str) -> String {
        let mut found = Vec::new();
        run(text.as_bytes(), 0, &mut found);
        let mut out = text.to_owned();
        for span in crate::redact::scan::merge(found).iter().rev() {
            out.replace_range(span.start..span.end, &format!("<{}>", span.kind));
        }
        out
    }

    #[test]
    fn numbers_of_people_are_told_by_their_plans_and_check_digits() {
        for (text, expected) in [
            ("call +1 237 555 0161 now", "call <phone> now"),
            ("tel:+442079460123", "tel:<phone>"),
            ("+44 (0)20 7946 0123", "<phone>"),
            ("+49 30 901820", "<phone>"),
            ("+351 21 315 5000", "<phone>"),
            ("ring 07700 900123 or 0131 496 0123", "ring <phone> or <phone>"),
            ("01 99 00 12 34", "<phone>"),
            ("\"phone\": \"2375550161\"", "\"phone\": \"<phone>\""),
            ("Telefon: 030 23125 000", "Telefon: <phone>"),
            ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN <iban>."),
            ("NHS number: 943 476 5919", "NHS number: <national-number>"),
            ("PESEL: 44051401359", "PESEL: <national-number>"),
            ("personnummer 811228-9874", "personnummer <national-number>"),
            ("TEL;TYPE=cell:020 7946 0111", "TEL;TYPE=cell:<phone>"),
            ("BSN 111222333", "BSN <national-number>"),
            ("NIR 2 55 08 14 168 025 38", "NIR <national-number>"),
            ("Steuer-ID: 86095742719", "Steuer-ID: <national-number>"),
            ("DNI 12345678Z, NIE X1234567L", "DNI <national-number>, NIE <national-number>"),
            ("CF RSSMRA85T10A562S", "CF <national-number>"),
            ("RRN 85.07.30-033.28", "RRN <national-number>"),
            ("CPF 529.982.247-25", "CPF <national-number>"),
            ("Aadhaar: 2341 2341 2346", "Aadhaar: <national-number>"),
            ("SIN 130 692 544", "SIN <national-number>"),
            ("\"ssn\": \"219099999\"", "\"ssn\": \"<social-security-number>\""),
        ] {
            assert_eq!(marked(line, text), expected, "{text}");
        }
    }

    #[test]
    fn other_numbers_stay() {
        for text in [
            "+10000-01-01 +1234567890 +1441497364 +44 2345678",
            "0399 0308 0300 and 0123 456 789",
            "2025-11-03 10:00:00 1762164000 1762164000123",
            "DE89 3704 0044 0532 0130 01",
            "NHS number: 943 476 5918",
            "BSN 111222334",
            "PESEL: 44051401358",
            "personnummer 811228-9873",
            "NIR 2 55 08 14 168 025 39",
            "Steuer-ID: 86095742718",
            "DNI 12345678A, NIE X1234567A",
            "CF RSSMRA85T10A562T",
            "RRN 85.07.30-033.29",
            "CPF 529.982.247-26 and 111.111.111-11",
            "2341 2341 2347",
            "SIN 130 692 545",
            "ssn: 000123456 and 666123456",
            "9434765919 111222333 529982247 order 130692544",
            "phone order no. 20251103",
            "10.20.30.40 v1.22.333.4444",
        ] {
            assert_eq!(marked(line, text), text);
        }
    }

    #[test]
    fn addresses_of_the_internet_are_a_set_of_their_own() {
        for (text, expected) in [
            ("from 10.20.30.40:5432 to 192.168.1.1/24.", "from <ip-address>:5432 to <ip-address>/24."),
            ("[2001:db8::ff00:42:8329]:443 fe80::1 ::ffff:10.0.0.1", "[<ip-address>]:443 <ip-address> <ip-address>"),
        ] {
            assert_eq!(marked(addresses, text), expected);
        }
        for text in ["10:00:00", "v1.2.3.4567 1.2.3", "std::vector ::new a::b", "00:1a:2b:3c:4d:5e", "256.1.1.1"] {
            assert_eq!(marked(addresses, text), text);
        }
    }
}
