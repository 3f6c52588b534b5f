//! What a human is shown of a command. All of it was chosen by the agent: escaped here, cut here, and rid of what looks
//! like a secret (a token in a header, a password in an address), because pages and the audit log keep it.

use std::cmp::Reverse;

use crate::model::{Content, ContentSource, Invocation, Operation, Raw, Reading, visible};
use crate::redact::{Redactor, Settings};
use crate::wire::contract::Preview;

/// Characters of a command line that are kept.
const COMMAND: usize = 4_000;
/// Of one argument.
const ARGUMENT: usize = 1_000;
/// Of a content's beginning.
const PREVIEW: usize = 4_000;
/// Previews of one command.
const PREVIEWS: usize = 16;
/// Operations of one command that are spelt out.
const OPERATIONS: usize = 100;

/// One command's words.
pub struct Words {
    /// `None` where it cannot be made: then nothing that the agent wrote is shown at all.
    redactor: Option<Redactor>,
}

impl Words {
    pub fn new() -> Words {
        let settings = Settings { sets: &["secrets".to_owned()], secrets: &[] };
        Words { redactor: Redactor::new(&settings).ok() }
    }

    /// The command as typed: tool and arguments, quoted for a shell, control characters escaped.
    pub fn command(&mut self, invocation: &Invocation) -> String {
        let mut line = visible::line(invocation.tool.as_bytes(), ARGUMENT);
        for argument in &invocation.args {
            line.push(' ');
            line.push_str(&shell_words::quote(&visible::line(argument, ARGUMENT)));
            if line.len() > COMMAND {
                break;
            }
        }
        visible::line(self.clean(line).as_bytes(), COMMAND)
    }

    pub fn cwd(&mut self, invocation: &Invocation) -> String {
        let cwd = invocation.cwd.as_ref().map_or_else(|| "(unknown)".to_owned(), |cwd| visible::line(cwd, ARGUMENT));
        self.clean(cwd)
    }

    /// One line an operation, then one a doubt. Where there are too many, what is left out is counted and is what matters
    /// least: nothing that destroys can hide behind a hundred reads.
    pub fn operations(&mut self, reading: &Reading) -> Vec<String> {
        let all = reading.operations.len() + reading.doubts.len();
        let mut operations: Vec<&Operation> = reading.operations.iter().collect();
        if all > OPERATIONS {
            operations.sort_by_key(|operation| Reverse(operation.effect));
        }
        let doubts = reading.doubts.iter().map(|doubt| {
            let detail = visible::line(doubt.detail.as_bytes(), ARGUMENT);
            format!("doubt {}: {detail}", visible::line(doubt.kind.as_bytes(), ARGUMENT))
        });
        let spelt = OPERATIONS.saturating_sub(doubts.len());
        let lines = operations.into_iter().take(spelt).map(operation).chain(doubts).take(OPERATIONS);
        let mut lines: Vec<String> = lines.map(|line| self.clean(line)).collect();
        if all > lines.len() {
            lines.push(format!("and {} more", all - lines.len()));
        }
        lines
    }

    /// The beginnings of the contents that decide what the command does.
    pub fn previews(&mut self, contents: &[Content]) -> Vec<Preview> {
        let preview = |content: &Content| {
            let text = visible::text(content.bytes.get(..PREVIEW * 4).unwrap_or(&content.bytes), PREVIEW);
            let source = match &content.source {
                ContentSource::Stdin => "standard input".to_owned(),
                ContentSource::File(name) => visible::line(name, ARGUMENT),
            };
            Preview {
                source: self.clean(source),
                sha256: content.sha256,
                length: content.bytes.len() as u64,
                cut: content.truncated || content.bytes.len() > PREVIEW,
                text: self.clean(text),
            }
        };
        contents.iter().take(PREVIEWS).map(preview).collect()
    }

    /// The text without what looks like a secret. Masks are put in whole lines, and each text here ends one.
    fn clean(&mut self, text: String) -> String {
        let Some(redactor) = &mut self.redactor else { return "(not shown)".to_owned() };
        let mut bytes = redactor.push(Raw(format!("{text}\n").into_bytes())).into_vec();
        bytes.pop();
        // Text went in, and masks are text.
        String::from_utf8(bytes).unwrap_or_else(|_| "(not shown)".to_owned())
    }
}

fn operation(operation: &Operation) -> String {
    let effect = serde_json::to_value(operation.effect).ok().and_then(|value| value.as_str().map(str::to_owned));
    let mut line = format!(
        "{}: {} on {} {}",
        effect.unwrap_or_default(),
        operation.action,
        operation.resource.kind,
        operation.resource.id
    );
    for (key, value) in &operation.context {
        line.push_str(&format!(", {key} {value}"));
    }
    visible::line(line.as_bytes(), ARGUMENT)
}

#[cfg(test)]
mod tests {
    use super::Words;
    use crate::server::tests::{allow, judged};

    #[test]
    fn a_token_on_the_command_line_is_not_shown() {
        let mut words = Words::new();
        for line in [
            "https://user:hunter2-hunter2@git.example/acme/app",
            "Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789",
            "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB",
        ] {
            let shown = words.command(&judged(line, allow()).invocation);
            let secret = line.split([':', ' ', '@']).map(str::trim).max_by_key(|part| part.len()).unwrap();
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(secret.len() <= 30 || !shown.contains(secret), "{shown}");
            assert!(shown.starts_with("git "), "{shown}");
        }
        assert_eq!(words.command(&judged("push\x1b[2J", allow()).invocation), "git 'push\\x1b[2J'");
    }
}
