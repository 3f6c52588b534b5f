//! Calls in an expression: functions by their names, and operators that are somebody's own.

use super::functions::{self, Manner};
use super::query::Walker;
use super::tree::Tree;

impl Walker {
    pub fn call(&mut self, call: Tree<'_>) {
        if !self.looks_at(self.functions.len()) {
            return;
        }
        let names = call.names("funcname");
        let shown = names.join(".");
        let note = |list: &mut Vec<String>, name: &str| {
            if !list.iter().any(|known| known == name) {
                list.push(name.to_owned());
            }
        };
        if names.last() == Some(&"set_config") {
            let mut words = call.list("args").map(|arg| arg.as_node("AConst").map(|c| c.field("val").as_node("Sval")));
            let mut word = || Some(words.next()??.as_ref()?.text("sval").to_owned());
            let (name, value) = (word().map(|name| name.to_ascii_lowercase()), word());
            self.configs.push((name, value));
        }
        match functions::manner(&names) {
            Manner::Harmless => return,
            Manner::Effect => {}
            Manner::ServerFile => note(&mut self.server_files, &shown),
            Manner::Unknown => note(&mut self.unknown_functions, &shown),
        }
        note(&mut self.functions, names.last().filter(|_| names.first() == Some(&"pg_catalog")).unwrap_or(&&*shown));
    }

    /// `OPERATOR(schema.+)`: whose function it calls is as open as if that were called by its name.
    pub fn operator(&mut self, expression: Tree<'_>, field: &str) {
        let names = expression.names(field);
        if let [schema, ..] = names.as_slice()
            && names.len() > 1
            && *schema != "pg_catalog"
            && self.looks_at(self.functions.len())
        {
            let shown = names.join(".");
            for list in [&mut self.unknown_functions, &mut self.functions] {
                if !list.contains(&shown) {
                    list.push(shown.clone());
                }
            }
        }
    }
}
