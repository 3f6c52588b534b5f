use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

use super::*;
use crate::model::Raw;
use crate::redact::{Redactor, Settings};

/// The output when the input comes in these pieces; no mask set.
fn masked(input: &[u8], cuts: &[usize], secrets: &[&[u8]]) -> Vec<u8> {
    let secrets: Vec<Secret> = secrets.iter().map(|s| Secret::new(s.to_vec())).collect();
    let secrets: Vec<&Secret> = secrets.iter().collect();
    let mut redactor = Redactor::new(&Settings { sets: &[], secrets: &secrets }).unwrap();
    let mut out = Vec::new();
    let mut at = 0;
    for cut in cuts.iter().copied().chain([input.len()]) {
        out.extend(redactor.push(Raw(input[at..cut].to_vec())).into_vec());
        at = cut;
    }
    out.extend(redactor.finish().0.into_vec());
    out
}

fn each(bytes: &[u8], one: impl Fn(u8) -> String) -> String {
    bytes.iter().map(|b| one(*b)).collect()
}

fn wrapped(text: &str, width: usize, between: &str) -> String {
    let lines: Vec<&str> = text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(between)
}

/// The forms of a secret of printable ASCII.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let json = serde_json::to_string(secret).unwrap();
    let twice = serde_json::to_string(&json).unwrap();
    let mut forms = vec![
        secret.to_owned(),
        each(bytes, |b| format!("{b:02x}")),
        each(bytes, |b| format!("{b:02X}")),
        each(bytes, |b| format!("%{b:02X}")),
        each(bytes, |b| if unreserved(b) { (b as char).into() } else { format!("%{b:02x}") }),
        each(bytes, |b| match b {
            b' ' => "+".into(),
            b if unreserved(b) => (b as char).into(),
            b => format!("%{b:02X}"),
        }),
        json[1..json.len() - 1].to_owned(),
        twice[3..twice.len() - 3].to_owned(),
        json[1..json.len() - 1].replace('/', "\\/"),
        each(bytes, |b| format!("\\u{b:04x}")),
        each(bytes, |b| if b.is_ascii_alphanumeric() { (b as char).into() } else { format!("\\u{b:04X}") }),
        each(bytes, |b| format!("\\x{b:02x}")),
        each(bytes, |b| format!("\\{b:03o}")),
        each(bytes, |b| if b.is_ascii_alphanumeric() { (b as char).into() } else { format!("\\{}", b as char) }),
        secret.replace('\'', "'\\''"),
        secret.replace('\'', "'\"'\"'"),
        each(bytes, |b| if b == b'=' || b == b' ' { format!("={b:02X}") } else { (b as char).into() }),
        secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        each(bytes, |b| if b.is_ascii_alphanumeric() { (b as char).into() } else { format!("&#{b};") }),
        // As a terminal is told to show it.
        each(bytes, |b| format!("{}\r", b as char)),
        each(bytes, |b| format!("\x1b[1;31m{}\x1b[m", b as char)),
        each(bytes, |b| format!("{}x\x08", b as char)),
        each(bytes, |b| format!("{0}\x08{0}", b as char)),
    ];
    for before in ["", "u", "us"] {
        let joined = format!("{before}{secret}");
        for form in [STANDARD.encode(&joined), URL_SAFE.encode(&joined)] {
            forms.extend([wrapped(&form, 64, "\n"), wrapped(&form, 76, "\r\n"), wrapped(&form, 76, "\n    ")]);
            forms.push(form.trim_end_matches('=').to_owned());
        }
    }
    for width in [3, 7, 20, 80] {
        forms.extend([wrapped(secret, width, "\n"), wrapped(secret, width, "\r\n")]);
        forms.push(wrapped(secret, width, "\n").replace('=', "=3D").replace('\n', "=\n"));
    }
    forms.extend((PREFIX..secret.len()).map(|length| secret[..length].to_owned()));
    forms
}

/// What must not be in the output: any run of so many characters of a form.
const REST: usize = 10;

fn assert_gone(secret: &str, form: &str, out: &[u8]) {
    // The text around has none of these characters' runs.
    let length = REST.min(form.len());
    for run in form.as_bytes().windows(length) {
        if run.iter().all(u8::is_ascii_graphic) {
            assert!(
                memchr::memmem::find(out, run).is_none(),
                "{secret:?} as {form:?}: {:?}",
                out.escape_ascii().to_string()
            );
        }
    }
}

#[test]
fn a_secret_is_masked_in_every_form_with_every_split() {
    for secret in ["correct-horse-battery-9", "p%41ss \"w/0rd\"?&~<'$\\n`=+;x", "Zm9vYmFyYmF6cXV4", "a1b2c3d4e5f6g7"] {
        for form in forms(secret) {
            let text = format!("§ ({form}) §\n§\n");
            let whole = masked(text.as_bytes(), &[], &[secret.as_bytes()]);
            assert_gone(secret, &form, &whole);
            assert!(memchr::memmem::find(&whole, b"[masked:granted-secret]").is_some(), "{form}");
            for cut in (0..text.len()).step_by(text.len() / 9) {
                let cut_once = masked(text.as_bytes(), &[cut], &[secret.as_bytes()]);
                assert_eq!(
                    cut_once.escape_ascii().to_string(),
                    whole.escape_ascii().to_string(),
                    "{form:?} cut at {cut}"
                );
            }
        }
    }
}

#[test]
fn a_quote_in_a_shells_quotes_is_undone_without_any_backslash() {
    let secret = "it's-a-long-secret";
    let text = "echo 'it'\"'\"'s-a-long-secret'\n";
    for cut in 0..text.len() {
        let out = masked(text.as_bytes(), &[cut], &[secret.as_bytes()]);
        assert_eq!(String::from_utf8(out).unwrap(), "echo '[masked:granted-secret]'\n", "{cut}");
    }
}

#[test]
fn a_backslash_of_the_secret_itself_is_none_in_a_shells_quotes() {
    for (secret, text) in [("0 \\0AAaAa '!A", "'0 \\0AAaAa '\\''!A'\n"), ("0 \\0AAaAa '!A", "'0 \\0AAaAa '\"'\"'!A'\n")]
    {
        let out = masked(text.as_bytes(), &[], &[secret.as_bytes()]);
        assert_eq!(String::from_utf8(out).unwrap(), "'[masked:granted-secret]'\n");
    }
}

#[test]
fn what_begins_like_a_secret_and_is_none_stays() {
    let secret = b"correct-horse-battery-9";
    for text in ["correct-hor\u{e9}-x", "a correct-\nhand\n", "%63orrect-h%2", "Y29ycmVjdC1o", "\\u0063orrect"] {
        assert_eq!(masked(text.as_bytes(), &[], &[secret]), text.as_bytes());
    }
}

#[test]
fn an_escape_that_the_end_of_a_line_cuts_is_waited_for() {
    let secret = "correct-horse-battery-9";
    for escape in [|b| format!("%{b:02x}"), |b| format!("\\x{b:02x}"), |b| format!("&#{b};")] as [fn(u8) -> String; 3] {
        let form = each(secret.as_bytes(), escape);
        for width in 1..7 {
            let text = format!("§ {}§\n", wrapped(&form, width, "\n"));
            for cut in text.match_indices('\n').map(|(at, _)| at + 1) {
                let out = String::from_utf8(masked(text.as_bytes(), &[cut], &[secret.as_bytes()])).unwrap();
                assert_eq!(out, "§ [masked:granted-secret]§\n", "{form} in lines of {width} cut at {cut}");
            }
        }
    }
}

#[test]
fn a_secret_is_found_behind_another_however_far_and_escaped_however_little() {
    let secret = "correct-horse-battery-9";
    let form = format!("\\x63{}", &secret[1..]);
    for far in 0..700 {
        let text = format!("{form}{}{form}\n", ".".repeat(far));
        let out = String::from_utf8(masked(text.as_bytes(), &[], &[secret.as_bytes()])).unwrap();
        assert_eq!(out.matches("[masked:granted-secret]").count(), 2, "{far}: {out}");
    }
}

#[test]
fn a_secret_that_begins_with_what_is_escaped_twice_is_found() {
    for secret in ["\"correct-horse-battery", "\\correct-horse-battery", "\u{e9}correct-horse-battery"] {
        let json = serde_json::to_string(secret).unwrap().replace('\u{e9}', "\\u00e9");
        let twice = serde_json::to_string(&json).unwrap();
        let text = format!("{{\"body\": {twice}}}\n");
        let out = String::from_utf8(masked(text.as_bytes(), &[], &[secret.as_bytes()])).unwrap();
        assert_eq!(out, "{\"body\": \"\\\"[masked:granted-secret]\\\"\"}\n");
    }
    let out = masked(b"x: \\\\u0022correct-horse-battery\n", &[], &[b"\"correct-horse-battery"]);
    assert_eq!(out.escape_ascii().to_string(), "x: [masked:granted-secret]\\n");
}

#[test]
fn one_character_that_is_escaped_hides_nothing_whichever_it_is() {
    let secret = "correct-horse";
    for (escape, _) in ESCAPES {
        for n in 0..secret.len() {
            let form = format!("{}{}{}", &secret[..n], escape(secret.as_bytes()[n]), &secret[n + 1..]);
            let out = masked(format!("an {form} on\n").as_bytes(), &[], &[secret.as_bytes()]);
            assert_eq!(out.escape_ascii().to_string(), "an [masked:granted-secret] on\\n", "{form}");
        }
    }
}

/// How a character is escaped, and what may stand around that is escaped so and is of nothing.
type Escape = (fn(u8) -> String, &'static [&'static str]);

const ESCAPES: [Escape; 7] = [
    (|b| format!("%{b:02X}"), &["%41", "%20", "100%", "x%zz", "a+b "]),
    (|b| format!("\\u{b:04x}"), &["\\n", "\\u0041", "\\\\", "\\q ", "it\\'s"]),
    (|b| format!("\\x{b:02x}"), &["\\t", "\\x41", "C:\\x", "\\"]),
    (|b| format!("\\{b:03o}"), &["\\101", "\\0", "\\\n"]),
    (
        |b| if b.is_ascii_alphanumeric() { char::from(b).into() } else { format!("\\{}", char::from(b)) },
        &["a\\ b", "'"],
    ),
    (|b| format!("={b:02X}"), &["status=200 ", "a=41", "=3D", "key=value"]),
    (|b| format!("&#{b};"), &["&amp;", "a&b", "&#65;", "& "]),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any of its characters may be escaped, and what stands around may be full of the same escapes.
    #[test]
    fn no_secret_passes_that_is_escaped_in_part(
        secret in "[!-~]{12,40}",
        kind in 0..ESCAPES.len(),
        escaped in proptest::collection::vec(any::<bool>(), 40),
        often in 1..8_usize,
        around in proptest::collection::vec(any::<proptest::sample::Index>(), 0..60),
        at in any::<proptest::sample::Index>(),
        cut in any::<proptest::sample::Index>(),
    ) {
        let (escape, noise) = ESCAPES[kind];
        let shown = |(n, b): (usize, u8)| {
            // What begins an escape is always one itself, or it would be read as another's beginning.
            let must = matches!(b, b'%' | b'+' | b'\\' | b'\'' | b'=' | b'&');
            if must || escaped[n] && n % often == 0 { escape(b) } else { char::from(b).into() }
        };
        let form: String = secret.bytes().enumerate().map(shown).collect();
        let mut parts: Vec<&str> = around.iter().map(|index| noise[index.index(noise.len())]).collect();
        // What stands right before must not take the first character with it.
        parts.insert(at.index(parts.len() + 1), "§");
        let text = parts.concat().replace('§', &format!("§{form}§")) + "\n";
        let whole = masked(text.as_bytes(), &[], &[secret.as_bytes()]);
        let parts: Vec<&str> = std::str::from_utf8(&whole).unwrap().split('§').collect();
        prop_assert_eq!(parts[1], "[masked:granted-secret]", "{} in {}", form, text);
        prop_assert_eq!(masked(text.as_bytes(), &[cut.index(text.len())], &[secret.as_bytes()]), whole);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_form_of_any_secret_passes(secret in "[!-~][ -~]{2,60}[!-~]", noise in "[ -~\n]{0,200}", at in any::<proptest::sample::Index>(), cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4)) {
        let forms = forms(&secret);
        let form = &forms[at.index(forms.len())];
        let text = format!("{noise}§{form}§\n{noise}");
        let whole = masked(text.as_bytes(), &[], &[secret.as_bytes()]);
        prop_assert!(!whole.windows(form.len()).any(|run| run == form.as_bytes()), "{:?} {:?}", form, whole.escape_ascii().to_string());
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len())).collect();
        cuts.sort_unstable();
        prop_assert_eq!(masked(text.as_bytes(), &cuts, &[secret.as_bytes()]), whole);
    }
}
