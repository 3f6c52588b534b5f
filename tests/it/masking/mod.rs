//! `portcullis redact` as it is installed: a filter that people use alone.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const PORTCULLIS: &str = env!("CARGO_BIN_EXE_portcullis");

mod documents;

fn redact(args: &[&str], input: &[u8]) -> Output {
    in_pieces(args, &[input])
}

/// Each piece is one write; the filter reads them as they come.
fn in_pieces(args: &[&str], pieces: &[&[u8]]) -> Output {
    let mut command = Command::new(PORTCULLIS);
    command.arg("redact").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    let writer = std::thread::spawn(move || {
        // A filter that refused its arguments reads nothing.
        let _ = pieces.iter().try_for_each(|piece| stdin.write_all(piece).and_then(|()| stdin.flush()));
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn out(args: &[&str], input: &str) -> String {
    let output = redact(args, input.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn spans(output: &Output) -> Vec<(String, usize, usize)> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    let span = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let offset = |key: &str| usize::try_from(value[key].as_u64().unwrap()).unwrap();
        (value["rule"].as_str().unwrap().to_owned(), offset("start"), offset("end"))
    };
    text.lines().map(span).collect()
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

const TEXT: &str = "to ada@example.com\npassword=hunter22 x\n  and bob@example.org\n\
    -----BEGIN EC PRIVATE KEY-----\nrPGxl497BZVrfGmlhsjFo7JWbPTTm2iVa1cXm/zhmRvmZvIJN5K0akyFDPlPp/GV\n\
    -----END EC PRIVATE KEY-----\ncard 4111 1111 1111 1111 end\n";

#[test]
fn json_tells_where_in_the_input_whatever_the_pieces_and_never_what() {
    let whole = redact(&["--json"], TEXT.as_bytes());
    let found = spans(&whole);
    let values: Vec<(&str, &str)> = found.iter().map(|(rule, start, end)| (&rule[..], &TEXT[*start..*end])).collect();
    let key = &TEXT[TEXT.find("-----BEGIN").unwrap()..TEXT.find("card").unwrap()];
    assert_eq!(
        values,
        [
            ("email", "ada@example.com"),
            ("password", "hunter22"),
            ("email", "bob@example.org"),
            ("private-key", key),
            ("credit-card", "4111 1111 1111 1111"),
        ]
    );
    for size in [1, 7, 40] {
        let pieces: Vec<&[u8]> = TEXT.as_bytes().chunks(size).collect();
        assert_eq!(spans(&in_pieces(&["--json"], &pieces)), found, "in pieces of {size}");
    }
    let said = String::from_utf8(whole.stdout).unwrap();
    assert!(!said.contains("hunter22") && !said.contains("ada@"), "{said}");
    // The places are those of the text that comes out otherwise.
    let mut rest = TEXT.to_owned();
    for (rule, start, end) in found.iter().rev() {
        rest.replace_range(
            *start..*end,
            &if rule == "private-key" { format!("[masked:{rule}]\n") } else { format!("[masked:{rule}]") },
        );
    }
    assert_eq!(out(&[], TEXT), rest);
}

#[test]
fn json_offsets_hold_far_into_a_stream_and_in_lines_without_end() {
    let line = "x".repeat(99) + "\n";
    let mut text =
        line.repeat(3000) + "ada@example.com\n" + &"y ".repeat(90_000) + "bob@example.org " + &"z ".repeat(90_000);
    text.push_str("\nsue@example.net");
    let found = spans(&redact(&["--json"], text.as_bytes()));
    let values: Vec<&str> = found.iter().map(|(_, start, end)| &text[*start..*end]).collect();
    assert_eq!(values, ["ada@example.com", "bob@example.org", "sue@example.net"]);
}

#[test]
fn a_list_counts_kinds_and_shows_no_value() {
    let output = redact(&["--list"], TEXT.as_bytes());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "     1 credit-card\n     2 email\n     1 password\n     1 private-key\n");
    let json = redact(&["--json", "--list"], TEXT.as_bytes());
    let last: Value = serde_json::from_slice(json.stdout.split(|b| *b == b'\n').rev().nth(1).unwrap()).unwrap();
    assert_eq!(last["counts"]["email"], 2);
    assert_eq!(last["bytes"], TEXT.len());
}

#[test]
fn each_choice_of_mark_is_one_and_a_kinds_own_wins() {
    let text = "to ada@example.com, card 4111-1111-1111-1111\nAPI_KEY=a1b2c3d4e5f6g7h8\nnothing\n";
    let mask = |choice: &str| out(&["--mask", choice], text);
    assert_eq!(mask("mark"), "to [masked:email], card [masked:credit-card]\nAPI_KEY=[masked:secret]\nnothing\n");
    assert_eq!(mask("fixed"), "to ****, card ****\nAPI_KEY=****\nnothing\n");
    assert_eq!(mask("last4"), "to *****com, card ****1111\nAPI_KEY=****g7h8\nnothing\n");
    assert_eq!(mask("format"), "to a•••@example.com, card ••••-••••-••••-1111\nAPI_KEY=[masked:secret]\nnothing\n");
    assert_eq!(mask("drop-line"), "nothing\n");
    assert_eq!(mask("secrets"), "to ada@example.com, card 4111-1111-1111-1111\nAPI_KEY=[masked:secret]\nnothing\n");
    let folder = tempfile::tempdir().unwrap();
    let rules = file(&folder, "r.toml", "[marks]\nemail = \"format\"\nsecrets = \"drop-line\"\n");
    let own = out(&["--rules", &rules, "--mask", "fixed"], text);
    assert_eq!(own, "to a•••@example.com, card ****\nnothing\n");
}

#[test]
fn pseudonyms_join_what_is_the_same_under_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (file(&folder, "one", &"k".repeat(32)), file(&folder, "other", &"l".repeat(32)));
    let text = "ada@example.com\nbob@example.org\nada@example.com\n";
    let lines = |key: &str| out(&["--key", key], text).lines().map(str::to_owned).collect::<Vec<_>>();
    let first = lines(&one);
    assert!(first[0].starts_with("[masked:email:") && first[0].len() == "[masked:email:7f3a]".len(), "{first:?}");
    assert_eq!(first[0], first[2]);
    assert_ne!(first[0], first[1]);
    assert_eq!(first, lines(&one));
    assert_ne!(first, lines(&other));
    let short = file(&folder, "short", "x");
    assert_eq!(redact(&["--key", &short], b"").status.code(), Some(1));
}

#[test]
fn rules_of_ones_own_find_literals_patterns_columns_and_paths() {
    let folder = tempfile::tempdir().unwrap();
    let rules = file(
        &folder,
        "r.toml",
        "[[rule]]\nid = \"badge\"\nset = \"pii\"\npatterns = ['\\bE-[0-9]{6}\\b', 'desk (\\d+)']\n\
         [[rule]]\nid = \"nightjar\"\nliterals = [\"Project Nightjar\"]\n\
         [[rule]]\nid = \"who\"\nset = \"pii\"\ncolumns = [\"orders.buyer\"]\npaths = [\"$.customers[*].name\"]\n",
    );
    let mask = |text: &str| out(&["--rules", &rules], text);
    assert_eq!(mask("E-123456 at desk 17, xE-1234567\n"), "[masked:badge] at desk [masked:badge], xE-1234567\n");
    assert_eq!(mask("on Project Nightjar\n"), "on [masked:nightjar]\n");
    assert_eq!(mask("on UHJvamVjdCBOaWdodGphcg==\n"), "on [masked:nightjar]\n");
    assert_eq!(mask("id,buyer\n1,Ada L\n"), "id,buyer\n1,[masked:who]\n");
    assert_eq!(
        mask(" id |  buyer  \n----+---------\n  1 | Ada L   \n(1 row)\n"),
        " id |  buyer  \n----+---------\n  1 | [masked:who]   \n(1 row)\n"
    );
    let json = mask("{\"customers\": [{\"name\": \"Ada\", \"n\": 1}],\n \"name\": \"x\"}\n");
    assert_eq!(json, "{\"customers\": [{\"name\": \"[masked:who]\", \"n\": 1}],\n \"name\": \"x\"}\n");
    let long = format!("{{\"customers\": [{{\"pad\": \"{}\", \"name\": \"Ada L\"}}]}}\n", "p ".repeat(80_000));
    assert_eq!(mask(&long), long.replace("Ada L", "[masked:who]"));
    // Without its set, a rule does not hold.
    assert_eq!(out(&["--rules", &rules, "--set", "secrets"], "E-123456\n"), "E-123456\n");
}

#[test]
fn what_is_wrong_is_said_with_its_line_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (text, said) in [
        ("[[rule]]\nid = \"x\"\npatterns = [\n 'ok',\n '(oops',\n]\n", "r.toml:5:3: this pattern: unclosed group"),
        ("[[rule]]\nid = \"x\"\npatterns = ['(a)\\1']\n", "r.toml:3:17: this pattern: backreferences"),
        ("[marks]\nemial = \"fixed\"\n", "r.toml:2: [marks] names \"emial\""),
        ("[[rule]\n", "r.toml:1:"),
        ("[[rule]]\nid = \"x\"\npatterns = ['(?:[a-z]{900}){900}']\n", "r.toml:3:14: this pattern: needs more than"),
    ] {
        let rules = file(&folder, "r.toml", text);
        let output = redact(&["--rules", &rules], TEXT.as_bytes());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(said) && output.stdout.is_empty(), "{said}\n{stderr}");
        assert_eq!(output.status.code(), Some(1));
    }
    let known = file(&folder, "k.txt", "long-enough\n\nabc\n");
    let output = redact(&["--known", &known], b"");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("k.txt: line 3 has fewer than 4") && !stderr.contains("abc\n"), "{stderr}");
    assert_eq!(redact(&["--rules", "/nonexistent"], b"").status.code(), Some(1));
    assert_eq!(redact(&["--mask", "stars"], b"").status.code(), Some(2));
    assert_eq!(redact(&["--set", "finance"], b"").status.code(), Some(2));
}

#[test]
fn known_secrets_are_masked_in_every_form_by_line_or_by_nul() {
    let folder = tempfile::tempdir().unwrap();
    let text = "a correct-horse-9 b Y29ycmVjdC1ob3JzZS05 c two\nlines2 d\n";
    let lines = file(&folder, "k.txt", "correct-horse-9\r\nother-secret\n");
    assert_eq!(
        out(&["--set", "secrets", "--known", &lines], text),
        "a [masked:granted-secret] b [masked:granted-secret] c two\nlines2 d\n"
    );
    let nul = file(&folder, "k.nul", "correct-horse-9\0two\nlines2\0");
    assert_eq!(
        out(&["--known", &nul], text),
        "a [masked:granted-secret] b [masked:granted-secret] c [masked:granted-secret] d\n"
    );
}

#[test]
fn help_completion_and_manual_teach_it() {
    let help = Command::new(PORTCULLIS).args(["redact", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for word in ["Examples:", "--rules <FILE>", "--known <FILE>", "drop-line", "\"start\":120", "Exit codes:"] {
        assert!(help.contains(word), "{word}\n{help}");
    }
    let folder = tempfile::tempdir().unwrap();
    let man = Command::new(PORTCULLIS).arg("man").arg("--out").arg(folder.path()).status().unwrap();
    assert!(man.success());
    let page = std::fs::read_to_string(folder.path().join("portcullis-redact.1")).unwrap();
    assert!(page.contains("drop\\-line") && page.contains("kubectl logs web"), "{page}");
    let bash = Command::new(PORTCULLIS).args(["completions", "bash"]).output().unwrap();
    assert!(String::from_utf8(bash.stdout).unwrap().contains("--known"));
}
