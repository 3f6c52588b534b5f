use proptest::prelude::*;

use super::*;
use crate::model::Style;

fn sets(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn both() -> Vec<String> {
    sets(&["secrets", "pii"])
}

fn redactor(secret: Option<&[u8]>) -> Redactor {
    let secret = secret.map(|s| Secret::new(s.to_vec()));
    let secrets: Vec<&Secret> = secret.iter().collect();
    Redactor::new(&Settings { sets: &both(), secrets: &secrets }).unwrap()
}

/// The output when the input comes in these chunks.
fn masked(chunks: &[&[u8]], secret: Option<&[u8]>) -> Vec<u8> {
    let mut redactor = redactor(secret);
    let mut out = Vec::new();
    for chunk in chunks {
        out.extend(redactor.push(Raw(chunk.to_vec())).into_vec());
    }
    out.extend(redactor.finish().0.into_vec());
    out
}

fn text(input: &str) -> String {
    String::from_utf8(masked(&[input.as_bytes()], None)).unwrap()
}

#[test]
fn a_mask_set_that_is_unknown_is_an_error() {
    let settings = Settings { sets: &sets(&["secrets", "finance"]), secrets: &[] };
    assert_eq!(Redactor::new(&settings).err(), Some(UnknownSet("finance".into())));
}

#[test]
fn each_shape_is_masked_and_nothing_around_it() {
    for (input, expected) in [
        ("token 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.", "token [masked:github-token]"),
        ("id = AKIA4NIQCGSRIXTNNWN5\n", "id = [masked:aws-access-key-id]\n"),
        ("mysql://root:mwVGkeMaFKNykR@mysql:3306/app", "mysql://root:[masked:url-password]@mysql:3306/app"),
        (r#"{"user":"bob","password":"kw c\"zf","n":6}"#, r#"{"user":"bob","password":"[masked:password]","n":6}"#),
        (r#"{"log":"{\"password\":\"kwczf1\"}"}"#, r#"{"log":"{\"password\":\"[masked:password]\"}"}"#),
        ("POSTGRES_PASSWORD=iris-falcon38 X=1", "POSTGRES_PASSWORD=[masked:password] X=1"),
        ("> Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n", "> Authorization: Basic [masked:authorization]\r\n"),
        ("mail bob.b@example.com now", "mail [masked:email] now"),
        ("card 4783-8358-8773-9567.", "card 4783-8358-8773-9567."),
        ("SSN 730-10-6333.", "SSN [masked:social-security-number]."),
    ] {
        let got = text(input);
        if expected.contains("masked") {
            assert!(got.starts_with(expected), "{input}\n{got}");
        }
    }
}

#[test]
fn what_only_looks_like_a_secret_stays() {
    for harmless in [
        "DB_PASSWORD=${VAULT_DB_PASSWORD} API_KEY=<your-api-key>",
        "Enter password: \nPassword accepted.",
        r#"{"secret":null,"password":"","api_key":false}"#,
        "password:  16 bytes\n",
        "git@github.com:acme/app.git https://bob@example.com/x",
        "commit 40a0cc4eab9679702443d8ac4d950b5e5d4cd5f7",
        r#"{"token_type":"Bearer","expires_in":3600,"total_tokens":12345}"#,
        "curl -H \"Authorization: Bearer $GITHUB_TOKEN\" https://api.github.com",
        "GET /v1/tokens?page_token=next&limit=10",
        "eyJub3QiOiJhIGp3dCJ9 is not three parts",
    ] {
        assert_eq!(text(harmless), harmless);
        // What was masked once is not masked again.
        assert_eq!(text(&text(harmless)), harmless);
    }
}

#[test]
fn the_next_item_of_a_list_and_the_next_line_of_a_form_are_values_too() {
    for (input, secret) in [
        ("command: [\"/app\", \"--token\", \"RRrwvBh4SWId8Ws51fFVnImf\", \"--port=80\"]\n", "RRrwvBh4"),
        ("- --db-password\n- RRrwvBh4SWId8W!s\n- --port\n", "RRrwvBh4"),
        ("  \"--api-key\",\n  \"RRrwvBh4SWId8Ws51fFVnImf\",\n", "RRrwvBh4"),
        ("Content-Disposition: form-data; name=\"password\"\r\n\r\npBAhOp*z5nOreEInx\r\n", "pBAhOp*z"),
        ("  [\"password\"]=>\n  string(14) \"BfF7YWvH5IoHTp\"\n", "BfF7YWvH"),
        (
            "-----BEGIN OpenVPN Static key V1-----\n34949da70c574853b26361695011b3df\n6cdc6b3460b43f1af3009a38ee2a36aa\n",
            "34949da7",
        ),
        ("RXlGem1IR1gqOHNjQ3FaTg== ZTJCNTl6JVBCcGYwTjJKSEI=\n", "ZTJCNTl6"),
        ("{\"db_password\":{\"sensitive\":true,\"type\":\"string\",\"value\":\"iris-falcon\"}}", "iris-falcon"),
        ("password: [-XEoI7jCAZWfo2-]{+FXEoI7jCAZWfo+}\n", "FXEoI7jC"),
        ("aws ssm put-parameter --name /db/password --value iCv3k1duKEc18Q --type SecureString\n", "iCv3k1du"),
    ] {
        assert!(!text(input).contains(secret), "{}", text(input));
    }
}

#[test]
fn names_sums_and_references_are_no_secrets() {
    for harmless in [
        "    checksum/secret: 530d7b51081ecc02527ce59e113a42ec184b2bc29e727d327b98677ebd2ae78c\n",
        "--- PASS: TestPasswordHash2 (0.02s)\n",
        "00000010  31 05 02 03 01 00 50 10  00 00\n",
        "debug1: kex: server->client cipher: chacha20-poly1305@openssh.com MAC: umac-64-etm@openssh.com\n",
        "        dot_token: node.dot2_token,\n",
        "user@1000.service loaded active, icon@2x.png\n",
        "> Cookie: lang=en-GB; theme=dark; consent=yes\n",
        "usage: app [-u USER] [-p PASSWORD] [--token TOKEN]\n",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbC12d\n",
        "{\"nextPageToken\":\"q8ZpL3vXn2RtYw7KdF4mBs9H\"}\n",
        " next_page_token | q8ZpL3vXn2RtYw7KdF4mBs9H\n",
        "password: vault:secret/data/db#password\ntoken: ghp_****9x2f\n",
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n",
        "Public key: MCowBQYDK2VwAyEAq8ZpL3vXn2RtYw7KdF4mBs9HJc6Gx1Ea5Uo0Ti=\n",
    ] {
        assert_eq!(text(harmless), harmless);
    }
}

const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----
KXqPWvIrk6BwhQoncSxrBUDWw0i2HCDzUR6JpaguX9xpFv9NgHZwPD7Q2qeumu6K
rPGxl497BZVrfGmlhsjFo7JWbPTTm2iVa1cXm/zhmRvmZvIJN5K0akyFDPlPp/GV
vgXdu3LEgTDO==
-----END RSA PRIVATE KEY-----
";

#[test]
fn a_private_key_is_one_mark_whole_indented_escaped_or_cut_short() {
    assert_eq!(text(&format!("a\n{KEY}b\n")), "a\n[masked:private-key]\nb\n");
    let indented: String = KEY.lines().map(|l| format!("    {l}\n")).collect();
    assert_eq!(text(&format!("tls.key: |\n{indented}x: 1\n")), "tls.key: |\n    [masked:private-key]\nx: 1\n");
    let escaped = KEY.replace('\n', "\\n");
    assert_eq!(text(&format!("{{\"key\":\"{escaped}\"}}\n")), "{\"key\":\"[masked:private-key]\\n\"}\n");
    let short: String = KEY.lines().take(3).map(|l| format!("{l}\n")).collect();
    assert_eq!(text(&format!("{short}$ echo done\n")), "[masked:private-key]\n$ echo done\n");
    let crlf = KEY.replace('\n', "\r\n");
    assert!(!text(&format!("{crlf}b\r\n")).contains("KXqPW"));
}

#[test]
fn cells_are_masked_by_the_name_of_their_column_until_the_table_ends() {
    let table = " id | api_token | note \n----+-----------+------\n  1 | abc-def   | x+   \n    | ghi       | y    \n(1 row)\n\n 2 | abc-def | x\n";
    let expected = " id | api_token | note \n----+-----------+------\n  1 | [masked]  | x+   \n    | ghi       | y    \n(1 row)\n\n 2 | abc-def | x\n";
    assert_eq!(text(table), expected);
    assert_eq!(text("id,login,pw\n1,bob,ITx2qw!\n2,eve,\n"), "id,login,pw\n1,bob,[masked:secret-column]\n2,eve,\n");
    assert_eq!(text("x\nid,login,pw\n1,bob,ITx2qw\n"), "x\nid,login,pw\n1,bob,ITx2qw\n");
    assert_eq!(
        text(" smtp_password | EBlW8iG9 \n password_policy | strict1234\n"),
        " smtp_password | [masked:password] \n password_policy | strict1234\n"
    );
}

#[test]
fn a_granted_secret_is_masked_in_each_usual_encoding_wherever_it_stands() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let secret = "p\u{e4}ss \"w/0rd\"?&~";
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
    let percent: String = bytes.iter().map(|b| format!("%{b:02x}")).collect();
    let mut forms = vec![secret.to_owned(), hex.clone(), hex.to_lowercase(), serde_json::to_string(secret).unwrap()];
    assert_eq!(percent.len(), 3 * bytes.len());
    for before in ["", "u", "us", "usr:", "admin"] {
        for after in ["", "x", "yz", "\n{}"] {
            let joined = format!("{before}{secret}{after}");
            forms.push(STANDARD.encode(&joined));
            forms.push(URL_SAFE.encode(&joined));
            forms.push(STANDARD.encode(&joined).trim_end_matches('=').to_owned());
        }
    }
    for form in forms {
        let out = masked(&[b"<", form.as_bytes(), b">\n"], Some(bytes));
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("[masked:granted-secret]"), "{form} came out as {out}");
    }
    assert_eq!(masked(&[b"?q=p%C3%A4ss+%22w%2F0rd%22%3F%26~&x"], Some(bytes)), b"?q=[masked:granted-secret]&x");
}

#[test]
fn a_mark_that_keeps_a_form_shows_nothing_of_a_granted_secret_beside_or_within() {
    let masking = Masking {
        styles: [("*".to_owned(), Style::Format), ("email".to_owned(), Style::Format)].into(),
        ..Masking::default()
    };
    let secret = Secret::new(b"Zq8vT3mKx0LrWb5Jd7Yp".to_vec());
    for text in [
        "+oooo oooooooo@oooooooo.Zq8vT3mKx0LrWb5Jd7Yp",
        "oooo@Zq8vT3mKx0LrWb5Jd7Yp.example.com",
        "Zq8vT3mKx0LrWb5Jd7Yp@example.com",
        "bob@mail.example.com/Zq8vT3mKx0LrWb5Jd7Yp",
    ] {
        let mut redactor = Redactor::with(&Settings { sets: &both(), secrets: &[&secret] }, &masking).unwrap();
        let mut out = redactor.push(Raw(text.as_bytes().to_vec())).as_slice().to_vec();
        out.extend_from_slice(redactor.end().as_slice());
        let out = String::from_utf8(out).unwrap();
        assert!(!out.contains("Zq8vT3"), "{text}: {out}");
    }
}

#[test]
fn a_prompt_is_given_at_once_and_a_secret_that_has_begun_is_not() {
    let mut r = redactor(Some(b"hunter2hunter2"));
    let mut push = |bytes: &[u8]| {
        let mut out = r.push(Raw(bytes.to_vec())).into_vec();
        out.extend(r.idle().into_vec());
        String::from_utf8(out).unwrap()
    };
    assert_eq!(push(b"Username for 'https://git.example': "), "Username for 'https://git.example': ");
    assert_eq!(push(b"Password: "), "Password: ");
    assert_eq!(push(b"hunt"), "");
    assert_eq!(push(b"er2hunter2 ok"), "[masked:granted-secret] ok");
    assert_eq!(push(b" ghp_HLzhkobyPz"), " ");
    assert_eq!(push(b"f8nP6ac75AZ7xqvKJjVj2kOPZK"), "");
    assert_eq!(push(b"\n"), "[masked:github-token]\n");
    assert!(!r.holds());
}

#[test]
fn a_line_longer_than_the_window_is_masked_where_windows_meet_and_held_no_longer() {
    let token = "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";
    for at in (HELD - OVERLAP - 60..HELD - OVERLAP + 20).step_by(7).chain(HELD - 60..HELD + 20) {
        let line = format!("{} {token} {}\n", "y".repeat(at), "z".repeat(2 * HELD));
        let expected = line.replace(token, "[masked:github-token]");
        let mut r = redactor(None);
        let mut out = Vec::new();
        for chunk in line.as_bytes().chunks(1000) {
            out.extend(r.push(Raw(chunk.to_vec())).into_vec());
            assert!(r.line.len() <= HELD);
        }
        out.extend(r.finish().0.into_vec());
        assert!(out == expected.as_bytes(), "at {at}");
    }
    // A secret longer than all windows.
    let giant = format!("password={} end\n", "q7".repeat(2 * HELD));
    assert_eq!(text(&giant), "password=[masked:password] end\n");
}

#[test]
fn what_was_masked_is_counted_by_kind() {
    let mut r = redactor(None);
    let _ = r.push(Raw(b"a@example.com b@example.com\npassword=hunter22\n".to_vec()));
    assert_eq!(r.masked().counts().collect::<Vec<_>>(), [("email", 2), ("password", 1)]);
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&'static [u8]> = vec![
        b"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",
        b"password: ",
        b"\"pass\":\"x1y2z3\"",
        b"bob@example.com",
        b"\n",
        b" ",
        b"-----BEGIN EC PRIVATE KEY-----\n",
        b"rPGxl497BZVrfGmlhsjFo7JWbPTTm2iVa1cXm/zhmRvmZvIJN5K0akyFDPlPp/GV\n",
        b"-----END EC PRIVATE KEY-----",
        b"hunter2hunter2",
        b"aHVudGVyMmh1bnRlcjI=",
        b"://u:pw@h/",
        b"4783-8358-8773-9567",
        b"\xff\x00",
        b"eyJhbGciOiJub25lIn0.eyJhIjoxfQ.",
        b"\r\n",
        b"Authorization: Bearer ",
        b"tok",
        b"a | password\n",
        b"---+---\n",
        b"token\n",
        b"-----\n",
        b"x9 | y8y8\n",
        b"a,token\n",
    ];
    proptest::collection::vec(
        prop_oneof![3 => proptest::sample::select(known).prop_map(<[u8]>::to_vec), 1 => proptest::collection::vec(any::<u8>(), 0..20)],
        0..14,
    )
    .prop_map(|pieces| pieces.concat())
}

#[test]
fn what_is_no_text_stays_whole_up_to_the_next_line_that_is_one() {
    // Escapes, which are searched as they came too, change nothing.
    let pack =
        b"\x01\x00\xfe\x93\nGdKPw:\x9a\xc9I\xcf\x86\n\xe5\x1b[1m\xe5 a\x08a\n\xa3\xefA@2.mu\xe0 password=hunter22\n";
    let text = b"ok\npassword=hunter22 \xe9t\xe9\n";
    let whole = [&pack[..], text].concat();
    let expected = [&pack[..], b"ok\npassword=[masked:password] \xe9t\xe9\n"].concat();
    for cut in 0..whole.len() {
        let out = masked(&[&whole[..cut], &whole[cut..]], None);
        assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string(), "cut at {cut}");
    }
}

#[test]
fn bytes_of_no_text_hide_neither_a_token_nor_a_key() {
    let row = "rPGxl497BZVrfGmlhsjFo7JWbPTTm2iVa1cXm/zhmRvmZvIJN5K0akyFDPlPp/GV";
    for (junk, text, expected) in [
        (&b"\x01\xff"[..], "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\n".to_owned(), "[masked:github-token]\n"),
        (b"\x01\xff\n\xff ", "AKIAQ3EGPXZ5YFJTWN2B x\n".to_owned(), "[masked:aws-access-key-id] x\n"),
        (
            b"\x01\xff ",
            format!("-----BEGIN EC PRIVATE KEY-----\n{row}\n{row}\nq7==\n-----END EC PRIVATE KEY-----\nend\n"),
            "-----BEGIN EC PRIVATE KEY-----\n[masked:private-key]\nend\n",
        ),
        // As in programs that read keys.
        (
            b"\x01\xff\0",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n\0\x01-----END".to_owned(),
            "-----BEGIN OPENSSH PRIVATE KEY-----\n\0\x01-----END",
        ),
    ] {
        let whole = [junk, text.as_bytes()].concat();
        let expected = [junk, expected.as_bytes()].concat();
        for cut in 0..whole.len() {
            let out = masked(&[&whole[..cut], &whole[cut..]], None);
            assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string(), "cut at {cut}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn where_a_stream_is_cut_changes_nothing(input in pieces(), cuts in proptest::collection::vec(any::<usize>(), 0..6)) {
        let whole = masked(&[&input], Some(b"hunter2hunter2"));
        let single: Vec<&[u8]> = input.chunks(1).collect();
        prop_assert_eq!(&masked(&single, Some(b"hunter2hunter2")), &whole);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c % (input.len() + 1)).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &input[w[0]..w[1]]).collect();
        prop_assert_eq!(&masked(&chunks, Some(b"hunter2hunter2")), &whole);
    }

    #[test]
    fn pauses_anywhere_never_show_a_granted_secret(input in pieces(), pause in any::<usize>()) {
        let secret = b"hunter2hunter2";
        let mut r = redactor(Some(secret));
        let at = pause % (input.len() + 1);
        let mut out = r.push(Raw(input[..at].to_vec())).into_vec();
        out.extend(r.idle().into_vec());
        out.extend(r.push(Raw(input[at..].to_vec())).into_vec());
        out.extend(r.idle().into_vec());
        out.extend(r.finish().0.into_vec());
        prop_assert!(memchr::memmem::find(&out, secret).is_none());
        prop_assert!(memchr::memmem::find(&out, b"aHVudGVyMmh1bnRlcjI").is_none());
    }

    #[test]
    fn bytes_without_a_secret_come_out_as_they_went_in(input in proptest::collection::vec(0x80u8.., 0..4000)) {
        prop_assert_eq!(&masked(&[&input], Some(b"hunter2hunter2")), &input);
    }
}
