//! One statement: its kind, its class, and what it touches.

use pg_query::protobuf::ObjectType;

use super::query::Walker;
use super::tree::Tree;
use super::{Class, Statement, Transaction, Verb, headings, kinds};

/// Reads one statement of a parse tree; `None` where its names lead to too many places. What is no statement that we
/// know is `UNKNOWN`: code that may do anything.
pub fn read(tree: Tree<'_>) -> Option<Statement> {
    let Some((node, fields)) = tree.node() else { return Some(Statement::unknown()) };
    let Some(kind) = kinds::of(tree) else { return Some(Statement::unknown()) };
    let gives_rows = gives_rows(&kind, fields);
    let mut parts = Parts { kind, class: class_of(node), gives_rows, ..Parts::default() };
    parts.statement(node, fields, tree);
    if headings::break_tables(tree.whole()) {
        parts.walker.show_nothing();
    }
    (!parts.walker.tired()).then(|| parts.finish())
}

impl Statement {
    /// What the text does not show.
    pub fn unknown() -> Self {
        Statement {
            kind: "UNKNOWN".into(),
            class: Class::Code,
            nested: Vec::new(),
            accesses: Vec::new(),
            database: vec![Verb::Call],
            functions: Vec::new(),
            unknown_functions: Vec::new(),
            programs: Vec::new(),
            server_files: Vec::new(),
            setting: None,
            configs: Vec::new(),
            local: false,
            transaction: None,
            takes_input: false,
            gives_rows: true,
        }
    }
}

#[derive(Default)]
struct Parts {
    kind: String,
    class: Option<Class>,
    walker: Walker,
    database: Vec<Verb>,
    programs: Vec<String>,
    server_files: Vec<String>,
    setting: Option<(String, Vec<String>)>,
    local: bool,
    transaction: Option<Transaction>,
    takes_input: bool,
    gives_rows: bool,
}

/// What can be selected from.
const RELATIONS: &[ObjectType] =
    &[ObjectType::ObjectTable, ObjectType::ObjectView, ObjectType::ObjectMatview, ObjectType::ObjectForeignTable];

/// What is named after the table it belongs to.
const INSIDE: &[ObjectType] = &[
    ObjectType::ObjectColumn,
    ObjectType::ObjectTabconstraint,
    ObjectType::ObjectTrigger,
    ObjectType::ObjectRule,
    ObjectType::ObjectPolicy,
];

fn gives_rows(kind: &str, fields: Tree<'_>) -> bool {
    let returns = ["returning_clause", "returning_list"].iter().any(|field| !fields.field(field).is_nothing());
    returns
        || matches!(kind, "SELECT" | "SHOW" | "EXPLAIN" | "EXPLAIN ANALYZE" | "FETCH" | "EXECUTE" | "CALL" | "COPY TO")
}

fn transaction(fields: Tree<'_>) -> Option<Transaction> {
    use pg_query::protobuf::TransactionStmtKind as Kind;
    match Kind::try_from(i32::try_from(fields.number("kind")).ok()?).ok()? {
        Kind::TransStmtBegin | Kind::TransStmtStart => Some(Transaction::Begins),
        Kind::TransStmtCommit | Kind::TransStmtRollback if fields.flag("chain") => Some(Transaction::Chains),
        Kind::TransStmtCommit | Kind::TransStmtRollback | Kind::TransStmtPrepare => Some(Transaction::Ends),
        Kind::TransStmtRollbackTo => Some(Transaction::GoesBack),
        _ => None,
    }
}

fn class_of(node: &str) -> Option<Class> {
    Some(match node {
        "SelectStmt" | "VariableShowStmt" | "ExplainStmt" | "CopyStmt" | "DeclareCursorStmt" | "FetchStmt" => {
            Class::Read
        }
        "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" | "TruncateStmt" => Class::Write,
        "VariableSetStmt" | "PrepareStmt" | "DeallocateStmt" | "DiscardStmt" | "ListenStmt" | "UnlistenStmt"
        | "NotifyStmt" | "ClosePortalStmt" => Class::Session,
        "TransactionStmt" | "LockStmt" | "ConstraintsSetStmt" => Class::Tx,
        "DoStmt" | "CallStmt" | "ExecuteStmt" => Class::Code,
        "VacuumStmt" | "ReindexStmt" | "ClusterStmt" | "CheckPointStmt" | "AlterSystemStmt" | "LoadStmt"
        | "RefreshMatViewStmt" => Class::Admin,
        "GrantStmt"
        | "GrantRoleStmt"
        | "CreateRoleStmt"
        | "AlterRoleStmt"
        | "AlterRoleSetStmt"
        | "DropRoleStmt"
        | "AlterDefaultPrivilegesStmt"
        | "ReassignOwnedStmt"
        | "SecLabelStmt" => Class::Privilege,
        _ => Class::Ddl,
    })
}

impl Parts {
    fn finish(self) -> Statement {
        let walker = self.walker.finish();
        let mut class = self.class.unwrap_or(Class::Code);
        let changes = |kind: &String| matches!(kind.as_str(), "INSERT" | "UPDATE" | "DELETE" | "MERGE");
        if class == Class::Read && self.kind != "EXPLAIN" && walker.nested.iter().any(changes) {
            class = Class::Write;
        }
        let mut server_files = self.server_files;
        server_files.extend(walker.server_files);
        Statement {
            kind: self.kind,
            class,
            nested: walker.nested,
            accesses: walker.accesses,
            database: self.database,
            functions: walker.functions,
            unknown_functions: walker.unknown_functions,
            programs: self.programs,
            server_files,
            setting: self.setting,
            configs: walker.configs,
            local: self.local,
            transaction: self.transaction,
            takes_input: self.takes_input,
            gives_rows: self.gives_rows,
        }
    }

    fn statement(&mut self, node: &str, fields: Tree<'_>, tree: Tree<'_>) {
        match node {
            "SelectStmt" => self.select(fields),
            "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => {
                let returned = self.walker.rows(tree, false);
                self.walker.show(&returned);
            }
            "CopyStmt" => self.copy(fields),
            "ExplainStmt" => self.explain(fields),
            "PrepareStmt" => self.inner(fields.field("query"), false),
            "DeclareCursorStmt" => self.inner(fields.field("query"), false),
            "CreateTableAsStmt" => {
                self.walker.table(fields.field("into").field("rel"), Verb::Create);
                self.inner(fields.field("query"), true);
                // The query is what the statement is; what its CTEs change is inside of it.
                self.walker.nested.retain(|kind| kind != "EXECUTE");
            }
            "ViewStmt" => {
                self.walker.table(fields.field("view"), Verb::Create);
                self.walker.rows(fields.field("query"), true);
                self.walker.nested.clear();
            }
            "CreateStmt" => self.created(fields, fields.field("relation")),
            "CreateForeignTableStmt" => {
                self.created(fields.field("base_stmt"), fields.field("base_stmt").field("relation"));
            }
            // Made on the table that is named.
            "IndexStmt" | "CreateTrigStmt" | "RuleStmt" | "CreatePolicyStmt" => self.altered(fields, Verb::Create),
            "AlterTableStmt" | "RenameStmt" | "AlterObjectSchemaStmt" | "AlterPolicyStmt" => {
                self.altered(fields, Verb::Alter);
            }
            "DropStmt" => self.dropped(fields),
            "CommentStmt" | "SecLabelStmt" => self.commented(fields),
            "TruncateStmt" => self.walker.tables_below(fields.field("relations"), Verb::Truncate),
            "LockStmt" => self.walker.tables_below(fields.field("relations"), Verb::Lock),
            "VacuumStmt" | "ReindexStmt" | "ClusterStmt" | "RefreshMatViewStmt" => {
                self.walker.tables_below(fields, Verb::Admin);
                self.whole(Verb::Admin);
            }
            "GrantStmt" => self.granted(fields),
            "VariableSetStmt" => self.set(fields),
            "TransactionStmt" => {
                self.transaction = transaction(fields);
                self.database.push(Verb::Session);
            }
            "VariableShowStmt" | "DeallocateStmt" | "DiscardStmt" | "ListenStmt" | "UnlistenStmt" | "NotifyStmt"
            | "ClosePortalStmt" | "FetchStmt" | "ConstraintsSetStmt" => {
                self.database.push(Verb::Session);
            }
            "DoStmt" | "CallStmt" | "ExecuteStmt" => {
                self.walker.expression(fields, true);
                self.database.push(Verb::Call);
            }
            "CheckPointStmt" | "AlterSystemStmt" | "LoadStmt" => self.database.push(Verb::Admin),
            "GrantRoleStmt"
            | "CreateRoleStmt"
            | "AlterRoleStmt"
            | "AlterRoleSetStmt"
            | "DropRoleStmt"
            | "AlterDefaultPrivilegesStmt"
            | "ReassignOwnedStmt" => self.database.push(Verb::Grant),
            _ => self.defined(fields),
        }
    }

    /// Where no table says what is done, the database does.
    fn whole(&mut self, verb: Verb) {
        if self.walker.accesses.is_empty() {
            self.database.push(verb);
        }
    }

    fn select(&mut self, select: Tree<'_>) {
        let into = select.field("into_clause");
        if into.is_nothing() {
            let rows = self.walker.select(select, false);
            self.walker.show(&rows);
        } else {
            self.class = Some(Class::Ddl);
            self.walker.table(into.field("rel"), Verb::Create);
            self.walker.select(select, true);
        }
    }

    fn copy(&mut self, copy: Tree<'_>) {
        let from = copy.flag("is_from");
        let file = copy.text("filename");
        if copy.flag("is_program") {
            self.programs.push(file.to_owned());
        } else if !file.is_empty() {
            self.server_files.push(file.to_owned());
        }
        if from {
            self.class = Some(Class::Write);
            self.takes_input = file.is_empty();
        }
        // Rows that go to a file of the server's are not shown, and over others no heading can be trusted to stand.
        let outside = !from;
        let query = copy.field("query");
        if !query.is_nothing() {
            return self.inner(query, outside);
        }
        let index = self.walker.table(copy.field("relation"), if from { Verb::Insert } else { Verb::Select });
        let columns = copy.names("attlist");
        let access = &mut self.walker.accesses[index];
        access.columns.extend(columns.iter().map(|c| (*c).to_owned()));
        if columns.is_empty() {
            access.columns.insert("*".into());
        }
        if outside {
            access.outside = access.columns.clone();
        }
        self.walker.expression(copy.field("where_clause"), true);
    }

    /// A statement inside of this one.
    fn inner(&mut self, query: Tree<'_>, outside: bool) {
        let Some((node, fields)) = query.node() else { return };
        if let Some(kind) = kinds::of(query).filter(|kind| kind != "SELECT") {
            self.walker.nested.push(kind);
        }
        if outside && matches!(node, "SelectStmt" | "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt") {
            let rows = self.walker.rows(query, true);
            self.walker.mark_all(&rows.all(), true);
        } else {
            let class = self.class;
            self.statement(node, fields, query);
            self.class = class;
        }
    }

    fn explain(&mut self, explain: Tree<'_>) {
        let query = explain.field("query");
        self.inner(query, false);
        if kinds::analyzes(explain) {
            if let Some((node, fields)) = query.node() {
                let inner = class_of(node);
                let creates = node == "SelectStmt" && !fields.field("into_clause").is_nothing();
                self.class = if creates { Some(Class::Ddl) } else { inner };
            }
            return;
        }
        // Planned, not run: nothing is changed. Functions of the server's own that change something are not called.
        for access in &mut self.walker.accesses {
            access.verb = Verb::Select;
        }
        self.database.retain(|verb| *verb == Verb::Call);
        self.walker.functions = self.walker.unknown_functions.clone();
    }

    fn created(&mut self, create: Tree<'_>, table: Tree<'_>) {
        self.walker.table(table, Verb::Create);
        for field in ["inh_relations", "table_elts", "constraints"] {
            self.walker.tables_below(create.field(field), Verb::Select);
        }
    }

    fn altered(&mut self, fields: Tree<'_>, verb: Verb) {
        if fields.number("rename_type") == ObjectType::ObjectRole as i64 {
            self.class = Some(Class::Privilege);
            return self.database.push(Verb::Grant);
        }
        for name in ["relation", "table"] {
            if fields.field(name).is_bare_table() {
                self.walker.table(fields.field(name), verb);
            }
        }
        self.whole(verb);
        // The actions of a rule, the tables that a constraint refers to.
        self.walker.tables_below(fields.field("cmds"), Verb::Select);
        for action in fields.list("actions") {
            self.walker.rows(action, true);
        }
        // What a policy looks at.
        for field in ["qual", "with_check"] {
            self.walker.expression(fields.field(field), true);
        }
        self.walker.nested.clear();
    }

    fn dropped(&mut self, drop: Tree<'_>) {
        let what = drop.number("remove_type");
        let relation = RELATIONS.iter().any(|object| *object as i64 == what);
        let inside = INSIDE.iter().any(|object| *object as i64 == what);
        for object in drop.list("objects") {
            let Some(list) = object.as_node("List") else { continue };
            let mut names = list.names("items");
            if inside {
                names.pop();
            }
            if relation || inside {
                self.named(&names, if relation { Verb::Drop } else { Verb::Alter });
            }
        }
        self.whole(Verb::Drop);
    }

    fn named(&mut self, names: &[&str], verb: Verb) {
        if let Some((name, schema)) = names.split_last() {
            self.walker.access(schema.join("."), (*name).to_owned(), verb);
        }
    }

    fn commented(&mut self, comment: Tree<'_>) {
        let what = comment.number("objtype");
        let is = |objects: &[ObjectType]| objects.iter().any(|object| *object as i64 == what);
        let list = comment.field("object").as_node("List");
        let mut names = list.map(|list| list.names("items")).unwrap_or_default();
        if is(INSIDE) {
            names.pop();
            self.named(&names, Verb::Alter);
        } else if is(RELATIONS) {
            self.named(&names, Verb::Alter);
        }
        self.whole(Verb::Alter);
    }

    fn granted(&mut self, grant: Tree<'_>) {
        let tables = grant.number("objtype") == ObjectType::ObjectTable as i64;
        for object in grant.list("objects").filter(|_| tables) {
            if let Some(table) = object.as_node("RangeVar") {
                self.walker.table(table, Verb::Grant);
            }
        }
        self.whole(Verb::Grant);
    }

    fn set(&mut self, set: Tree<'_>) {
        let name = set.text("name").to_ascii_lowercase();
        let role = matches!(name.as_str(), "role" | "session_authorization");
        self.database.push(if role { Verb::Grant } else { Verb::Session });
        let values = set
            .list("args")
            .filter_map(|arg| arg.as_node("AConst"))
            .map(|constant| {
                let value = constant.field("val");
                match value.node() {
                    Some(("Ival", number)) => number.number("ival").to_string(),
                    Some(("Fval", number)) => number.text("fval").to_owned(),
                    Some((_, text)) => text.text("sval").to_owned(),
                    None => String::new(),
                }
            })
            .collect();
        self.local = set.flag("is_local");
        self.setting = Some((name, values));
    }

    /// Definitions of things that are no tables.
    fn defined(&mut self, fields: Tree<'_>) {
        let verb = match self.kind.split(' ').next() {
            Some("DROP") => Verb::Drop,
            Some("ALTER") => Verb::Alter,
            _ => Verb::Create,
        };
        self.database.push(verb);
        if self.kind == "CREATE SCHEMA" {
            self.walker.tables_below(fields.field("schema_elts"), Verb::Create);
        }
        // OWNED BY, tables of a publication or of statistics: named, not changed.
        if matches!(self.kind.as_str(), "CREATE STATISTICS" | "CREATE PUBLICATION" | "ALTER PUBLICATION") {
            self.walker.tables_below(fields, Verb::Select);
        }
    }
}
