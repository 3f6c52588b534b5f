//! The record is the terminal: what was shown there is in the recording, byte for byte and in its order, with each size
//! of the window where it changed, and what was typed exactly where policy asks for it.

use std::io::BufReader;
use std::process::Command;
use std::time::Instant;

use portcullis::model::{Exit, FrameKind};
use portcullis::recording::Reader;
use serde_json::Value;

use crate::support::desk::{Desk, Left};
use crate::support::process::PATIENCE;
use crate::support::site::{Site, words};

/// Everything is a subcommand that nobody knows, since env(1) stands in git's place.
fn site(record: &str) -> Site {
    let policy = format!(
        "@id(\"all\") {record} permit(principal, action, resource);
         @id(\"unknown\") {record} permit(principal, action in [Doubt::Action::\"unknown_command\", Doubt::Action::\"unknown_fact\"], resource);"
    );
    let site = Site::start(&policy);
    site.gate_anything();
    site
}

/// Shows text, colours, characters of every length, bytes that are no characters, and the window's size; reads two lines,
/// the second of them unseen.
const TOOL: &str = r#"
printf 'one\n'; read first
stty size; printf 'a\tb\rc\033[1mbold\033[0m n\303\244her \344\276\213 \360\237\231\202 \377\376\n'; echo "error: $first" >&2
stty -echo; printf 'secret? '; read second; stty echo; echo
stty size; seq 2000; printf 'no newline at the end'; exit 3
"#;

/// The newest of so many sessions, once its recording is sealed.
fn sealed(site: &Site, sessions: usize) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let listed = site.alice().args(["sessions", "list", "--json"]).output().unwrap();
        let list: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let all = list["sessions"].as_array().unwrap();
        assert!(all.len() <= sessions, "{list:#}");
        if all.len() == sessions && !all[0]["sealed"].is_null() {
            return all[0]["id"].as_str().unwrap().to_owned();
        }
        assert!(Instant::now() < until, "{list:#}");
    }
}

fn export(site: &Site, sessions: usize, format: &str) -> Vec<u8> {
    let done = site.alice().args(["sessions", "export", &sealed(site, sessions), "--format", format]).output().unwrap();
    assert!(done.status.success(), "{}", words(&done));
    done.stdout
}

/// The recording's events, each with its code.
fn cast(site: &Site, sessions: usize) -> (Value, Vec<(String, String)>) {
    let text = String::from_utf8(export(site, sessions, "asciicast")).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let head = lines.next().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (head, lines.map(|event| (text(&event[1]), text(&event[2]))).collect())
}

fn all(events: &[(String, String)], code: &str) -> Vec<String> {
    events.iter().filter(|event| event.0 == code).map(|event| event.1.clone()).collect()
}

/// The bytes of the recording that were standard output or a terminal, and those of standard error elsewhere; and the end.
fn recorded(site: &Site, sessions: usize) -> (Vec<u8>, Vec<u8>, Option<Exit>) {
    let raw = export(site, sessions, "raw");
    let mut reader = Reader::open(BufReader::new(&raw[..])).unwrap();
    let (mut output, mut error, mut end) = (Vec::new(), Vec::new(), None);
    while let Some(frame) = reader.frame().unwrap() {
        match frame.kind {
            FrameKind::Output(bytes) => output.extend(bytes.0),
            FrameKind::Error(bytes) => error.extend(bytes.0),
            FrameKind::End(exit) => end = Some(exit),
            FrameKind::Input(_) | FrameKind::Resize { .. } | FrameKind::Mark(_) => {}
        }
    }
    (output, error, end)
}

/// Both forms of the recording hold what was shown: the raw one its bytes, the other its characters.
fn is_what_was_shown(site: &Site, sessions: usize, left: &Left) -> Vec<(String, String)> {
    let (output, error, end) = recorded(site, sessions);
    assert_eq!(output.escape_ascii().to_string(), left.seen.escape_ascii().to_string());
    assert_eq!((error, end), (Vec::new(), Some(Exit::Code(left.status.exit_code() as i32))));
    let (_, events) = cast(site, sessions);
    assert_eq!(all(&events, "o").concat(), String::from_utf8_lossy(&left.seen));
    events
}

fn at_a_desk(site: &Site) -> Left {
    let mut desk = Desk::sit(site.shim("git").args(["sh", "-c", TOOL]));
    desk.until("one\r\n");
    desk.resize(30, 100);
    desk.type_keys("first\n");
    desk.until("30 100\r\n");
    desk.until("secret? ");
    desk.resize(50, 120);
    desk.type_keys("unseen\n");
    desk.until("50 120\r\n");
    desk.rest()
}

#[test]
fn what_a_terminal_got_is_recorded_byte_for_byte_with_its_sizes_and_no_input() {
    let site = site("");
    let left = at_a_desk(&site);
    assert_eq!(left.status.exit_code(), 3);
    assert!(!left.seen.windows(6).any(|part| part == b"unseen"));
    let events = is_what_was_shown(&site, 1, &left);
    assert_eq!(all(&events, "r"), ["80x24", "100x30", "120x50"]);
    assert_eq!(all(&events, "i"), [""; 0]);
    // Each size came after what was shown before it, and before what the tool made of it.
    let shown_until = |size: &str| {
        let at = events.iter().position(|event| event.0 == "r" && event.1 == size).unwrap();
        all(&events[..at], "o").concat()
    };
    assert_eq!(shown_until("80x24"), "");
    let second = shown_until("100x30");
    assert!(second.contains("one\r\n") && !second.contains("30 100"), "{second}");
    let third = shown_until("120x50");
    assert!(third.contains("30 100") && !third.contains("50 120"), "{third}");
    assert_eq!(cast(&site, 1).0["term"]["cols"], 80);
}

#[test]
fn what_was_typed_is_recorded_where_policy_says_so() {
    let site = site("@record(\"stdin\")");
    let left = at_a_desk(&site);
    let events = is_what_was_shown(&site, 1, &left);
    assert_eq!(all(&events, "i").concat(), "first\nunseen\n");
    let typed = events.iter().position(|event| event.0 == "i").unwrap();
    assert!(all(&events[..typed], "o").concat().contains("one\r\n"));
    assert!(!all(&events[..typed], "o").concat().contains("30 100"));
}

/// The tool's own terminal is but a stream where its standard input is none: what the caller's adds to a newline is
/// recorded all the same.
#[test]
fn a_terminal_that_only_shows_is_recorded_as_it_shows() {
    let site = site("");
    for (n, redirect) in ["</dev/null", "</dev/null 2>/dev/null", "</dev/null >/dev/null"].into_iter().enumerate() {
        let shim = site.shim("git");
        let mut shell = Command::new("/bin/bash");
        let words = format!("\"$0\" sh -c 'echo out; echo err >&2; printf \"a\\tb\\rc\\n\\nend\"; exit 3' {redirect}");
        shell.args(["-c", &words]).arg(shim.get_program()).current_dir(site.path("work"));
        shell.env_clear().envs(shim.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let left = Desk::sit(&shell).rest();
        // What went elsewhere is recorded too, as what the caller got there.
        if redirect.contains('>') {
            let (output, error, _) = recorded(&site, n + 1);
            let (output, error) = (output.escape_ascii().to_string(), error.escape_ascii().to_string());
            match &*left.seen {
                b"err\r\n" => assert!(output.contains("err\\r\\n") && output.contains("out\\n"), "{output}"),
                seen => assert_eq!((&*output, &*error), (&*seen.escape_ascii().to_string(), "err\\n")),
            }
            continue;
        }
        let events = is_what_was_shown(&site, n + 1, &left);
        assert_eq!(all(&events, "r"), ["80x24"]);
        assert!(left.seen.starts_with(b"out\r\n"));
    }
}

/// More than what an answer of the server may otherwise be.
#[test]
fn a_recording_of_any_length_is_exported_and_verified() {
    let site = site("");
    // A NUL takes six characters in the recording.
    let done = site.shim("git").args(["head", "-c", "16M", "/dev/zero"]).output().unwrap();
    assert_eq!((done.status.code(), done.stdout.len()), (Some(0), 16 << 20), "{}", done.stderr.escape_ascii());
    assert!(export(&site, 1, "raw").len() > 64 << 20);
    assert!(recorded(&site, 1).0 == done.stdout);
    let verified = site.alice().args(["audit", "verify", "--recordings", "all"]).output().unwrap();
    assert!(verified.status.success(), "{}", words(&verified));
}
