//! The commands of the extended protocol: `\bind` (16), statements that are prepared by name, and pipelines (18).

use super::run::{Message, Runner, Script, Status};
use super::slash::Kind;
use super::version::Version;

/// Commands that psql does not take while a pipeline is open (command.c, "not allowed in pipeline mode").
const NOT_PIPED: &[&str] = &["g", "gx", "gexec", "gset", "watch"];

impl Runner<'_> {
    /// Whether psql says no to this command because of an open pipeline.
    pub fn piped_out(&self, script: &mut Script, name: &str) -> bool {
        let refused = self.pipeline == Some(true) && script.conditions.certain() && NOT_PIPED.contains(&name);
        if refused {
            script.message = Message::None;
            if name == "watch" {
                script.query.clear();
                script.lexer.reset();
            }
        }
        refused
    }

    pub fn extended(&mut self, script: &mut Script, name: &str) -> Status {
        let known = if name == "bind" { Version::binds } else { Version::pipelines };
        if !self.knows(name, known) {
            return Status::Error;
        }
        let first = self.argument(script, Kind::Normal, false);
        let said = first.is_some();
        self.rest(script, Kind::Normal);
        match name {
            "bind" => script.message = Message::Bound,
            "parse" | "bind_named" | "close_prepared" if !said => {
                script.message = Message::None;
                return Status::Error;
            }
            "parse" => {
                script.message = Message::Parsed;
                return Status::Send;
            }
            "bind_named" => script.message = Message::Named,
            "sendpipeline" => {
                if matches!(script.message, Message::Bound | Message::Named) && self.pipeline != Some(false) {
                    return Status::Send;
                }
                script.message = Message::None;
                return Status::Error;
            }
            "getresults" if first.is_some_and(|count| !count.unknown && !is_count(&count.text)) => {
                return Status::Error;
            }
            _ => {
                match name {
                    "startpipeline" => self.pipelines(script, true),
                    "endpipeline" => self.pipelines(script, false),
                    _ => {}
                }
                // A message goes in the place of the statement that was typed.
                script.message = Message::None;
                script.previous = std::mem::take(&mut script.query);
                script.lexer.reset();
            }
        }
        Status::Skip
    }

    fn pipelines(&mut self, script: &Script, opens: bool) {
        self.pipeline = if script.conditions.certain() { Some(opens) } else { None };
    }
}

/// How many results: not less than none.
fn is_count(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}
