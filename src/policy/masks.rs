//! `masks.toml`: what operators add to the mask sets, and what marks look like.
//!
//! ```toml
//! [pii]
//! columns = ["orders.email", "hr.people.ssn", "*.phone"]
//!
//! [[rule]]
//! id = "badge"
//! set = "pii"                 # or "secrets", which always holds
//! patterns = ['\bE-[0-9]{6}\b']
//! literals = ["Project Nightjar"]
//! paths = ["$.customers[*].name"]
//! columns = ["staff.badge"]
//!
//! [marks]
//! email = "format"            # mark, fixed, last4, format, drop-line
//! pii = "fixed"
//! "*" = "mark"
//! ```
//!
//! A mark's pseudonym is the same for the same value in all that one login runs, so that rows of two commands can be
//! joined. With `pseudonyms = "run"`, before the first table, it is new in each run.
//!
//! A literal is told to each shim whose command it holds for, and a shim runs as the agent's user: names and words
//! belong there, and no password. What is lent to a command is masked in every form without being listed.
//!
//! Masking is undone by a predicate (`WHERE ssn LIKE '1%'`), so a masked column used outside the select list asks for
//! `sql.disclose` on its table. So does one that is not printed below its own heading in psql's usual table, where a mask
//! finds it: under an alias, by COPY, with `-t`, `-A` or `--csv`; and so do the planner's samples of any table's values (`pg_stats`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::load::LoadError;
use crate::model::{
    Column, Effect, Find, JsonPath, Literal, MASK_SETS, Masking, Misread, Operation, OwnRule, Pattern, Resource, Style,
};

const HINT: Option<&str> = Some("for example: [pii] columns = [\"orders.email\", \"*.ssn\"]");

/// What `masks.toml` says, by mask set.
#[derive(Debug, Default)]
pub(super) struct Masks {
    masking: Masking,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    secrets: Set,
    #[serde(default)]
    pii: Set,
    #[serde(default)]
    rule: Vec<Rule>,
    #[serde(default)]
    marks: BTreeMap<String, Spanned<String>>,
    pseudonyms: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Set {
    columns: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: Spanned<String>,
    set: Option<Spanned<String>>,
    #[serde(default)]
    literals: Vec<Spanned<String>>,
    #[serde(default)]
    patterns: Vec<Spanned<String>>,
    #[serde(default)]
    columns: Vec<Spanned<String>>,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
}

/// Reads a `masks.toml`; `name` is what errors call it.
///
/// # Errors
/// The first thing that is wrong, with its line. Nothing is read in part.
pub fn read(name: &str, text: &str) -> Result<Masking, LoadError> {
    let at = |offset: usize, why: &str, hint: Option<&str>| LoadError::at(name, text, offset, why, hint);
    let document: Document =
        toml::from_str(text).map_err(|error| at(error.span().map_or(0, |span| span.start), error.message(), HINT))?;
    // An escape in a string makes the text longer than what it says; then the place is the string's.
    let misread = |given: &Spanned<String>, what: &str, wrong: &Misread| {
        let start = given.span().start;
        let quotes = text[start..].bytes().take(3).take_while(|b| matches!(b, b'"' | b'\'')).count();
        let inside = start + if quotes == 3 { 3 } else { 1 };
        let plain = text.get(inside..).is_some_and(|rest| rest.starts_with(given.get_ref().as_str()));
        at(if plain { inside + wrong.at } else { start }, format!("{what} {wrong}").trim(), None)
    };
    let mut masking = Masking::default();
    for (set, Set { columns }) in [("secrets", document.secrets), ("pii", document.pii)] {
        for given in &columns {
            let column = Column::new(given.get_ref()).map_err(|wrong| misread(given, "", &wrong))?;
            let id = column_id(&column);
            masking.rules.push(OwnRule { id, set: set.to_owned(), find: Find::Column(column) });
        }
    }
    for rule in &document.rule {
        let id = rule.id.get_ref();
        if !OwnRule::is_id(id) {
            let why = format!("{id:?} is no id: 1 to 60 lower-case letters, digits, '-', '_' and '.'");
            return Err(at(rule.id.span().start, &why, None));
        }
        let set = rule.set.as_ref().map_or("secrets", |set| set.get_ref());
        if !MASK_SETS.contains(&set) {
            let place = rule.set.as_ref().map_or(0, |set| set.span().start);
            return Err(at(place, &format!("no mask set is called {set:?}; there are {MASK_SETS:?}"), None));
        }
        let mut finds = Vec::new();
        for given in &rule.literals {
            // What is wrong is told without the literal, which may be a secret.
            finds.push(Find::Literal(Literal::new(given.get_ref()).map_err(|e| misread(given, "this literal", &e))?));
        }
        for given in &rule.patterns {
            finds.push(Find::Pattern(Pattern::new(given.get_ref()).map_err(|e| misread(given, "this pattern:", &e))?));
        }
        for given in &rule.columns {
            finds.push(Find::Column(Column::new(given.get_ref()).map_err(|e| misread(given, "", &e))?));
        }
        for given in &rule.paths {
            finds.push(Find::Path(JsonPath::new(given.get_ref()).map_err(|e| misread(given, "this path", &e))?));
        }
        if finds.is_empty() {
            let why = format!("rule {id:?} finds nothing: it has no literals, patterns, columns or paths");
            return Err(at(rule.id.span().start, &why, None));
        }
        masking.rules.extend(finds.into_iter().map(|find| OwnRule { id: id.clone(), set: set.to_owned(), find }));
    }
    if masking.rules.len() > Masking::MOST_RULES {
        return Err(LoadError::whole(name, &format!("has more than {} rules", Masking::MOST_RULES)));
    }
    masking.pseudonyms_of_a_run = match document.pseudonyms.as_ref().map(|given| (given.get_ref().as_str(), given)) {
        None | Some(("login", _)) => false,
        Some(("run", _)) => true,
        Some((other, given)) => {
            return Err(at(
                given.span().start,
                &format!("pseudonyms last a \"login\" or a \"run\", no {other:?}"),
                Some("leave it out: a login is what is meant then"),
            ));
        }
    };
    for (kind, given) in document.marks {
        let style = Style::by_name(given.get_ref()).ok_or_else(|| {
            let names: Vec<&str> = Style::NAMES.iter().map(|(name, _)| *name).collect();
            let why = format!("no mark is called {:?}; there are {}", given.get_ref(), names.join(", "));
            at(given.span().start, &why, None)
        })?;
        masking.styles.insert(kind, style);
    }
    Ok(masking)
}

/// The kind that a column's marks say: `orders.email`, and `phone` for `*.phone`.
fn column_id(column: &Column) -> String {
    let id = match (&column.schema, &column.table) {
        (_, None) => column.column.clone(),
        (_, Some(table)) => format!("{table}.{}", column.column),
    };
    if OwnRule::is_id(&id) { id } else { "column".to_owned() }
}

impl Masks {
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), LoadError> {
        let more = read(name, text)?;
        self.masking.rules.extend(more.rules);
        self.masking.styles.extend(more.styles);
        self.masking.pseudonyms_of_a_run |= more.pseudonyms_of_a_run;
        if self.masking.rules.len() > Masking::MOST_RULES {
            return Err(LoadError::whole(name, &format!("makes more than {} rules", Masking::MOST_RULES)));
        }
        Ok(())
    }

    /// What of it holds for a line with these mask sets that does these operations: columns of the tables it reads.
    pub fn holding(&self, sets: &[String], operations: &[Operation]) -> Masking {
        let mut masking = self.masking.of_sets(sets);
        let tables: Vec<_> = operations.iter().filter_map(table).collect();
        masking.rules.retain(|rule| match &rule.find {
            Find::Column(column) => {
                tables.is_empty() || tables.iter().any(|(schema, table)| is_in(column, schema, table))
            }
            Find::Literal(_) | Find::Pattern(_) | Find::Path(_) => true,
        });
        masking
    }

    /// The `sql.disclose` that `operation` also asks for, where it is permitted under these mask sets.
    pub fn disclosed(&self, operation: &Operation, masks: &[String]) -> Option<Operation> {
        if operation.effect == Effect::Disclose {
            return None;
        }
        let (schema, name) = table(operation)?;
        let listed = self.masking.rules.iter().filter(|rule| masks.contains(&rule.set));
        let listed = listed.filter_map(|rule| match &rule.find {
            Find::Column(column) => Some(column),
            Find::Literal(_) | Find::Pattern(_) | Find::Path(_) => None,
        });
        let named = |key: &str| operation.context.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let samples = SAMPLES.contains(&&*name.to_lowercase());
        let columns: Vec<&Column> = listed.filter(|column| samples || is_in(column, schema, name)).collect();
        let mut used = if samples { named("columns") } else { named("outside") };
        used.retain(|used| match used.as_str() {
            // What is not text cannot be compared, so it counts as used.
            None => true,
            Some(used) if samples => holds_values(used),
            Some(used) => columns.iter().any(|column| is_used_as(column, used)),
        });
        if columns.is_empty() || used.is_empty() {
            return None;
        }
        let resource: Resource = operation.resource.clone();
        let mut disclose = Operation::new("sql.disclose", Effect::Disclose, resource).with("columns", used);
        if let Some(claimed) = operation.context.get("claimed") {
            disclose.context.insert("claimed".to_owned(), claimed.clone());
        }
        Some(disclose)
    }
}

/// The server's own tables in which values of other tables' columns stand (PostgreSQL documentation, "pg_stats", "pg_statistic").
const SAMPLES: [&str; 5] = ["pg_stats", "pg_stats_ext", "pg_stats_ext_exprs", "pg_statistic", "pg_statistic_ext_data"];

/// Whether a column of theirs holds values, and not only how many there are.
fn holds_values(column: &str) -> bool {
    let last = column.rsplit('.').next().unwrap_or(column).to_lowercase();
    let parts = ["*", "most_common_vals", "most_common_elems", "histogram_bounds", "range_bounds", "stavalues", "stxd"];
    parts.iter().any(|part| last.starts_with(part))
}

/// Schema and name of the table that an operation is about.
fn table(operation: &Operation) -> Option<(&str, &str)> {
    let text = |key: &str| operation.resource.attributes.get(key).and_then(Value::as_str).unwrap_or_default();
    (operation.resource.kind == "Table").then(|| (text("schema"), text("name")))
}

/// Generous: an unnamed schema may be any, and `*` is a table that the text does not show.
fn is_in(column: &Column, schema: &str, table: &str) -> bool {
    let fits = |wanted: &Option<String>, given: &str| {
        given.is_empty() || given == "*" || wanted.as_ref().is_none_or(|wanted| *wanted == given.to_lowercase())
    };
    fits(&column.schema, schema) && fits(&column.table, table)
}

fn is_used_as(column: &Column, used: &str) -> bool {
    let last = used.rsplit('.').next().unwrap_or(used);
    last == "*" || last.to_lowercase() == column.column
}
