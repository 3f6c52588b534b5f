//! INSERT, UPDATE, DELETE and MERGE: what they change, and what they look at to do so.

use super::Verb;
use super::derived::{Derived, Relation, Source};
use super::query::Walker;
use super::tree::Tree;

impl Walker {
    /// The table that is changed, as something whose columns can be named.
    fn target(&mut self, statement: Tree<'_>, verb: Verb) -> (usize, usize) {
        let table = statement.field("relation");
        let changed = self.table(table, verb);
        // What is only looked at in it counts as read, once something is.
        let read = self.table(table, Verb::Select);
        let alias = table.field("alias").text("aliasname");
        let name = if alias.is_empty() { table.text("relname") } else { alias };
        self.scopes.push(vec![Relation { name: name.to_owned(), source: Source::Table(read) }]);
        (changed, read)
    }

    /// Leaves the target's scope; a table in which nothing was looked at was not read.
    fn leave(&mut self, statement: Tree<'_>) -> Derived {
        let returning = statement.field("returning_clause");
        let list = if returning.is_nothing() { statement.field("returning_list") } else { returning.field("exprs") };
        let derived = self.outputs(list, false);
        self.scopes.pop();
        self.ctes.pop();
        derived
    }

    pub fn insert(&mut self, insert: Tree<'_>) -> Derived {
        self.with(insert);
        self.scopes.push(Vec::new());
        let source = insert.field("select_stmt");
        self.rows(source, true);
        self.scopes.pop();
        let (changed, _) = self.target(insert, Verb::Insert);
        self.written(changed, insert.list("cols"));
        let conflict = insert.field("on_conflict_clause");
        if !conflict.is_nothing() {
            let set: Vec<Tree<'_>> = conflict.list("target_list").collect();
            if !set.is_empty() {
                let updated = self.table(insert.field("relation"), Verb::Update);
                self.set(updated, set.into_iter());
            }
            for element in conflict.field("infer").list("index_elems").filter_map(|e| e.as_node("IndexElem")) {
                if !element.text("name").is_empty() {
                    self.column(&[element.text("name")], true);
                }
            }
            self.expression(conflict.field("infer"), true);
            self.expression(conflict.field("where_clause"), true);
        }
        self.leave(insert)
    }

    /// The columns that are written; none named means all.
    fn written<'a>(&mut self, index: usize, columns: impl Iterator<Item = Tree<'a>>) {
        let mut any = false;
        for column in columns.filter_map(|c| c.as_node("ResTarget")) {
            any = true;
            self.mark(index, column.text("name"), false);
        }
        if !any {
            self.mark(index, "*", false);
        }
    }

    fn set<'a>(&mut self, index: usize, targets: impl Iterator<Item = Tree<'a>>) {
        for target in targets.filter_map(|t| t.as_node("ResTarget")) {
            self.mark(index, target.text("name"), false);
            self.expression(target.field("val"), true);
            self.expression(target.field("indirection"), true);
        }
    }

    pub fn update(&mut self, update: Tree<'_>) -> Derived {
        self.with(update);
        let (changed, _) = self.target(update, Verb::Update);
        for item in update.list("from_clause") {
            self.from(item);
        }
        self.set(changed, update.list("target_list"));
        self.expression(update.field("where_clause"), true);
        self.leave(update)
    }

    pub fn delete(&mut self, delete: Tree<'_>) -> Derived {
        self.with(delete);
        self.target(delete, Verb::Delete);
        for item in delete.list("using_clause") {
            self.from(item);
        }
        self.expression(delete.field("where_clause"), true);
        self.leave(delete)
    }

    pub fn merge(&mut self, merge: Tree<'_>) -> Derived {
        self.with(merge);
        let table = merge.field("relation");
        let read = self.table(table, Verb::Select);
        let alias = table.field("alias").text("aliasname");
        let name = if alias.is_empty() { table.text("relname") } else { alias };
        self.scopes.push(vec![Relation { name: name.to_owned(), source: Source::Table(read) }]);
        self.from(merge.field("source_relation"));
        self.expression(merge.field("join_condition"), true);
        for when in merge.list("merge_when_clauses").filter_map(|w| w.as_node("MergeWhenClause")) {
            self.expression(when.field("condition"), true);
            self.expression(when.field("values"), true);
            let command = when.number("command_type");
            if command == pg_query::protobuf::CmdType::CmdInsert as i64 {
                let index = self.table(table, Verb::Insert);
                self.written(index, when.list("target_list"));
            } else if command == pg_query::protobuf::CmdType::CmdUpdate as i64 {
                let index = self.table(table, Verb::Update);
                self.set(index, when.list("target_list"));
            } else if command == pg_query::protobuf::CmdType::CmdDelete as i64 {
                self.table(table, Verb::Delete);
            }
        }
        self.leave(merge)
    }
}
