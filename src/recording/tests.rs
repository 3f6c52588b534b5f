use proptest::prelude::*;

use super::{AFTER, BEFORE, Error, Header, Reader, Writer, asciicast, summary, transcript};
use crate::model::{Bytes, Digest, Exit, Frame, FrameKind, InvocationId, Micros};

fn header() -> Header {
    Header::new(InvocationId::from_ulid(7), "git status".into(), Micros::seconds(1_763_970_000))
}

fn frame(at: i64, kind: FrameKind) -> Frame {
    Frame { at: Micros(at), kind }
}

fn output(at: i64, bytes: &[u8]) -> Frame {
    frame(at, FrameKind::Output(Bytes::from(bytes)))
}

fn file(frames: &[Frame]) -> Vec<u8> {
    let (mut writer, mut out) = Writer::begin(&header());
    frames.iter().for_each(|f| out.extend(writer.frame(f)));
    out
}

fn session() -> Vec<Frame> {
    vec![
        output(1_520, b"On branch main\r\n"),
        frame(1_600, FrameKind::Error(Bytes::from(&b"\x1b[31mwarning\x1b[0m: caf\xc3"[..]))),
        frame(2_000_000, FrameKind::Resize { columns: 90, rows: 30 }),
        frame(2_100_000, FrameKind::Error(Bytes::from(&b"\xa9 \xff\n"[..]))),
        frame(2_100_001, FrameKind::Mark("masked 2 email".into())),
        frame(2_100_002, FrameKind::Input(Bytes::from("y\n"))),
        frame(2_500_000, FrameKind::End(Exit::Code(3))),
    ]
}

#[test]
fn a_recording_is_lines_of_json_that_read_back_exactly() {
    let bytes = file(&session());
    for line in bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
        assert!(serde_json::from_slice::<serde_json::Value>(line).unwrap()["chain"].is_string());
    }
    let mut reader = Reader::open(&bytes[..]).unwrap();
    assert_eq!(reader.header(), &header());
    assert_eq!(reader.by_ref().collect::<Result<Vec<_>, _>>().unwrap(), session());
    assert!(reader.ended() && reader.torn() == 0);
    assert_eq!(reader.whole(), bytes.len() as u64);
}

#[test]
fn a_torn_tail_is_dropped_named_and_written_on_from() {
    let bytes = file(&session()[..3]);
    for cut in 1..30 {
        let torn = &bytes[..bytes.len() - cut];
        let mut reader = Reader::open(torn).unwrap();
        while reader.frame().unwrap().is_some() {}
        assert_eq!(reader.whole() + reader.torn(), torn.len() as u64);
        assert!(reader.torn() > 0 && !reader.ended());
        let mut mended = torn[..reader.whole() as usize].to_vec();
        mended.extend(reader.into_writer().frame(&frame(9, FrameKind::End(Exit::Lost))));
        assert_eq!(summary(&mended[..]).unwrap().exit, Some(Exit::Lost));
    }
}

#[test]
fn a_line_that_was_changed_removed_or_moved_shows() {
    let bytes = file(&session());
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let read = |lines: &[&[u8]]| summary(&lines.concat()[..]);
    assert!(read(&lines).is_ok());
    for i in 1..lines.len() - 1 {
        let mut without = lines.clone();
        without.remove(i);
        assert!(matches!(read(&without), Err(Error::Altered { .. })), "line {i} removed");
        let mut moved = lines.clone();
        moved.swap(i, i + 1);
        assert!(matches!(read(&moved), Err(Error::Altered { .. })), "line {i} moved");
        let changed = lines[i].iter().map(|b| if *b == b'a' { b'b' } else { *b }).collect::<Vec<_>>();
        let mut with = lines.clone();
        with[i] = &changed;
        assert!(read(&with).is_err(), "line {i} changed");
    }
    let mut shortened = lines.clone();
    shortened.pop();
    assert_eq!(read(&shortened).unwrap().exit, None);
    let mut again = lines.clone();
    again.push(lines[lines.len() - 1]);
    assert!(read(&again).is_err());
}

#[test]
fn what_is_no_recording_is_said_to_be_none() {
    for bytes in [&b""[..], b"\n", b"{}\n", b"hello\n", b"{\"chain\":\"00\",\n", &[0xff; 300]] {
        assert!(matches!(Reader::open(bytes), Err(Error::NoRecording(_))), "{}", bytes.escape_ascii());
    }
    let newer = Header { version: 2, ..header() };
    assert!(matches!(Reader::open(&Writer::begin(&newer).1[..]), Err(Error::Version(2))));
}

#[test]
fn lines_that_were_written_to_a_pipe_get_the_return_that_a_player_needs() {
    let frames = [
        frame(1, FrameKind::Output("a\nb\r".into())),
        frame(2, FrameKind::Output("\nc\n".into())),
        frame(3, FrameKind::Resize { columns: 80, rows: 24 }),
        frame(4, FrameKind::Output("d\n".into())),
    ];
    let mut out = Vec::new();
    asciicast(Reader::open(&file(&frames)[..]).unwrap(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let shown: Vec<&str> = text.lines().filter(|line| line.contains("\"o\"")).collect();
    assert_eq!(shown, [r#"[0.000001,"o","a\r\nb\r"]"#, r#"[0.000001,"o","\nc\r\n"]"#, r#"[0.000001,"o","d\n"]"#]);
}

#[test]
fn the_asciicast_has_intervals_whole_characters_and_the_exit_status() {
    let mut out = Vec::new();
    asciicast(Reader::open(&file(&session())[..]).unwrap(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let head: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(head["version"], 3);
    assert_eq!(head["term"]["cols"], 80);
    assert_eq!(head["timestamp"], 1_763_970_000);
    assert_eq!(
        &lines[1..],
        [
            r#"[0.001520,"o","On branch main\r\n"]"#,
            r#"[0.000080,"o","\u001b[31mwarning\u001b[0m: caf"]"#,
            r#"[1.998400,"r","90x30"]"#,
            "[0.100000,\"o\",\"é \u{fffd}\\n\"]",
            r#"[0.000001,"m","masked 2 email"]"#,
            r#"[0.000001,"i","y\n"]"#,
            r#"[0.399998,"x","3"]"#,
        ]
    );
}

#[test]
fn the_transcript_is_what_was_read_and_drives_no_terminal() {
    let mut out = Vec::new();
    transcript(Reader::open(&file(&session())[..]).unwrap(), &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "On branch main\nwarning: café \u{fffd}\n");
}

fn any_kind() -> impl Strategy<Value = FrameKind> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..80).prop_map(Bytes);
    prop_oneof![
        bytes().prop_map(FrameKind::Output),
        bytes().prop_map(FrameKind::Error),
        bytes().prop_map(FrameKind::Input),
        (any::<u16>(), any::<u16>()).prop_map(|(columns, rows)| FrameKind::Resize { columns, rows }),
        any::<String>().prop_map(FrameKind::Mark),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_frames_read_back_and_any_flipped_bit_shows(
        kinds in proptest::collection::vec(any_kind(), 0..12), at in 0i64..1 << 40, flip in any::<usize>(), bit in 0u8..8,
    ) {
        let mut frames: Vec<Frame> = kinds.into_iter().map(|kind| frame(at, kind)).collect();
        frames.push(frame(at, FrameKind::End(Exit::Signal(15))));
        let bytes = file(&frames);
        let read: Vec<Frame> = Reader::open(&bytes[..]).unwrap().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(&read, &frames);
        asciicast(Reader::open(&bytes[..]).unwrap(), &mut Vec::new()).unwrap();
        transcript(Reader::open(&bytes[..]).unwrap(), &mut Vec::new()).unwrap();

        let mut flipped = bytes.clone();
        let at = flip % flipped.len();
        flipped[at] ^= 1 << bit;
        prop_assert_ne!(Digest::of(&flipped), Digest::of(&bytes));
        if let Ok(summary) = summary(&flipped[..]) {
            prop_assert!(summary.torn > 0 && summary.exit.is_none(), "bit {bit} of byte {at} did not show");
        }
    }
}

proptest! {
    /// What is written by words is what serde_json would write, so that any reader of JSON reads it back.
    #[test]
    fn a_frame_is_written_as_serde_json_would(text in "([ -~]{0,40}[\\x00-\\x1f\"\\\\\u{7f}é\u{2028}😀]{0,3}){0,4}", at: i64) {
        for kind in [FrameKind::Output, FrameKind::Error, FrameKind::Input] {
            let frame = frame(at, kind(Bytes::from(text.as_str())));
            let line = Writer::begin(&header()).0.frame(&frame);
            let body = serde_json::to_vec(&frame).unwrap();
            prop_assert_eq!(&line[BEFORE.len() + 64 + AFTER.len()..line.len() - 1], &body[1..]);
            prop_assert_eq!((&line[..BEFORE.len()], &line[BEFORE.len() + 64..][..AFTER.len()]), (BEFORE, AFTER));
        }
    }
}
