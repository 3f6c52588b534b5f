//! Statements and what they are read as.

use super::*;

/// `KIND class tables [nested] functions | verb table(columns; outside)`.
fn show(sql: &str) -> String {
    match read(sql) {
        Err(Unread::Refused(_)) => "refused".into(),
        Err(Unread::Unparsed(_)) => "unparsed".into(),
        Ok(statements) => statements.iter().map(one).collect::<Vec<_>>().join("\n"),
    }
}

fn one(s: &Statement) -> String {
    let mut out = format!("{} {} {}", s.kind, s.class.word(), s.tables().join(",")).trim_end().to_owned();
    if !s.nested.is_empty() {
        out += &format!(" [{}]", s.nested.join(","));
    }
    if !s.functions.is_empty() {
        out += &format!(" {}()", s.functions.join("(),"));
    }
    out
}

fn accesses(sql: &str) -> String {
    let join = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(",");
    read(sql)
        .unwrap()
        .iter()
        .flat_map(|s| &s.accesses)
        .map(|a| format!("{:?} {}({}; {})", a.verb, a.written(), join(&a.columns), join(&a.outside)))
        .collect::<Vec<_>>()
        .join(" | ")
}

#[test]
fn statements_are_called_what_the_server_calls_them() {
    for (sql, expect) in [
        ("SELECT 1", "SELECT read"),
        ("TABLE users", "SELECT read users"),
        ("VALUES (1),(2)", "SELECT read"),
        ("SELECT o.id,u.email FROM orders o JOIN users u ON u.id=o.user_id", "SELECT read orders,users"),
        ("WITH r AS (SELECT * FROM orders) SELECT count(*) FROM r", "SELECT read orders"),
        ("WITH d AS (DELETE FROM users RETURNING *) SELECT * FROM d", "SELECT write users [DELETE]"),
        ("EXPLAIN SELECT * FROM users", "EXPLAIN read users"),
        ("EXPLAIN DELETE FROM users", "EXPLAIN read users [DELETE]"),
        ("EXPLAIN ANALYZE DELETE FROM users", "EXPLAIN ANALYZE write users [DELETE]"),
        ("EXPLAIN (ANALYZE off) DELETE FROM users", "EXPLAIN read users [DELETE]"),
        ("EXPLAIN ANALYZE SELECT * FROM users", "EXPLAIN ANALYZE read users"),
        ("EXPLAIN CREATE TABLE t AS SELECT * FROM users", "EXPLAIN read t,users [CREATE TABLE AS]"),
        ("CREATE TABLE t AS WITH d AS (DELETE FROM users RETURNING *) TABLE d", "CREATE TABLE AS ddl t,users [DELETE]"),
        ("CREATE TABLE t AS EXECUTE p", "CREATE TABLE AS ddl t"),
        ("ALTER TABLE users RENAME CONSTRAINT a TO b", "ALTER TABLE ddl users"),
        ("ALTER VIEW v RENAME COLUMN a TO b", "ALTER VIEW ddl v"),
        ("ALTER DOMAIN d RENAME CONSTRAINT a TO b", "ALTER DOMAIN ddl"),
        ("ALTER USER app RENAME TO app2", "ALTER ROLE privilege"),
        ("ALTER LARGE OBJECT 1 OWNER TO app", "ALTER LARGE OBJECT ddl"),
        ("ALTER INDEX ALL IN TABLESPACE a SET TABLESPACE b", "ALTER INDEX ddl"),
        ("ALTER FUNCTION f() DEPENDS ON EXTENSION x", "ALTER FUNCTION ddl"),
        ("CREATE POLICY p ON users USING (id IN (SELECT user_id FROM orders))", "CREATE POLICY ddl users,orders"),
        ("SELECT * INTO t2 FROM users", "SELECT INTO ddl t2,users"),
        ("CREATE TABLE c2 AS TABLE users", "CREATE TABLE AS ddl c2,users"),
        ("CREATE MATERIALIZED VIEW m AS SELECT * FROM users", "CREATE MATERIALIZED VIEW ddl m,users"),
        ("CREATE USER bob", "CREATE ROLE privilege"),
        ("GRANT admin TO bob", "GRANT ROLE privilege"),
        ("GRANT SELECT ON users TO bob", "GRANT privilege users"),
        ("REVOKE ALL ON users FROM bob", "REVOKE privilege users"),
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO bob", "ALTER DEFAULT PRIVILEGES privilege"),
        ("PREPARE p AS DELETE FROM users; EXECUTE p", "PREPARE session users [DELETE]\nEXECUTE code"),
        ("COPY (DELETE FROM users RETURNING *) TO STDOUT", "COPY TO write users [DELETE]"),
        ("COPY users FROM STDIN", "COPY FROM write users"),
        ("BEGIN; LOCK TABLE users; END; ABORT", "BEGIN tx\nLOCK tx users\nCOMMIT tx\nROLLBACK tx"),
        ("DROP TABLE IF EXISTS staging.events, audit_log", "DROP TABLE ddl staging.events,audit_log"),
        ("ALTER TABLE a RENAME COLUMN x TO y", "ALTER TABLE ddl a"),
        ("ALTER TABLE a OWNER TO bob", "ALTER TABLE ddl a"),
        ("COMMENT ON COLUMN s.t.c IS 'x'", "COMMENT ddl s.t"),
        ("CREATE RULE r AS ON INSERT TO a DO DELETE FROM b", "CREATE RULE ddl a,b"),
        ("TRUNCATE users, orders", "TRUNCATE write users,orders"),
        ("DO $$ BEGIN DELETE FROM users; END $$", "DO code"),
        ("CALL wipe()", "CALL code"),
        ("ANALYZE users; VACUUM", "ANALYZE admin users\nVACUUM admin"),
        ("REINDEX TABLE users; CHECKPOINT", "REINDEX admin users\nCHECKPOINT admin"),
        ("SET x.y = 1; RESET ALL; SHOW search_path", "SET session\nRESET session\nSHOW read"),
        ("MERGE INTO a USING b ON a.i=b.i WHEN MATCHED THEN DELETE", "MERGE write a,b"),
        ("SELECT setval('s',1), count(*), lower('x')", "SELECT read setval()"),
        ("SELECT app.f(), wipe()", "SELECT read app.f(),wipe()"),
        ("DELETE FROM :t", "refused"),
        ("SELECT 1 \\; x", "refused"),
        ("SELEC 1", "unparsed"),
        ("SELECT 'a; DROP TABLE x", "refused"),
        ("SELECT 'a\\'; DROP TABLE x; --'", "SELECT read\nDROP TABLE ddl x"),
        ("SELECT 'a\\''; DROP TABLE x; --", "unparsed"),
        ("/* a; DROP TABLE x", "refused"),
        ("-- nothing", ""),
        (";;", ""),
    ] {
        assert_eq!(show(sql), expect, "{sql}");
    }
}

#[test]
fn a_column_is_outside_of_the_select_list_wherever_it_decides_something() {
    for (sql, expect) in [
        ("SELECT email FROM users", "Select users(email; )"),
        ("SELECT * FROM users", "Select users(*; )"),
        ("SELECT id FROM users WHERE email LIKE 'a%'", "Select users(email,id; email)"),
        ("SELECT id FROM users ORDER BY email", "Select users(email,id; email)"),
        ("SELECT id, email FROM users ORDER BY 2", "Select users(email,id; email)"),
        ("SELECT id, email AS e FROM users GROUP BY e, id", "Select users(e,email,id; e,email,id)"),
        ("SELECT upper(email) FROM users", "Select users(email; email)"),
        ("SELECT CASE WHEN email='x' THEN 1 END FROM users", "Select users(email; email)"),
        ("SELECT email::int FROM users", "Select users(email; email)"),
        ("SELECT u::text FROM users u", "Select users(*; *)"),
        (
            "SELECT u.email, o.id FROM users u JOIN orders o ON o.user_id = u.id",
            "Select users(email,id; id) | Select orders(id,user_id; user_id)",
        ),
        ("SELECT 1 FROM users WHERE 'x' IN (SELECT email FROM users)", "Select users(email; email)"),
        ("WITH r AS (SELECT email AS x FROM users) SELECT 1 FROM r WHERE x LIKE 'a'", "Select users(email; email)"),
        ("SELECT 1 FROM (SELECT * FROM users) s WHERE s.email='x'", "Select users(*,email; email)"),
        ("SELECT 1 FROM users JOIN orders USING (id)", "Select users(id; id) | Select orders(id; id)"),
        ("DELETE FROM orders WHERE id=1", "Delete orders(; ) | Select orders(id; id)"),
        ("DELETE FROM orders", "Delete orders(; )"),
        ("UPDATE users SET note=email", "Update users(note; ) | Select users(email; email)"),
        ("INSERT INTO log(a) SELECT email FROM users", "Select users(email; email) | Insert log(a; )"),
        ("INSERT INTO t VALUES (1) RETURNING id", "Insert t(*; ) | Select t(id; )"),
        ("COPY users (email) TO '/tmp/x'", "Select users(email; email)"),
        ("COPY users TO STDOUT", "Select users(*; *)"),
        ("SELECT 1 FROM a WHERE EXISTS (SELECT 1 FROM b WHERE x=1)", "Select a(x; x) | Select b(x; x)"),
    ] {
        assert_eq!(accesses(sql), expect, "{sql}");
    }
}

/// Masks of columns go by the headings that psql prints.
#[test]
fn a_column_that_is_shown_under_another_heading_is_outside_too() {
    for (sql, expect) in [
        ("SELECT email AS email, u.id FROM users u", "Select users(email,id; )"),
        ("SELECT email AS e FROM users", "Select users(email; email)"),
        ("SELECT id AS email FROM users", "Select users(id; id)"),
        ("WITH x(e) AS (SELECT email FROM users) SELECT e FROM x", "Select users(email; email)"),
        ("WITH x AS (SELECT email FROM users) SELECT * FROM x", "Select users(email; )"),
        ("SELECT email FROM (SELECT id, email FROM users) y(email, x)", "Select users(email,id; id)"),
        ("SELECT u FROM users u", "Select users(*; *)"),
        ("SELECT id FROM a UNION ALL SELECT email FROM users", "Select a(id; ) | Select users(email; email)"),
        ("SELECT id FROM a UNION ALL SELECT id FROM users", "Select a(id; ) | Select users(id; )"),
        ("SELECT id FROM a UNION ALL TABLE users", "Select a(id; ) | Select users(*; *)"),
        ("TABLE a UNION ALL SELECT email FROM users", "Select a(*; ) | Select users(email; email)"),
        ("UPDATE users SET id = 1 RETURNING email AS e", "Update users(id; ) | Select users(email; email)"),
        ("DELETE FROM users RETURNING email", "Delete users(; ) | Select users(email; )"),
        ("COPY (DELETE FROM users RETURNING email) TO STDOUT", "Delete users(; ) | Select users(email; email)"),
        ("COPY (SELECT email FROM users) TO STDOUT WITH (HEADER)", "Select users(email; email)"),
        ("PREPARE p AS SELECT email AS e FROM users", "Select users(email; email)"),
        ("DECLARE c CURSOR FOR SELECT email AS e FROM users", "Select users(email; email)"),
        // A heading of two lines, and one that looks like two.
        ("SELECT 1 AS \"a\nb\", email FROM users", "Select users(email; email)"),
        ("SELECT 1 AS \"a|b\", email FROM users", "Select users(email; email)"),
        ("SELECT 1 AS U&\"\\2502\", email FROM users", "Select users(email; email)"),
        ("SELECT * FROM (SELECT 1, email FROM users) s(\"a\nb\")", "Select users(email; email)"),
        ("SELECT x.*, email FROM users, json_to_record('{}') AS x(\"a\nb\" int)", "Select users(email; email)"),
        ("WITH s(\"a\nb\") AS (SELECT 1) SELECT s.*, email FROM users, s", "Select users(email; email)"),
        ("SELECT 1 AS \"a b\", email FROM users", "Select users(email; )"),
    ] {
        assert_eq!(accesses(sql), expect, "{sql}");
    }
}

/// The server refuses what nests deeper than its stack; so must we, on whatever thread a reading happens to run.
#[test]
fn what_nests_without_end_is_refused_and_overflows_nothing() {
    let depth = 20_000;
    let wrapped =
        |open: &str, inside: &str, close: &str| format!("SELECT {}{inside}{}", open.repeat(depth), close.repeat(depth));
    for hostile in [
        wrapped("(", "1", ")"),
        wrapped("(SELECT ", "1", ")"),
        wrapped("NOT ", "true", ""),
        wrapped("- ", "1", ""),
        wrapped("abs(", "1", ")"),
        wrapped("ARRAY[", "1", "]"),
        wrapped("CASE WHEN true THEN ", "1", " END"),
        format!("SELECT 1{}", " + 1".repeat(depth)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(depth / 10)),
        format!("SELECT 1{}", "::int".repeat(depth)),
        format!("SELECT * FROM a{}", " JOIN a ON true".repeat(depth / 10)),
        "/*".repeat(400_000),
        format!("SELECT {}1", "+-".repeat(400_000)),
        format!("SELECT 1 {}", "/*--".repeat(200_000)),
    ] {
        let thread = std::thread::Builder::new().stack_size(2 << 20);
        let read = thread.spawn(move || read(&hostile).is_ok()).unwrap();
        assert!(read.join().is_ok());
    }
}
