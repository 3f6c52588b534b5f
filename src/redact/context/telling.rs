//! Which lines are worth a reader's look. A reader of this context needs a word to begin with, and the words of all of
//! them are searched at once; a line without any of them, as nearly all are, costs the search and no more.

use super::super::words::Hit;

/// What the words of a line may be of, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tells(u16);

impl Tells {
    /// A name that says something about its value ([`super::names`]).
    pub const NAME: Tells = Tells(1);
    /// A key of an object of Kubernetes.
    pub const OBJECT: Tells = Tells(1 << 1);
    /// The value of a name that stands elsewhere.
    pub const VALUE: Tells = Tells(1 << 2);
    /// SQL that writes rows.
    pub const STATEMENT: Tells = Tells(1 << 3);
    /// A parameter of an address that is often signed.
    pub const PARAMETER: Tells = Tells(1 << 4);
    /// A program that takes a password as an argument.
    pub const PROGRAM: Tells = Tells(1 << 5);
    /// What a line says in its own grammar ([`super::phrases`]).
    pub const PHRASE: Tells = Tells(1 << 6);
    /// A command or a sentence whose secret is in the next line.
    pub const ASKING: Tells = Tells(1 << 7);
    /// A column about people.
    pub const PERSON: Tells = Tells(1 << 8);
    /// A table in HTML.
    pub const TABLE: Tells = Tells(1 << 9);

    pub const NONE: Tells = Tells(0);
    #[cfg(test)]
    pub const ALL: Tells = Tells(u16::MAX);

    pub const fn or(self, other: Tells) -> Tells {
        Tells(self.0 | other.0)
    }

    pub fn any(self, of: Tells) -> bool {
        self.0 & of.0 != 0
    }
}

/// How a word must stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edges {
    Any,
    /// Its letters are not those of a longer word; only a plural may follow.
    Word,
    /// Another word may be written before it: `rolpassword`.
    End,
}

const NAME: Tells = Tells::NAME;
const ASKED: Tells = Tells::ASKING;
const SAID: Tells = Tells::PHRASE;

/// Lower case; in the text, either case.
const WORDS: &[(&str, Edges, Tells)] = &[
    // What names end with: the last words of the tables of `names`, and what may be written together.
    ("password", Edges::End, NAME),
    ("passwd", Edges::End, NAME),
    ("passphrase", Edges::End, NAME),
    ("passwort", Edges::Word, NAME),
    ("passcode", Edges::Word, NAME),
    ("pass", Edges::End, NAME),
    ("pwd", Edges::Word, NAME),
    ("pw", Edges::Word, NAME),
    ("psk", Edges::Word, NAME),
    ("cvv", Edges::Word, NAME.or(SAID)),
    ("cvc", Edges::Word, NAME.or(SAID)),
    ("authentication", Edges::Word, NAME),
    ("secret", Edges::Word, NAME),
    ("token", Edges::End, NAME),
    ("key", Edges::End, NAME),
    ("webhook", Edges::Word, NAME),
    ("credential", Edges::Word, NAME),
    ("auth", Edges::End, NAME),
    ("authorization", Edges::Word, NAME),
    ("jwt", Edges::Word, NAME),
    ("bearer", Edges::Word, NAME),
    ("cookie", Edges::Word, NAME),
    ("session", Edges::Word, NAME),
    ("sessionid", Edges::Word, NAME),
    ("signature", Edges::Word, NAME),
    ("otp", Edges::End, NAME),
    ("salt", Edges::Word, NAME),
    ("pepper", Edges::Word, NAME),
    ("hmac", Edges::Word, NAME),
    ("connection", Edges::Word, NAME),
    ("pat", Edges::Word, NAME),
    // Where a name stands apart from its value, and what an object of Kubernetes is known by.
    ("value", Edges::Any, Tells::VALUE),
    ("setting", Edges::Any, Tells::VALUE),
    ("val", Edges::Word, Tells::VALUE),
    ("kind", Edges::Word, Tells::OBJECT),
    ("data", Edges::Word, Tells::OBJECT),
    ("stringdata", Edges::Word, Tells::OBJECT),
    ("apiversion", Edges::Word, Tells::OBJECT),
    ("insert into", Edges::Any, Tells::STATEMENT),
    ("replace into", Edges::Any, Tells::STATEMENT),
    ("sig=", Edges::Any, Tells::PARAMETER),
    ("code=", Edges::Any, Tells::PARAMETER),
    ("sid=", Edges::Any, Tells::PARAMETER),
    ("ticket=", Edges::Any, Tells::PARAMETER),
    ("hash=", Edges::Any, Tells::PARAMETER),
    ("key=", Edges::Any, Tells::PARAMETER),
    ("auth=", Edges::Any, Tells::PARAMETER),
    ("jwt=", Edges::Any, Tells::PARAMETER),
    ("_token=", Edges::Any, Tells::PARAMETER),
    ("?s=", Edges::Any, Tells::PARAMETER),
    ("&s=", Edges::Any, Tells::PARAMETER),
    ("mysql", Edges::Any, Tells::PROGRAM),
    ("mariadb", Edges::Any, Tells::PROGRAM),
    ("mongo", Edges::Any, Tells::PROGRAM),
    ("sshpass", Edges::Any, Tells::PROGRAM),
    ("redis-cli", Edges::Any, Tells::PROGRAM),
    ("curl", Edges::Any, Tells::PROGRAM),
    ("wget", Edges::Any, Tells::PROGRAM),
    ("http -", Edges::Any, Tells::PROGRAM),
    ("https -", Edges::Any, Tells::PROGRAM),
    ("--body", Edges::Any, Tells::PROGRAM),
    ("openssl", Edges::Any, Tells::PROGRAM),
    ("login", Edges::Any, Tells::PROGRAM.or(SAID)),
    ("smbclient", Edges::Any, Tells::PROGRAM),
    ("ldap", Edges::Any, Tells::PROGRAM),
    ("sqlcmd", Edges::Any, Tells::PROGRAM),
    ("bcp ", Edges::Any, Tells::PROGRAM),
    ("zip ", Edges::Any, Tells::PROGRAM),
    ("7z ", Edges::Any, Tells::PROGRAM),
    ("htpasswd", Edges::Any, Tells::PROGRAM),
    ("lftp", Edges::Any, Tells::PROGRAM),
    ("ipmitool", Edges::Any, Tells::PROGRAM),
    ("mosquitto_", Edges::Any, Tells::PROGRAM),
    ("cqlsh", Edges::Any, Tells::PROGRAM),
    ("rdesktop", Edges::Any, Tells::PROGRAM),
    // Options that are written together: `-deststorepass`.
    ("storepass", Edges::Any, Tells::PROGRAM),
    ("keypass", Edges::Any, Tells::PROGRAM),
    // Phrases, and what announces a secret in the next line.
    ("password", Edges::Any, SAID.or(ASKED)),
    ("passwd", Edges::Any, SAID.or(ASKED)),
    ("passphrase", Edges::Any, SAID.or(ASKED)),
    ("secret", Edges::Any, SAID.or(ASKED)),
    ("token", Edges::Any, SAID.or(ASKED)),
    ("credential", Edges::Any, SAID.or(ASKED)),
    ("auth(", Edges::Any, SAID),
    ("auth (", Edges::Any, SAID),
    ("auth=(", Edges::Any, SAID),
    ("auth= (", Edges::Any, SAID),
    ("authenticate", Edges::Any, SAID),
    ("_pw", Edges::Any, SAID),
    ("pw is", Edges::Any, SAID),
    ("pwd is", Edges::Any, SAID),
    ("_pass", Edges::Any, SAID),
    ("\\set", Edges::Any, SAID),
    ("hawk ", Edges::Any, SAID),
    ("mnemonic", Edges::Any, SAID),
    ("seed", Edges::Word, SAID),
    ("recovery", Edges::Any, SAID),
    ("pin", Edges::Word, SAID),
    ("pin_code", Edges::Any, SAID),
    ("pincode", Edges::Any, SAID),
    ("otp", Edges::Word, SAID),
    ("otpcode", Edges::Any, SAID),
    ("verification code", Edges::Any, SAID),
    ("one-time", Edges::Any, SAID),
    ("identified", Edges::Any, SAID),
    ("apikey", Edges::Any, SAID.or(ASKED)),
    ("api key", Edges::Any, SAID.or(ASKED)),
    ("api-key", Edges::Any, SAID.or(ASKED)),
    ("api_key", Edges::Any, SAID),
    ("access key", Edges::Any, SAID),
    ("access-key", Edges::Any, ASKED),
    ("access_key", Edges::Any, SAID),
    ("recovery ", Edges::Any, SAID.or(ASKED)),
    ("backup code", Edges::Any, ASKED),
    ("unseal", Edges::Any, SAID),
    ("rabbitmqctl", Edges::Any, SAID),
    ("net use", Edges::Any, SAID),
    ("sqlplus", Edges::Any, SAID),
    ("snmp-server comm", Edges::Any, SAID),
    ("rocommunity", Edges::Any, SAID),
    ("rwcommunity", Edges::Any, SAID),
    ("wifi:", Edges::Any, SAID),
    ("_auth", Edges::Any, SAID),
    ("auth ", Edges::Any, SAID),
    ("masterauth", Edges::Any, SAID),
    ("requirepass", Edges::Any, SAID),
    ("authorization", Edges::Any, SAID),
    ("digest", Edges::Any, SAID),
    ("pass ", Edges::Any, SAID.or(ASKED)),
    ("securestring", Edges::Any, SAID),
    ("jdbc:oracle", Edges::Any, SAID),
    ("::add-mask::", Edges::Any, SAID),
    ("\ttrue\t", Edges::Any, SAID),
    ("\tfalse\t", Edges::Any, SAID),
    ("$1$", Edges::Any, SAID),
    ("$2", Edges::Any, SAID),
    ("$5$", Edges::Any, SAID),
    ("$6$", Edges::Any, SAID),
    ("$7$", Edges::Any, SAID),
    ("$8$", Edges::Any, SAID),
    ("$9$", Edges::Any, SAID),
    ("$y$", Edges::Any, SAID),
    ("$gy$", Edges::Any, SAID),
    ("$p$", Edges::Any, SAID),
    ("$h$", Edges::Any, SAID),
    ("$s$", Edges::Any, SAID),
    ("$apr1$", Edges::Any, SAID),
    ("argon2", Edges::Any, SAID),
    ("scrypt$", Edges::Any, SAID),
    ("pbkdf2", Edges::Any, SAID),
    ("bcrypt", Edges::Any, SAID),
    ("scram-", Edges::Any, SAID),
    ("{ssha", Edges::Any, SAID),
    ("{sha", Edges::Any, SAID),
    ("{md5", Edges::Any, SAID),
    ("{smd5", Edges::Any, SAID),
    ("{crypt", Edges::Any, SAID),
    ("md5", Edges::Any, SAID),
    ("openssl rand", Edges::Any, ASKED),
    ("pwgen", Edges::Any, ASKED),
    ("jsonpath", Edges::Any, ASKED),
    ("base64 -", Edges::Any, ASKED),
    ("wg genkey", Edges::Any, ASKED),
    ("genpsk", Edges::Any, ASKED),
    (" keys ", Edges::Any, ASKED),
    ("echo $", Edges::Any, ASKED),
    ("echo \"$", Edges::Any, ASKED),
    ("printenv ", Edges::Any, ASKED),
    ("config:get ", Edges::Any, ASKED),
    ("<auth-user-pass>", Edges::Any, ASKED),
    (".key", Edges::Any, ASKED),
    ("ugfzc3dvcmq6", Edges::Any, ASKED),
    ("phone", Edges::Any, Tells::PERSON),
    ("mobile", Edges::Any, Tells::PERSON),
    ("mail", Edges::Any, Tells::PERSON),
    ("ssn", Edges::Word, Tells::PERSON),
    ("iban", Edges::Word, Tells::PERSON),
    ("passport", Edges::Any, Tells::PERSON),
    ("msisdn", Edges::Any, Tells::PERSON),
    ("telefon", Edges::Any, Tells::PERSON),
    ("tax_", Edges::Any, Tells::PERSON),
    ("national_", Edges::Any, Tells::PERSON),
    ("personnummer", Edges::Any, Tells::PERSON),
    ("pesel", Edges::Word, Tells::PERSON),
    ("nino", Edges::Word, Tells::PERSON),
    ("cpf", Edges::Word, Tells::PERSON),
    ("dni", Edges::Word, Tells::PERSON),
    ("aadhaar", Edges::Any, Tells::PERSON),
    ("social_security", Edges::Any, Tells::PERSON),
    ("cvv", Edges::Word, Tells::PERSON),
    ("cvc", Edges::Word, Tells::PERSON),
    ("<table", Edges::Any, Tells::TABLE),
];

/// The words, each with its place in the table.
pub fn words() -> impl Iterator<Item = (&'static str, u16)> + Clone {
    WORDS.iter().zip(0..).map(|((word, ..), index)| (*word, index))
}

/// Where lines end, and what the words in each of them are of.
#[derive(Default)]
pub struct Lines {
    lines: Vec<(usize, Tells)>,
}

impl Lines {
    /// The end of each line, its newline included, and what it tells by the words that stand in it, which are in order.
    pub fn of(&mut self, text: &[u8], words: &[Hit]) -> impl Iterator<Item = (usize, Tells)> {
        let Lines { lines } = self;
        lines.clear();
        lines.extend(memchr::memchr_iter(b'\n', text).map(|at| (at + 1, Tells::NONE)));
        if lines.last().is_none_or(|(end, _)| *end < text.len()) {
            lines.push((text.len(), Tells::NONE));
        }
        let mut line = 0;
        for Hit { at, owner } in words {
            let (word, edges, tells) = WORDS[usize::from(*owner)];
            while *at >= lines[line].0 {
                line += 1;
            }
            if stands(text, *at, word.len(), edges) {
                lines[line].1 = lines[line].1.or(tells);
            }
        }
        lines.iter().copied()
    }
}

/// Whether a word stands as a name's last one would: neither are its letters a part of a longer word, nor are they
/// divided from what follows. Capitals divide as well (`dbPass`, `DBPass`).
fn stands(text: &[u8], at: usize, length: usize, edges: Edges) -> bool {
    if edges == Edges::Any {
        return true;
    }
    let end = at + length;
    let joined = |a: u8, b: u8| a.is_ascii_lowercase() && b.is_ascii_lowercase() || both_upper(a, b);
    let first = text[at];
    if edges == Edges::Word
        && let Some(before) = at.checked_sub(1).map(|before| text[before])
        && joined(before, first)
        && !(both_upper(before, first) && text.get(at + 1).is_some_and(u8::is_ascii_lowercase))
    {
        return false;
    }
    let last = text[end - 1];
    let plural = usize::from(matches!(text.get(end), Some(b's' | b'S')));
    let follows = |end: usize| {
        text.get(end).is_some_and(|next| {
            joined(last, *next) && !(both_upper(last, *next) && text.get(end + 1).is_some_and(u8::is_ascii_lowercase))
        })
    };
    !follows(end) || plural == 1 && !follows(end + 1)
}

fn both_upper(a: u8, b: u8) -> bool {
    a.is_ascii_uppercase() && b.is_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    use super::super::super::words::Words;
    use super::super::names::{all, says};
    use super::super::phrases;
    use super::*;

    fn lines(text: &[u8]) -> Vec<(usize, Tells)> {
        static SEARCH: LazyLock<Words> = LazyLock::new(|| Words::new(words()));
        let mut hits = Vec::new();
        SEARCH.each(text, |hit| hits.push(hit));
        hits.sort_unstable();
        Lines::default().of(text, &hits).collect()
    }

    fn tells(text: &str) -> Tells {
        lines(text.as_bytes()).into_iter().fold(Tells::NONE, |all, (_, tells)| all.or(tells))
    }

    #[test]
    fn whatever_a_name_may_say_something_by_is_seen_in_each_way_to_write_it() {
        let camel = |name: &str, first: bool| {
            let mut up = first;
            let letter = |c: char| {
                let out = if up { c.to_ascii_uppercase() } else { c };
                up = c == '_';
                (c != '_').then_some(out)
            };
            name.chars().filter_map(letter).collect::<String>()
        };
        for name in all() {
            for name in [name.to_owned(), format!("db_{name}"), format!("{name}_prod"), format!("{name}2")] {
                let forms = [
                    name.clone(),
                    name.to_ascii_uppercase(),
                    name.replace('_', "-"),
                    name.replace('_', "."),
                    name.replace('_', " "),
                    camel(&name, false),
                    camel(&name, true),
                ];
                for form in forms {
                    let seen = tells(&format!("  \"{form}\": x\n")).any(Tells::NAME);
                    assert!(seen || says(form.as_bytes()).is_none(), "{form}");
                    assert!(!form.contains('_') || seen, "{form}");
                }
            }
        }
    }

    #[test]
    fn words_within_other_words_tell_nothing() {
        for text in ["Author: A", "monkeyed", "sessionless", "metadata.labels", "bypassed", "KEYBOARD", "tokenizer"] {
            assert!(!tells(text).any(Tells::NAME.or(Tells::OBJECT)), "{text}");
        }
        for text in ["api_keys:", "dbPass=1", "DBPass", "PGPASSWORD", "rolpassword", "a.token", "\"key\""] {
            assert!(tells(text).any(Tells::NAME), "{text}");
        }
        assert!(tells("\"stringData\": {").any(Tells::OBJECT) && tells("kind: Secret").any(Tells::OBJECT));
    }

    #[test]
    fn each_line_has_its_own() {
        let got = lines(b"a\npassword=1\n\nINSERT INTO t\nkind: x");
        let is = |n: usize, tells: Tells| got[n].1.any(tells);
        assert_eq!(got.iter().map(|(end, _)| *end).collect::<Vec<_>>(), [2, 13, 14, 28, 35]);
        assert!(is(1, Tells::NAME) && is(3, Tells::STATEMENT) && is(4, Tells::OBJECT));
        assert!(!is(0, Tells::ALL) && !is(2, Tells::ALL) && !is(3, Tells::NAME));
    }

    #[test]
    fn whatever_a_phrase_may_match_has_a_word_by_which_it_is_looked_at() {
        let mut runner = TestRunner::deterministic();
        for pattern in phrases::patterns() {
            // What only holds a place has no text.
            let text = pattern.replace("(?:^|", "(?:").replace("|$)", ")").replace(r"\b", "").replace("(?i)^", "(?i)");
            let text = text.strip_prefix('^').unwrap_or(&text);
            let text = if text.ends_with(r"\$") { text } else { text.strip_suffix('$').unwrap_or(text) };
            let texts =
                proptest::string::bytes_regex(&format!("(?-u){text}")).unwrap_or_else(|e| panic!("{text}: {e}"));
            for _ in 0..100 {
                let text = texts.new_tree(&mut runner).unwrap().current();
                let seen = lines(&text).into_iter().any(|(_, tells)| tells.any(Tells::PHRASE));
                assert!(seen || phrases::is_pgpass(&text), "{pattern}: {}", text.escape_ascii());
            }
        }
    }

    /// Words of names in any case, put together in any way.
    fn name() -> impl Strategy<Value = String> {
        let words: Vec<&str> =
            all().flat_map(|name| name.split('_')).chain(["db", "my", "prod", "s", "2", "x"]).collect();
        let word = (proptest::sample::select(words), 0..4).prop_map(|(word, case)| match case {
            0 => word.to_owned(),
            1 => word.to_ascii_uppercase(),
            2 => word[..1].to_ascii_uppercase() + &word[1..],
            _ => word.chars().rev().take(2).collect(),
        });
        let joint = proptest::sample::select(vec!["", "_", "-", ".", " ", "__"]);
        proptest::collection::vec((word, joint), 1..4)
            .prop_map(|parts| parts.into_iter().map(|(word, joint)| word + joint).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_name_that_says_something_is_passed_over(name in name(), before in "[\"{ =]?", after in "[\":= ]?") {
            let text = format!("{before}{name}{after}");
            // As its line's readers take it apart: with its neighbours, or without them.
            for name in [name.as_str(), name.trim_end_matches(['_', '-', '.', ' ']), text.trim_end_matches(['"', ':', '=', ' '])] {
                prop_assert!(says(name.as_bytes()).is_none() || tells(&text).any(Tells::NAME), "{:?} in {:?}", name, text);
            }
        }
    }
}
