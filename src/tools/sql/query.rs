//! Queries: which tables and columns they touch, and where a column is used.
//!
//! Names are resolved as far as the text allows. The text does not say which columns a table has, so a bare column
//! belongs to every table in reach; a column of a subquery or CTE is followed back to the tables it comes from.
//! Whatever cannot be followed counts as every column.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use pg_query::protobuf::SetOperation;

use super::derived::{Derived, Origin, Relation, Source};
use super::kinds;
use super::tree::Tree;
use super::{Access, Verb};

/// How many tables and columns are gone through to find whose the names of one statement are, at most.
const MOST_LOOKED_AT: usize = 3_000_000;

/// Most queries of one WITH RECURSIVE that are followed through each other.
const RECURSIVE: usize = 4;

/// Gathers what a statement touches.
#[derive(Debug, Default)]
pub struct Walker {
    pub accesses: Vec<Access>,
    pub nested: Vec<String>,
    pub functions: Vec<String>,
    pub unknown_functions: Vec<String>,
    pub server_files: Vec<String>,
    /// What `set_config` sets: the name and the value, where they are constants.
    pub configs: Vec<(Option<String>, Option<String>)>,
    pub scopes: Vec<Vec<Relation>>,
    pub ctes: Vec<BTreeMap<String, Derived>>,
    /// WITH RECURSIVE clauses that are being walked again.
    recursion: usize,
    /// Where the access to a table stands: schema, name, verb.
    places: HashMap<(String, String, Verb), usize>,
    looked_at: usize,
}

impl Walker {
    /// Whether names lead to so many places that nobody should follow them. Once it does, none is followed any more.
    pub fn tired(&self) -> bool {
        self.looked_at > MOST_LOOKED_AT
    }

    pub fn looks_at(&mut self, count: usize) -> bool {
        self.looked_at = self.looked_at.saturating_add(count);
        !self.tired()
    }

    /// Notes a table; the same table with the same verb is one access.
    pub fn table(&mut self, table: Tree<'_>, verb: Verb) -> usize {
        let schema = [table.text("catalogname"), table.text("schemaname")].map(str::to_owned);
        let schema = schema.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        self.access(schema, table.text("relname").to_owned(), verb)
    }

    pub fn access(&mut self, schema: String, name: String, verb: Verb) -> usize {
        let accesses = &mut self.accesses;
        *self.places.entry((schema, name, verb)).or_insert_with_key(|(schema, name, verb)| {
            let (columns, outside) = (BTreeSet::new(), BTreeSet::new());
            accesses.push(Access { schema: schema.clone(), name: name.clone(), verb: *verb, columns, outside });
            accesses.len() - 1
        })
    }

    /// Every table anywhere below, for statements whose inside is of no further interest.
    pub fn tables_below(&mut self, tree: Tree<'_>, verb: Verb) {
        if let Some(table) = tree.as_node("RangeVar") {
            self.table(table, verb);
        } else if tree.is_bare_table() {
            self.table(tree, verb);
        } else if let Some(call) = tree.as_node("FuncCall") {
            self.call(call);
        }
        for child in tree.children() {
            self.tables_below(child, verb);
        }
    }

    /// A statement that gives rows. `outside` where its rows decide or become something instead of being shown.
    pub fn rows(&mut self, statement: Tree<'_>, outside: bool) -> Derived {
        match statement.node() {
            Some(("SelectStmt", select)) => self.select(select, outside),
            Some(("InsertStmt", insert)) => self.insert(insert),
            Some(("UpdateStmt", update)) => self.update(update),
            Some(("DeleteStmt", delete)) => self.delete(delete),
            Some(("MergeStmt", merge)) => self.merge(merge),
            Some((_, other)) => {
                self.tables_below(other, Verb::Select);
                Derived::default()
            }
            None => Derived::default(),
        }
    }

    pub fn select(&mut self, select: Tree<'_>, outside: bool) -> Derived {
        self.with(select);
        let derived = if select.field("larg").is_nothing() {
            self.simple_select(select, outside)
        } else {
            // Rows that are compared with other rows decide: UNION drops what is there already.
            let adds = select.number("op") == SetOperation::SetopUnion as i64 && select.flag("all");
            let mut left = self.select(select.field("larg"), outside || !adds);
            let right = self.select(select.field("rarg"), outside || !adds);
            self.beneath(&left, &right);
            for (at, (_, origins)) in right.outputs.into_iter().enumerate() {
                if let Some((_, more)) = left.outputs.get_mut(at) {
                    more.extend(origins);
                }
            }
            left.stars.extend(right.stars);
            left.bases.extend(right.bases);
            self.order(select, &left);
            left
        };
        self.ctes.pop();
        derived
    }

    fn simple_select(&mut self, select: Tree<'_>, outside: bool) -> Derived {
        self.scopes.push(Vec::new());
        for item in select.list("from_clause") {
            self.from(item);
        }
        let derived = self.outputs(select.field("target_list"), outside);
        for field in ["where_clause", "having_clause", "limit_offset", "limit_count"] {
            self.expression(select.field(field), true);
        }
        for field in ["window_clause", "distinct_clause", "values_lists"] {
            self.expression(select.field(field), field != "values_lists" || outside);
        }
        self.order(select, &derived);
        self.locks(select);
        self.scopes.pop();
        derived
    }

    /// FOR UPDATE and its kin need the right to update.
    fn locks(&mut self, select: Tree<'_>) {
        let locked: Vec<usize> = match select.list("locking_clause").next() {
            None => return,
            Some(_) => self.scopes.last().into_iter().flatten().filter_map(Relation::table).collect(),
        };
        for index in locked {
            let Access { schema, name, .. } = self.accesses[index].clone();
            self.access(schema, name, Verb::Update);
        }
    }

    /// ORDER BY and GROUP BY: a number or a name may stand for an output.
    fn order(&mut self, select: Tree<'_>, outputs: &Derived) {
        for item in select.list("sort_clause").chain(select.list("group_clause")) {
            let inner = item.as_node("SortBy").map_or(item, |by| by.field("node"));
            if let Some(number) = inner.as_node("AConst").and_then(|c| c.field("val").as_node("Ival")) {
                let at = usize::try_from(number.number("ival")).unwrap_or(0);
                if !self.looks_at(outputs.bases.len()) {
                    return;
                }
                match outputs.outputs.get(at.wrapping_sub(1)).filter(|_| outputs.stars.is_empty()) {
                    Some((_, origins)) => self.mark_all(&origins.clone(), true),
                    None => self.mark_bases(outputs),
                }
                continue;
            }
            let names = inner.as_node("ColumnRef").map(|column| column.names("fields")).unwrap_or_default();
            if !self.looks_at(outputs.outputs.len()) {
                return;
            }
            if let [name] = names.as_slice() {
                let named: Vec<Origin> =
                    outputs.outputs.iter().filter(|(n, _)| n == name).flat_map(|(_, o)| o.clone()).collect();
                self.mark_all(&named, true);
            }
            self.expression(inner, true);
        }
    }

    pub fn with(&mut self, statement: Tree<'_>) {
        self.ctes.push(BTreeMap::new());
        let with = statement.field("with_clause");
        let ctes: Vec<Tree<'_>> = with.list("ctes").filter_map(|cte| cte.as_node("CommonTableExpr")).collect();
        if !with.flag("recursive") {
            return self.define_all(&ctes);
        }
        for cte in &ctes {
            self.define(cte.text("ctename"), Derived::default());
        }
        self.define_all(&ctes);
        if self.recursion > 0 || ctes.len() > RECURSIVE {
            // Followed no further: any column of any table may come out of it changed.
            for access in &mut self.accesses {
                access.columns.insert("*".to_owned());
                access.outside.insert("*".to_owned());
            }
            return;
        }
        // Each may look at itself and at those behind it: now that it is known what these give, they are walked again,
        // as often as the longest chain of them needs.
        self.recursion += 1;
        let nested = self.nested.len();
        for _ in &ctes {
            self.define_all(&ctes);
        }
        self.nested.truncate(nested);
        self.recursion -= 1;
    }

    fn define_all(&mut self, ctes: &[Tree<'_>]) {
        for cte in ctes {
            let query = cte.field("ctequery");
            if let Some(kind) = kinds::of(query).filter(|kind| kind != "SELECT") {
                self.nested.push(kind);
            }
            let mut derived = self.rows(query, false);
            derived.rename(cte.names("aliascolnames"));
            self.define(cte.text("ctename"), derived);
        }
    }

    fn define(&mut self, name: &str, derived: Derived) {
        if let Some(frame) = self.ctes.last_mut() {
            frame.insert(name.to_owned(), derived);
        }
    }

    pub fn from(&mut self, item: Tree<'_>) {
        match item.node() {
            Some(("RangeVar", table)) => self.relation_of(table, Verb::Select),
            Some(("JoinExpr", join)) => self.join(join),
            Some(("RangeSubselect", sub)) => {
                let mut derived = self.rows(sub.field("subquery"), false);
                derived.rename(sub.field("alias").names("colnames"));
                self.relate(sub.field("alias").text("aliasname"), Source::Derived(derived));
            }
            Some(("RangeTableSample", sample)) => {
                self.from(sample.field("relation"));
                self.expression(sample.field("args"), true);
            }
            Some((_, other)) => {
                self.expression(other, true);
                self.relate(other.field("alias").text("aliasname"), Source::Derived(Derived::default()));
            }
            None => {}
        }
    }

    fn relation_of(&mut self, table: Tree<'_>, verb: Verb) {
        let name = table.text("relname");
        let alias = table.field("alias").text("aliasname");
        let called = if alias.is_empty() { name } else { alias };
        let cte = if table.text("schemaname").is_empty() && verb == Verb::Select {
            let known = self.ctes.iter().rev().find_map(|frame| frame.get(name));
            if self.tired() { known.map(|_| Derived::default()) } else { known.cloned() }
        } else {
            None
        };
        let renamed = table.field("alias").names("colnames");
        let source = match cte {
            Some(mut derived) => {
                self.looks_at(derived.size());
                derived.rename(renamed);
                Source::Derived(derived)
            }
            None => {
                let index = self.table(table, verb);
                if renamed.is_empty() {
                    Source::Table(index)
                } else {
                    // The text gives the columns other names: any of them may be any column.
                    self.mark(index, "*", true);
                    Source::Derived(Derived { bases: vec![index], stars: vec![index], ..Derived::default() })
                }
            }
        };
        self.relate(called, source);
    }

    fn relate(&mut self, name: &str, source: Source) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(Relation { name: name.to_owned(), source });
        }
    }

    fn join(&mut self, join: Tree<'_>) {
        self.from(join.field("larg"));
        self.from(join.field("rarg"));
        for name in join.names("using_clause") {
            self.column(&[name], true);
        }
        if join.flag("is_natural") {
            self.star(None, true);
        }
        self.expression(join.field("quals"), true);
    }

    /// A select list or RETURNING list.
    pub fn outputs(&mut self, targets: Tree<'_>, outside: bool) -> Derived {
        let mut derived = Derived::default();
        for target in targets.items().filter_map(|t| t.as_node("ResTarget")) {
            let value = target.field("val");
            let column = value.as_node("ColumnRef");
            let last_is_star =
                column.is_some_and(|c| c.list("fields").last().is_some_and(|f| f.as_node("AStar").is_some()));
            if let (Some(column), true) = (column, last_is_star) {
                let inner = self.star(column.names("fields").last().copied(), outside);
                derived.outputs.extend(inner.outputs);
                derived.stars.extend(inner.stars);
                continue;
            }
            let origins = match column {
                Some(column) => self.column(&column.names("fields"), outside),
                None => self.expression(value, true),
            };
            let name = match (target.text("name"), column) {
                ("", Some(column)) => column.names("fields").last().copied().unwrap_or(""),
                (name, _) => name,
            };
            derived.outputs.push((name.to_owned(), origins));
        }
        derived.bases = self.scopes.last().into_iter().flatten().flat_map(Relation::bases).collect();
        derived
    }

    /// Walks an expression; answers the columns in it.
    pub fn expression(&mut self, tree: Tree<'_>, outside: bool) -> Vec<Origin> {
        match tree.node() {
            Some(("ColumnRef", column)) => {
                let names = column.names("fields");
                let star = column.list("fields").last().is_some_and(|f| f.as_node("AStar").is_some());
                if star { self.star(names.last().copied(), outside).all() } else { self.column(&names, outside) }
            }
            Some(("SubLink", link)) => {
                self.operator(link, "oper_name");
                let mut origins = self.expression(link.field("testexpr"), true);
                origins.extend(self.rows(link.field("subselect"), true).all());
                origins
            }
            Some(("SelectStmt", _)) => self.rows(tree, true).all(),
            Some((name, fields)) => {
                match name {
                    "FuncCall" => self.call(fields),
                    "AExpr" => self.operator(fields, "name"),
                    "SortBy" => self.operator(fields, "use_op"),
                    _ => {}
                }
                fields.children().flat_map(|child| self.expression(child, outside)).collect()
            }
            None => tree.children().flat_map(|child| self.expression(child, outside)).collect(),
        }
    }

    /// A column by its written name; answers where it comes from.
    pub fn column(&mut self, names: &[&str], outside: bool) -> Vec<Origin> {
        if !self.looks_at(self.scopes.iter().flatten().map(Relation::size).sum()) {
            return Vec::new();
        }
        let origins = match names {
            [column] => self.bare(column),
            [.., table, column] => {
                let relation = self.scopes.iter().rev().flatten().find(|relation| relation.name == *table).cloned();
                match relation {
                    Some(relation) => relation.column(column),
                    // `excluded`, `new`, `old`, or a table that the text does not show.
                    None => self.bare(column),
                }
            }
            [] => Vec::new(),
        };
        self.mark_all(&origins, outside);
        origins
    }

    fn bare(&self, column: &str) -> Vec<Origin> {
        let mut origins = Vec::new();
        for scope in self.scopes.iter().rev() {
            let mut found = false;
            for relation in scope {
                if relation.name == column {
                    // The name of a table alone is its whole row.
                    origins.extend(relation.whole());
                    continue;
                }
                let here = relation.column(column);
                found |= matches!(&relation.source, Source::Derived(d) if d.stars.is_empty() && d.has(column));
                origins.extend(here);
            }
            if found {
                break;
            }
        }
        origins
    }

    /// `*` or `table.*`.
    fn star(&mut self, table: Option<&str>, outside: bool) -> Derived {
        if !self.looks_at(self.scopes.iter().flatten().map(Relation::size).sum()) {
            return Derived::default();
        }
        let relations: Vec<Relation> = match table {
            None => self.scopes.last().cloned().unwrap_or_default(),
            Some(name) => self.scopes.iter().rev().flatten().find(|r| r.name == name).cloned().into_iter().collect(),
        };
        let mut derived = Derived::default();
        for relation in relations {
            self.mark_all(&relation.whole(), outside);
            match relation.source {
                Source::Table(index) => derived.stars.push(index),
                Source::Derived(inner) => {
                    derived.outputs.extend(inner.outputs);
                    derived.stars.extend(inner.stars);
                }
            }
        }
        derived
    }

    pub fn mark(&mut self, index: usize, column: &str, outside: bool) {
        let access = &mut self.accesses[index];
        access.columns.insert(column.to_owned());
        if outside {
            access.outside.insert(column.to_owned());
        }
    }

    pub fn mark_all(&mut self, origins: &[Origin], outside: bool) {
        for (index, column) in origins {
            self.mark(*index, column, outside);
        }
    }

    fn mark_bases(&mut self, derived: &Derived) {
        for index in derived.bases.clone() {
            self.mark(index, "*", true);
        }
    }

    /// Ends the walk: tables that were put in reach but in which no column was looked at were not read.
    pub fn finish(mut self) -> Self {
        let changes = |verb| matches!(verb, Verb::Insert | Verb::Update | Verb::Delete);
        let name = |a: &Access| (a.schema.clone(), a.name.clone());
        let changed: HashSet<_> = self.accesses.iter().filter(|a| changes(a.verb)).map(name).collect();
        self.accesses.retain(|a| a.verb != Verb::Select || !a.columns.is_empty() || !changed.contains(&name(a)));
        self
    }
}
