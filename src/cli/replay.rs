//! Plays a recording at its own pace. What the agent's tools wrote reaches a terminal here, so by default only what
//! draws is let through; and however playing ends, the terminal is left as it was.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::sessions::{open, unreadable};
use super::{Complaint, runtime};
use crate::model::{Exit, Frame, FrameKind};

/// Undoes what a recording may have set: colours, a hidden cursor, the other screen, a scroll region, mouse reports.
const RESTORE: &[u8] =
    b"\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[r\x1b[?7h\x1b[?25h\x1b[0m\n";

/// How fast.
pub struct Pace {
    speed: f64,
    idle: Option<Duration>,
    raw: bool,
}

impl Pace {
    pub fn new(speed: f64, idle: Option<f64>, raw: bool) -> Result<Self, Complaint> {
        let wrong = |what: &str| Complaint::new("replaying", format!("{what} must be a number above 0"));
        if !(speed.is_finite() && speed > 0.0) {
            return Err(wrong("--speed"));
        }
        let idle = match idle {
            Some(seconds) => Some(Duration::try_from_secs_f64(seconds).map_err(|_| wrong("--idle-limit"))?),
            None => None,
        };
        Ok(Pace { speed, idle, raw })
    }

    fn pause(&self, micros: i64) -> Duration {
        let pause = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        let pause = self.idle.map_or(pause, |idle| pause.min(idle));
        Duration::try_from_secs_f64(pause.as_secs_f64() / self.speed).unwrap_or(pause)
    }
}

/// Plays to standard output; Ctrl-C ends it like any end.
pub fn play(recording: File, pace: &Pace) -> anyhow::Result<ExitCode> {
    let terminal = io::stdout().is_terminal();
    let played = runtime()?.block_on(async {
        tokio::select! {
            played = frames(recording, pace) => played,
            stopped = tokio::signal::ctrl_c() => stopped.map_err(anyhow::Error::from).map(|()| None),
        }
    });
    if terminal {
        let mut out = io::stdout().lock();
        out.write_all(RESTORE)?;
        out.flush()?;
    }
    if let Some(end) = played? {
        eprintln!("portcullis: {end}");
    }
    Ok(ExitCode::SUCCESS)
}

async fn frames(recording: File, pace: &Pace) -> anyhow::Result<Option<String>> {
    let mut reader = open(recording)?;
    let (mut output, mut error) = (Drawing::default(), Drawing::default());
    let mut due = Instant::now();
    let mut last = 0;
    while let Some(Frame { at, kind }) = reader.frame().map_err(|error| unreadable(&error))? {
        due += pace.pause(at.0 - last);
        last = at.0;
        let shown = match kind {
            FrameKind::Output(bytes) if pace.raw => bytes.0,
            FrameKind::Error(bytes) if pace.raw => bytes.0,
            FrameKind::Output(bytes) => output.only(&bytes),
            FrameKind::Error(bytes) => error.only(&bytes),
            FrameKind::End(exit) => return Ok(Some(ended(exit))),
            FrameKind::Input(_) | FrameKind::Resize { .. } | FrameKind::Mark(_) => continue,
        };
        sleep_until(due).await;
        let mut out = io::stdout().lock();
        out.write_all(&shown)?;
        out.flush()?;
    }
    Ok(Some("the recording breaks off here".to_owned()))
}

fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("ended with exit code {code}"),
        Exit::Signal(signal) => format!("killed by signal {signal}"),
        Exit::Lost => "nobody saw the end: the shim or the keeper was killed".to_owned(),
    }
}

/// Lets text, newlines and the control sequences that draw (ECMA-48 CSI with a final that moves, clears or colours)
/// through, over the edges of frames. Strings to the terminal (OSC, DCS, APC), reports that it would answer on its
/// input, and window operations are left out.
#[derive(Default)]
struct Drawing {
    state: State,
    held: Vec<u8>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After 0xc2: U+0080 to U+009f are control characters to some terminals.
    Lead,
    Escape,
    Control,
    Command,
    CommandEscape,
}

impl Drawing {
    const FINALS: &'static [u8] = b"@ABCDEFGHJKLMPSTXZ`adefhlmrsu";
    const LONGEST: usize = 64;

    fn only(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.state = self.step(byte, &mut out);
        }
        out
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> State {
        match (self.state, byte) {
            (State::Text, 0x1b) => State::Escape,
            (State::Text, 0xc2) => State::Lead,
            (State::Lead, 0x80..=0x9f) => State::Text,
            (State::Lead, byte) => {
                out.push(0xc2);
                self.state = State::Text;
                self.step(byte, out)
            }
            (State::Text, b'\n' | b'\r' | b'\t' | 0x07 | 0x08 | 0x20..=0x7e | 0x80..) => {
                out.push(byte);
                State::Text
            }
            (State::Text, _) => State::Text,
            (State::Escape, b'[') => {
                self.held = b"\x1b[".to_vec();
                State::Control
            }
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => State::Command,
            (State::Escape, b'7' | b'8' | b'M' | b'D' | b'E') => {
                out.extend([0x1b, byte]);
                State::Text
            }
            // A character set is two bytes after the escape.
            (State::Escape, 0x20..=0x2f) => State::Escape,
            (State::Escape, _) => State::Text,
            (State::Control, 0x40..=0x7e) => {
                if Self::FINALS.contains(&byte) && self.held.len() < Self::LONGEST {
                    out.append(&mut self.held);
                    out.push(byte);
                }
                self.held.clear();
                State::Text
            }
            (State::Control, 0x20..=0x3f) => {
                if self.held.len() < Self::LONGEST {
                    self.held.push(byte);
                }
                State::Control
            }
            (State::Control, _) => State::Text,
            (State::Command, 0x07) => State::Text,
            (State::Command, 0x1b) => State::CommandEscape,
            (State::Command, _) => State::Command,
            (State::CommandEscape, b'\\') => State::Text,
            (State::CommandEscape, _) => State::Command,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Drawing, Pace};

    #[test]
    fn colours_are_played_and_nothing_that_reaches_past_the_screen_is() {
        let mut drawing = Drawing::default();
        assert_eq!(drawing.only(b"\x1b[1;31mred\x1b[0m\n"), b"\x1b[1;31mred\x1b[0m\n");
        assert_eq!(drawing.only(b"a\x1b]52;c;ZXZpbA==\x07b\x1b]0;title\x1b\\c"), b"abc", "clipboard and title");
        assert_eq!(drawing.only(b"\x1b[6n\x1b[c\x1b[21t\x05d"), b"d", "what a terminal would answer");
        let mut halves = drawing.only(b"x\x1b[3");
        halves.extend(drawing.only(b"2my"));
        assert_eq!(halves, b"x\x1b[32my", "over the edge of a frame");
        assert_eq!(drawing.only("é £ \u{9b}6n".as_bytes()), "é £ 6n".as_bytes(), "one-character control sequences");
    }

    #[test]
    fn long_pauses_are_cut_and_the_rest_is_sped_up() {
        let pace = Pace::new(2.0, Some(1.0), false).unwrap();
        assert_eq!(pace.pause(10_000_000), Duration::from_millis(500));
        assert_eq!(pace.pause(-5), Duration::ZERO);
        assert!(Pace::new(0.0, None, false).is_err());
        assert!(Pace::new(1.0, Some(-1.0), false).is_err());
    }
}
