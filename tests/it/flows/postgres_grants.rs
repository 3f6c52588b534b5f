//! Credentials of kind `postgres`, minted in a real cluster: a role can do what was read, and is gone afterwards.

use std::collections::BTreeMap;

use portcullis::model::{
    Bytes, Effect, Facts, Grant, GrantKind, Invocation, InvocationId, Operation, Pin, Reading, Resource, StreamKind,
    Streams, Terms,
};
use portcullis::server::config::{Credential, CredentialKind};
use portcullis::server::issuers::{self, Drawing};
use portcullis::tools;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::gate::Gate;
use crate::support::postgres::{self, Database, ISSUER, PASSWORD};
use crate::support::process::PATIENCE;

struct World {
    gate: Gate,
    database: Database,
    _password: tempfile::NamedTempFile,
}

async fn world() -> World {
    let database = tokio::task::spawn_blocking(postgres::database).await.unwrap();
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
    let kind = CredentialKind::Postgres {
        host: "127.0.0.1".to_owned(),
        port: database.port,
        database: database.name.clone(),
        role: ISSUER.to_owned(),
        password_file: Some(password.path().to_owned()),
        ca_file: None,
        other_databases: false,
    };
    let credential = Credential { name: "shop".to_owned(), seconds: 300, kind };
    World { gate: Gate::with(|config| config.credentials = vec![credential]).await, database, _password: password }
}

fn id(n: u128) -> InvocationId {
    InvocationId::from_ulid(n)
}

fn terms() -> Terms {
    Terms { grants: vec!["shop".to_owned()], ..Terms::default() }
}

impl World {
    fn on(&self, action: &str, effect: Effect, schema: &str, name: &str) -> Operation {
        let table = Resource::new("Table", format!("{}.{schema}.{name}", self.database.name))
            .with("host", "127.0.0.1")
            .with("port", self.database.port)
            .with("database", self.database.name.as_str())
            .with("schema", schema)
            .with("name", name);
        Operation::new(action, effect, table)
    }

    fn select(&self, name: &str, columns: &[&str]) -> Operation {
        self.on("sql.select", Effect::Read, "", name).with("columns", json!(columns))
    }

    async fn draw(&self, n: u128, operations: Vec<Operation>) -> Result<Grant, String> {
        let reading = Reading {
            tool: "psql".to_owned(),
            version: None,
            effective: BTreeMap::new(),
            operations,
            doubts: Vec::new(),
        };
        let (id, terms) = (id(n), terms());
        let drawing = Drawing { invocation: &id, reading: &reading, terms: &terms };
        let mut grants = issuers::draw(&self.gate.app, &drawing).await.map_err(|failure| format!("{failure:?}"))?;
        assert_eq!(grants.len(), 1);
        Ok(grants.remove(0))
    }

    /// What the gate reads from `psql -c SQL`.
    fn read(&self, sql: &str) -> Vec<Operation> {
        let port = self.database.port.to_string();
        let args = ["-X", "-h", "127.0.0.1", "-p", &port, "-U", "anybody", "-d", &self.database.name, "-c", sql];
        let stream = StreamKind::Null;
        let invocation = Invocation {
            id: id(1),
            tool: "psql".to_owned(),
            argv0: Bytes::from("psql"),
            args: args.iter().map(|arg| Bytes::from(*arg)).collect(),
            cwd: Some(Bytes::from("/")),
            variables: BTreeMap::new(),
            streams: Streams { stdin: stream, stdout: stream, stderr: stream },
            parent: None,
            pin: Pin::Pinned,
        };
        let reading = tools::by_name("psql").unwrap().read(&invocation, &Facts::default());
        assert!(reading.doubts.is_empty(), "{sql}: {:?}", reading.doubts);
        reading.operations
    }

    async fn log_in(&self, grant: &Grant) -> Result<PgConnection, sqlx::Error> {
        self.database.connect(role(grant), password(grant)).await
    }

    async fn roles(&self) -> Vec<String> {
        let ours = format!("%\"database\":\"{}\"%", self.database.name);
        let query =
            format!("SELECT rolname::text FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE '{ours}'");
        self.database.ask(&query).await
    }

    async fn owner(&self, table: &str) -> String {
        let query = format!("SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE oid = '{table}'::regclass");
        self.database.ask(&query).await.remove(0)
    }
}

fn role(grant: &Grant) -> &str {
    match &grant.kind {
        GrantKind::Postgres { role, .. } => role,
        other => panic!("{other:?}"),
    }
}

fn password(grant: &Grant) -> &str {
    std::str::from_utf8(grant.secret.expose()).unwrap()
}

async fn sql(connection: &mut PgConnection, sql: &str) -> Result<u64, String> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await;
    done.map(|done| done.rows_affected()).map_err(|error| error.to_string())
}

async fn may(connection: &mut PgConnection, statement: &str) {
    if let Err(error) = sql(connection, statement).await {
        panic!("{statement}: {error}");
    }
}

async fn may_not(connection: &mut PgConnection, statement: &str) {
    let refused = sql(connection, statement).await.expect_err(statement);
    let said = ["permission denied", "must be owner", "must be superuser"].iter().any(|words| refused.contains(words));
    assert!(said, "{statement}: {refused}");
}

#[tokio::test]
async fn a_minted_role_reads_the_columns_that_were_read_from_the_command_and_nothing_else() {
    let world = world().await;
    let grant = world.draw(1, vec![world.select("orders", &["id", "o.customer", "not_a_column"])]).await.unwrap();
    let mut session = world.log_in(&grant).await.unwrap();
    may(&mut session, "SELECT id, customer FROM orders").await;
    for forbidden in [
        "SELECT email FROM orders",
        "SELECT * FROM orders",
        "SELECT id FROM salaries",
        "SELECT id FROM archive.old_orders",
        "INSERT INTO orders (customer, email, total) VALUES ('x', 'x', 1)",
        "UPDATE orders SET customer = 'x'",
        "DELETE FROM orders",
        "TRUNCATE orders",
        "DROP TABLE orders",
        "ALTER TABLE orders ADD x int",
        "CREATE TABLE mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "CREATE ROLE pc_more",
        "SET ROLE shop",
        "SET ROLE portcullis_issuer",
        "COPY orders (id) TO PROGRAM 'id'",
    ] {
        may_not(&mut session, forbidden).await;
    }
    for other in ["postgres", "template1"] {
        let refused = world.database.connect_to(other, role(&grant), password(&grant)).await.unwrap_err().to_string();
        assert!(refused.contains("permission denied for database"), "{refused}");
    }
}

#[tokio::test]
async fn each_verb_is_given_alone() {
    let world = world().await;
    let insert =
        world.on("sql.insert", Effect::Write, "", "orders").with("columns", json!(["customer", "email", "total"]));
    let grant = world.draw(1, vec![insert]).await.unwrap();
    let mut session = world.log_in(&grant).await.unwrap();
    may(&mut session, "INSERT INTO orders (customer, email, total) VALUES ('x', 'x', 1)").await;
    may_not(&mut session, "SELECT customer FROM orders").await;
    may_not(&mut session, "UPDATE orders SET total = 0").await;

    let update = world.on("sql.update", Effect::Write, "", "orders").with("columns", json!(["total"]));
    let grant = world.draw(2, vec![update.with("outside", json!(["id"]))]).await.unwrap();
    let mut session = world.log_in(&grant).await.unwrap();
    may(&mut session, "UPDATE orders SET total = 0 WHERE id = 1").await;
    may_not(&mut session, "UPDATE orders SET customer = 'x' WHERE id = 1").await;
    may_not(&mut session, "DELETE FROM orders WHERE id = 1").await;

    let delete = world.on("sql.delete", Effect::Destroy, "public", "orders").with("outside", json!(["id"]));
    let grant = world.draw(3, vec![delete]).await.unwrap();
    let mut session = world.log_in(&grant).await.unwrap();
    may(&mut session, "DELETE FROM orders WHERE id = 2").await;
    may_not(&mut session, "SELECT email FROM orders").await;
    may_not(&mut session, "TRUNCATE orders").await;
}

#[tokio::test]
async fn a_role_is_gone_when_its_command_ends_even_with_a_session_open() {
    let world = world().await;
    let grant = world.draw(1, vec![world.select("orders", &["*"])]).await.unwrap();
    let mut session = world.log_in(&grant).await.unwrap();
    may(&mut session, "SELECT * FROM orders").await;
    issuers::revoke(&world.gate.app, &id(1)).await.unwrap();
    assert!(sql(&mut session, "SELECT 1").await.is_err(), "the session was ended");
    assert!(world.log_in(&grant).await.is_err());
    assert_eq!(world.roles().await, [""; 0]);
    issuers::revoke(&world.gate.app, &id(1)).await.unwrap();
    issuers::revoke(&world.gate.app, &id(99)).await.unwrap();
}

#[tokio::test]
async fn dropping_a_table_takes_that_table_alone_and_its_owner_goes_on_meanwhile() {
    let world = world().await;
    let drop = world.on("sql.drop", Effect::Destroy, "archive", "old_orders");
    let alter = world.on("sql.alter", Effect::Write, "", "orders");
    let grant = world.draw(1, vec![drop, alter]).await.unwrap();

    let mut owner = world.database.connect("postgres", PASSWORD).await.unwrap();
    may(
        &mut owner,
        "SET ROLE shop; SELECT * FROM orders; INSERT INTO orders (customer, email, total) VALUES ('m', 'm', 1)",
    )
    .await;

    let mut session = world.log_in(&grant).await.unwrap();
    for forbidden in
        ["DROP TABLE salaries", "SELECT * FROM salaries", "CREATE TABLE archive.mine (id int)", "SET ROLE shop"]
    {
        may_not(&mut session, forbidden).await;
    }
    may(&mut session, "ALTER TABLE orders ADD note text").await;
    may(&mut session, "DROP TABLE archive.old_orders").await;
    session.close().await.unwrap();

    issuers::revoke(&world.gate.app, &id(1)).await.unwrap();
    assert_eq!(world.owner("public.orders").await, "shop", "what was lent is given back");
    assert_eq!(world.database.ask("SELECT to_regclass('archive.old_orders')::text IS NULL || ''").await, ["true"]);
    assert_eq!(world.roles().await, [""; 0]);
    may(&mut owner, "SELECT note FROM orders").await;
}

#[tokio::test]
async fn what_a_role_makes_belongs_to_the_schemas_owner_afterwards() {
    let world = world().await;
    let create = world.on("sql.create", Effect::Write, "", "fresh").with("kind", "CREATE TABLE");
    let fill = world.on("sql.insert", Effect::Write, "", "fresh");
    let grant = world.draw(1, vec![create, fill]).await.unwrap();
    let mut session = world.log_in(&grant).await.unwrap();
    may(&mut session, "CREATE TABLE fresh (id int); INSERT INTO fresh VALUES (1)").await;
    may_not(&mut session, "SELECT * FROM orders").await;
    issuers::revoke(&world.gate.app, &id(1)).await.unwrap();
    assert_eq!(world.owner("public.fresh").await, "shop");
    assert_eq!(world.database.ask("SELECT id::text FROM fresh").await, ["1"]);
}

#[tokio::test]
async fn after_a_crash_the_reaper_of_the_next_server_drops_what_was_left() {
    let world = world().await;
    let alter = world.on("sql.alter", Effect::Write, "", "orders");
    let grant = world.draw(1, vec![alter]).await.unwrap();
    issuers::reap(&world.gate.app).await.unwrap();
    assert_eq!(world.roles().await, [role(&grant)], "still in its time");

    // Nobody says that the command ended.
    world.gate.pass(301);
    let session = world.log_in(&grant).await.unwrap();
    issuers::reap(&world.gate.app).await.unwrap();
    assert_eq!(world.roles().await, [""; 0]);
    assert_eq!(world.owner("public.orders").await, "shop");
    drop(session);
}

#[tokio::test]
async fn a_role_that_no_store_remembers_is_found_by_its_mark() {
    let world = world().await;
    let grant = world.draw(1, vec![world.on("sql.alter", Effect::Write, "", "orders")]).await.unwrap();
    let forget = "DELETE FROM lent";
    sqlx::query(forget).execute(world.gate.app.store.pool()).await.unwrap();
    world.database.ask(&format!("DO $$ BEGIN ALTER ROLE {} VALID UNTIL '2001-01-01'; END $$", role(&grant))).await;
    let refused = world.log_in(&grant).await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("password authentication failed"), "past its time nobody logs in: {refused}");
    issuers::reap(&world.gate.app).await.unwrap();
    assert_eq!(world.roles().await, [""; 0]);
    assert_eq!(world.owner("public.orders").await, "shop");
}

#[tokio::test]
async fn a_role_has_an_end_written_on_it_and_its_password_is_not_in_the_servers_log() {
    let world = world().await;
    let grant = world.draw(1, vec![world.select("orders", &["id"])]).await.unwrap();
    world.log_in(&grant).await.unwrap().close().await.unwrap();
    let question = format!(
        "SELECT (rolvaliduntil BETWEEN now() + interval '250 s' AND now() + interval '301 s' AND rolconnlimit = 4 \
         AND NOT rolinherit AND NOT rolsuper AND NOT rolcreaterole AND NOT rolcreatedb)::text \
         FROM pg_roles WHERE rolname = '{}'",
        role(&grant)
    );
    assert_eq!(world.database.ask(&question).await, ["true"]);
    let log = postgres::log();
    assert!(log.contains(&format!("CREATE ROLE {}", role(&grant))), "statements are logged");
    assert!(!log.contains(password(&grant)));
}

#[tokio::test]
async fn names_are_quoted_by_the_server_and_a_hostile_one_is_only_a_name() {
    let world = world().await;
    let odd = "Odd \"name\"; DROP TABLE orders";
    let grant = world.draw(1, vec![world.select(odd, &["a b"])]).await.unwrap();
    let mut session = world.log_in(&grant).await.unwrap();
    may(&mut session, "SELECT \"a b\" FROM \"Odd \"\"name\"\"; DROP TABLE orders\"").await;
    assert_eq!(world.owner("public.orders").await, "shop");
}

#[tokio::test]
async fn what_cannot_be_held_to_is_refused_in_words_and_leaves_no_role() {
    let world = world().await;
    let elsewhere = Resource::new("Table", "other.t").with("host", "db.example").with("port", 5432);
    let elsewhere = elsewhere.with("database", world.database.name.as_str()).with("schema", "").with("name", "t");
    let cases = [
        (vec![world.select("no_such_table", &["*"])], "there is no no_such_table"),
        (vec![world.on("sql.grant", Effect::Escalate, "", "orders")], "no role can be limited to it"),
        (vec![world.on("sql.update", Effect::Write, "pg_catalog", "pg_class")], "belongs to PostgreSQL itself"),
        (
            vec![world.select("orders", &["id"]), Operation::new("sql.select", Effect::Read, elsewhere)],
            "also goes to other.t",
        ),
        (vec![], "nothing in the command goes there"),
    ];
    for (n, (operations, why)) in cases.into_iter().enumerate() {
        let refused = world.draw(n as u128, operations).await.err().unwrap();
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(world.roles().await, [""; 0]);
}

#[tokio::test]
async fn what_is_read_from_a_statement_is_enough_to_run_it() {
    let world = world().await;
    for (n, statement) in [
        "SELECT 1",
        "SELECT * FROM orders",
        "SELECT count(*) FROM orders",
        "SELECT customer, sum(total) FROM orders WHERE id > 0 GROUP BY customer HAVING count(*) > 0 ORDER BY 2 LIMIT 3",
        "SELECT o.id, s.amount FROM orders o JOIN salaries s ON s.id = o.id",
        "WITH r AS (SELECT id FROM orders) SELECT * FROM r",
        "SELECT relname FROM pg_class LIMIT 1",
        "INSERT INTO orders (customer, email, total) VALUES ('x', 'x', 1)",
        "INSERT INTO salaries VALUES (2, 1)",
        "INSERT INTO orders (customer, email, total) SELECT customer, email, total FROM orders RETURNING id",
        "INSERT INTO salaries (id, amount) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount",
        "UPDATE orders SET total = total + 1 WHERE customer = 'Ada'",
        "DELETE FROM orders WHERE customer = 'x'",
        "TRUNCATE salaries",
        "CREATE TABLE fresh (id int PRIMARY KEY)",
        "CREATE TABLE copied AS SELECT id FROM orders",
        "CREATE INDEX ON orders (customer)",
        "CREATE VIEW seen AS SELECT id FROM orders",
        "ALTER TABLE orders ADD CONSTRAINT unique_customer UNIQUE (id, customer)",
        "ALTER TABLE orders RENAME TO renamed",
        "ALTER TABLE renamed RENAME TO orders",
        "DROP TABLE archive.old_orders, salaries",
        "DROP VIEW seen",
    ]
    .into_iter()
    .enumerate()
    {
        let n = n as u128;
        let grant = world.draw(n, world.read(statement)).await.unwrap_or_else(|why| panic!("{statement}: {why}"));
        let mut session = world.log_in(&grant).await.unwrap();
        may(&mut session, statement).await;
        issuers::revoke(&world.gate.app, &id(n)).await.unwrap_or_else(|why| panic!("{statement}: {why:?}"));
    }
    let owners =
        "SELECT DISTINCT pg_get_userbyid(relowner)::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(world.database.ask(owners).await, ["shop"]);
    assert_eq!(world.roles().await, [""; 0]);
}

#[tokio::test]
async fn commands_that_come_at_once_get_a_role_each_but_one_table_changes_hands_once() {
    let world = world().await;
    let ids: Vec<u128> = (0..12).collect();
    let drawn =
        futures_util::future::join_all(ids.iter().map(|n| world.draw(*n, vec![world.select("orders", &["id"])])));
    for grant in drawn.await {
        let mut session = world.log_in(&grant.unwrap()).await.unwrap();
        may(&mut session, "SELECT id FROM orders").await;
    }
    let ids: Vec<InvocationId> = ids.into_iter().map(id).collect();
    let gone = futures_util::future::join_all(ids.iter().map(|id| issuers::revoke(&world.gate.app, id))).await;
    assert!(gone.iter().all(Result::is_ok), "{gone:?}");
    assert_eq!(world.roles().await, [""; 0]);

    let alter = || vec![world.on("sql.alter", Effect::Write, "", "orders")];
    world.draw(20, alter()).await.unwrap();
    let refused = world.draw(21, alter()).await.err().unwrap();
    assert!(refused.contains("another command may alter or drop public.orders"), "{refused}");
    let reader = world.draw(22, vec![world.select("orders", &["id"])]).await.unwrap();
    issuers::revoke(&world.gate.app, &id(20)).await.unwrap();
    may(&mut world.log_in(&reader).await.unwrap(), "SELECT id FROM orders").await;
    issuers::revoke(&world.gate.app, &id(22)).await.unwrap();
    assert_eq!((world.roles().await, world.owner("public.orders").await), (vec![], "shop".to_owned()));
}

/// Its row as it is once it was allowed.
async fn allowed(world: &World, n: u128) {
    let row = "INSERT INTO invocations (id, subject, who, tool, command, digest, began, decision, reading) \
               VALUES ($1, 'agent', '{}', 'psql', '', '', 0, '', '')";
    sqlx::query(row).bind(id(n).as_str()).execute(world.gate.app.store.pool()).await.unwrap();
}

#[tokio::test]
async fn a_role_that_is_still_being_made_when_its_command_ends_is_not_made() {
    let world = world().await;
    allowed(&world, 1).await;
    // Who grants on the same column has ours wait until its own transaction is over.
    let mut other = world.database.connect("postgres", PASSWORD).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::raw_sql("GRANT SELECT (id) ON orders TO shop WITH GRANT OPTION").execute(&mut *held).await.unwrap();
    let waits = format!(
        "SELECT '' FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'",
        world.database.name
    );
    let ends = async {
        while world.database.ask(&waits).await.is_empty() {
            tokio::task::yield_now().await;
        }
        // What the end of a command does: takes back what there is, and is written down.
        issuers::revoke(&world.gate.app, &id(1)).await.unwrap();
        let ended = sqlx::query("UPDATE invocations SET ended = 1 WHERE id = $1").bind(id(1).as_str().to_owned());
        ended.execute(world.gate.app.store.pool()).await.unwrap();
        held.rollback().await.unwrap();
    };
    let both = async { tokio::join!(world.draw(1, vec![world.select("orders", &["id"])]), ends) };
    let (drawn, ()) = tokio::time::timeout(PATIENCE, both).await.expect("the role was not waited for");
    let refused = drawn.err().unwrap();
    assert!(refused.contains("ended before its credential shop was made"), "{refused}");
    assert_eq!(world.roles().await, [""; 0]);
}

#[tokio::test]
async fn an_end_is_not_written_down_beside_a_role_that_nobody_takes_back() {
    let world = world().await;
    allowed(&world, 1).await;
    let lent = || world.gate.app.store.write(|tx| Box::pin(async move { issuers::lent(tx, &id(1)).await }));
    let lent = || async { lent().await.unwrap() };
    assert!(!lent().await);
    world.draw(1, vec![world.select("orders", &["id"])]).await.unwrap();
    assert!(lent().await);
    issuers::revoke(&world.gate.app, &id(1)).await.unwrap();
    assert!(!lent().await);
}
