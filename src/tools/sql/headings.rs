//! What the heading of a result says of the column below it. Masks of columns go by headings, so a column that is shown
//! under another name than its own, or under one that breaks the table, is as good as used.

use super::Verb;
use super::derived::{Derived, Origin};
use super::query::Walker;
use super::tree::{Arena, Value};

impl Walker {
    /// Rows that are shown as they are.
    pub fn show(&mut self, rows: &Derived) {
        if !self.looks_at(rows.size()) {
            return;
        }
        for (heading, origins) in &rows.outputs {
            let renamed: Vec<Origin> = origins.iter().filter(|(_, column)| column != heading).cloned().collect();
            self.mark_all(&renamed, true);
        }
    }

    /// Rows that are shown below other rows' headings. Which is below which is not in the text where one of the two is `*`.
    pub fn beneath(&mut self, above: &Derived, rows: &Derived) {
        if !(above.stars.is_empty() && rows.stars.is_empty()) && self.looks_at(rows.size()) {
            self.mark_all(&rows.all(), true);
        }
    }

    /// No heading can be told from the text: all that is looked at is as good as used.
    pub fn show_nothing(&mut self) {
        for access in self.accesses.iter_mut().filter(|access| access.verb == Verb::Select) {
            access.outside.clone_from(&access.columns);
        }
    }
}

/// Whether the statement gives a column a name that breaks the table in which psql shows it: over several lines, or with
/// what stands between two columns.
pub fn break_tables(statement: &Arena) -> bool {
    let mut names_end = 0;
    statement.items.iter().enumerate().any(|(at, item)| {
        if matches!(item.name, "colnames" | "aliascolnames") {
            names_end = item.next;
        }
        let is_name = at < names_end || matches!(item.name, "name" | "colname");
        let Value::Text(from, to) = item.value else { return false };
        is_name && statement.text.get(from..to).is_none_or(|name| name.contains(breaks))
    })
}

fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '|' | '\u{2502}' | '\u{2028}' | '\u{2029}')
}
