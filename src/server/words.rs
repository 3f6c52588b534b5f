//! What a human is shown of a command. All of it was chosen by the agent: escaped here, cut here, nowhere else.

use crate::model::{Content, ContentSource, Invocation, Operation, Reading, visible};
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

/// The command as typed: tool and arguments, quoted for a shell, control characters escaped.
pub fn command(invocation: &Invocation) -> String {
    let mut line = visible::line(invocation.tool.as_bytes(), ARGUMENT);
    for argument in &invocation.args {
        line.push(' ');
        line.push_str(&shell_words::quote(&visible::line(argument, ARGUMENT)));
        if line.len() > COMMAND {
            break;
        }
    }
    visible::line(line.as_bytes(), COMMAND)
}

pub fn cwd(invocation: &Invocation) -> String {
    invocation.cwd.as_ref().map_or_else(|| "(unknown)".to_owned(), |cwd| visible::line(cwd, ARGUMENT))
}

/// One line an operation, then one a doubt; what is left out is counted.
pub fn operations(reading: &Reading) -> Vec<String> {
    let all = reading.operations.len() + reading.doubts.len();
    let doubts = reading.doubts.iter().map(|doubt| {
        let detail = visible::line(doubt.detail.as_bytes(), ARGUMENT);
        format!("doubt {}: {detail}", visible::line(doubt.kind.as_bytes(), ARGUMENT))
    });
    let mut lines: Vec<String> = reading.operations.iter().map(operation).chain(doubts).take(OPERATIONS).collect();
    if all > lines.len() {
        lines.push(format!("and {} more", all - lines.len()));
    }
    lines
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

/// The beginnings of the contents that decide what the command does.
pub fn previews(contents: &[Content]) -> Vec<Preview> {
    contents
        .iter()
        .take(PREVIEWS)
        .map(|content| {
            let text = visible::text(content.bytes.get(..PREVIEW * 4).unwrap_or(&content.bytes), PREVIEW);
            Preview {
                source: match &content.source {
                    ContentSource::Stdin => "standard input".to_owned(),
                    ContentSource::File(name) => visible::line(name, ARGUMENT),
                },
                sha256: content.sha256,
                length: content.bytes.len() as u64,
                cut: content.truncated || content.bytes.len() > PREVIEW,
                text,
            }
        })
        .collect()
}
