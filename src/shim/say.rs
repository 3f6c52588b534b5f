//! Every message of a shim: on standard error, lower case, what happened, why, what next. Nothing is said when a
//! command is allowed and nothing was masked.
//!
//! Whatever a message quotes may be the agent's own words, so it is escaped.

use std::io::Write;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::env;
use crate::model::{ApprovalTicket, InvocationId, Micros, Refusal, visible};
use crate::wire::frames::Failure;

/// The longest part of a message, in characters.
const MOST: usize = 2000;

/// The parts of one message; the first is its kind and what it is about.
type Parts = Vec<(&'static str, String)>;

/// How this caller wants messages.
pub struct Say {
    json: bool,
    github: bool,
    gitlab: bool,
}

impl Say {
    pub fn as_asked() -> Self {
        Say { json: env::messages_as_json(), github: env::github_actions(), gitlab: env::gitlab_ci() }
    }

    pub fn refused(&self, refusal: &Refusal, id: Option<&InvocationId>, notes: &[String]) {
        let mut parts = vec![("refused", refusal.what.clone()), ("why", refusal.why.clone())];
        parts.extend(notes.iter().map(|note| ("note", note.clone())));
        parts.extend(refusal.hint.clone().map(|hint| ("hint", hint)));
        parts.extend(id.map(|id| ("id", id.to_string())));
        self.say("error", &parts);
    }

    pub fn failed(&self, failure: &Failure, id: Option<&InvocationId>) {
        let mut parts = vec![("failed", failure.what.clone()), ("why", failure.why.clone())];
        parts.extend(failure.hint.clone().map(|hint| ("hint", hint)));
        parts.extend(id.map(|id| ("id", id.to_string())));
        self.say("error", &parts);
    }

    /// Said once, and again when somebody has approved and more are needed.
    pub fn waiting(&self, ticket: &ApprovalTicket) {
        if self.gitlab && !self.json {
            self.write(&section("start", "waiting for approval"));
        }
        let left = ticket.needed.saturating_sub(ticket.given);
        let what = format!("{} needs {left} of {}", ticket.what, ticket.groups.join(", "));
        self.say(
            "notice",
            &[
                ("waiting", what),
                ("where", format!("{} (until {})", ticket.url, clock(ticket.expires))),
                (
                    "hint",
                    "not refused, nobody has answered yet; run the same command again to go on waiting; do not try \
                     another way"
                        .to_owned(),
                ),
                ("id", ticket.id.to_string()),
            ],
        );
    }

    /// The heartbeat.
    pub fn still_waiting(&self, ticket: &ApprovalTicket, waited: Duration) {
        self.say("", &[("waiting", format!("{} s so far, at {}", waited.as_secs(), ticket.url))]);
    }

    pub fn answered(&self) {
        if self.gitlab && !self.json {
            self.write(&section("end", ""));
        }
    }

    /// The wait is over without an answer: exit 124.
    pub fn not_in_time(&self, ticket: &ApprovalTicket, waited: Duration) {
        self.say(
            "warning",
            &[
                ("pending", format!("nobody answered within {} s", waited.as_secs())),
                ("where", format!("{} (until {})", ticket.url, clock(ticket.expires))),
                (
                    "hint",
                    "not refused, and nothing was run; the question stays open; run the same command again to go on \
                     waiting; do not try another way"
                        .to_owned(),
                ),
                ("id", ticket.id.to_string()),
            ],
        );
    }

    pub fn masked(&self, counts: &[(String, u64)]) {
        if !counts.is_empty() {
            let list: Vec<_> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            self.say("", &[("masked", list.join(", "))]);
        }
    }

    /// `level` is a GitHub annotation's; empty: none.
    fn say(&self, level: &str, parts: &[(&'static str, String)]) {
        let parts: Parts = parts.iter().map(|(name, text)| (*name, visible::line(text.as_bytes(), MOST))).collect();
        if self.json {
            return self.write(&json(&parts));
        }
        let mut text: String = parts.iter().map(|(name, text)| format!("portcullis: {name}: {text}\n")).collect();
        if self.github && !level.is_empty() {
            text.push_str(&annotation(level, &parts));
        }
        self.write(&text);
    }

    /// One write, so that lines of processes that share a terminal do not mix. A caller without standard error hears
    /// nothing, and there is nobody to tell.
    fn write(&self, text: &str) {
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

fn json(parts: &[(&'static str, String)]) -> String {
    let mut object = Map::new();
    let Some(((kind, what), rest)) = parts.split_first() else { return String::new() };
    object.insert("portcullis".to_owned(), Value::from(*kind));
    object.insert("what".to_owned(), Value::from(what.as_str()));
    for (name, text) in rest {
        object.insert((*name).to_owned(), Value::from(text.as_str()));
    }
    format!("{}\n", Value::Object(object))
}

/// A workflow command of GitHub Actions (docs.github.com, "Workflow commands"): `%`, CR and LF are escaped; a title
/// takes no `:` and no `,`.
fn annotation(level: &str, parts: &[(&'static str, String)]) -> String {
    let Some(((kind, what), rest)) = parts.split_first() else { return String::new() };
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let lines: Vec<_> = rest.iter().map(|(name, text)| escape(&format!("{name}: {text}"))).collect();
    format!("::{level} title=portcullis {kind}::{}%0A{}\n", escape(what), lines.join("%0A"))
}

/// A collapsible section of a GitLab job log.
fn section(edge: &str, title: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("\x1b[0Ksection_{edge}:{now}:portcullis_wait\r\x1b[0K{title}\n")
}

/// `18:05 UTC`, with the date where it is not within the next half day.
fn clock(at: Micros) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    clock_seen_from(at, i64::try_from(now).unwrap_or(0))
}

fn clock_seen_from(at: Micros, now: i64) -> String {
    let seconds = at.0.div_euclid(1_000_000);
    let of_day = seconds.rem_euclid(86_400);
    let time = format!("{:02}:{:02} UTC", of_day / 3600, of_day % 3600 / 60);
    if (seconds - now).abs() < 43_200 {
        return time;
    }
    let (year, month, day) = date(seconds.div_euclid(86_400));
    format!("{year}-{month:02}-{day:02} {time}")
}

/// The Gregorian date of a day counted from 1970-01-01: years that begin in March, in eras of 400 years.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{annotation, clock_seen_from, date, json};
    use crate::model::Micros;

    #[test]
    fn a_message_is_one_json_object_or_one_annotation() {
        let parts = [("refused", "git push 100%".to_owned()), ("why", "because".to_owned())];
        assert_eq!(json(&parts), "{\"portcullis\":\"refused\",\"what\":\"git push 100%\",\"why\":\"because\"}\n");
        assert_eq!(annotation("error", &parts), "::error title=portcullis refused::git push 100%25%0Awhy: because\n");
    }

    #[test]
    fn a_time_is_of_day_and_gets_its_date_when_it_is_far() {
        assert_eq!(clock_seen_from(Micros::seconds(1_700_000_000), 1_700_000_000), "22:13 UTC");
        assert_eq!(clock_seen_from(Micros::seconds(1_700_000_000), 0), "2023-11-14 22:13 UTC");
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(-1), (1969, 12, 31));
    }
}
