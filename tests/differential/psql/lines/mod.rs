//! The lines.

mod branches;
mod commands;
mod forms;
mod fresh;
mod lexer;
mod odd;
mod options;
mod seldom;
mod statements;

use super::{Line, query, script};

/// Run bare, and compared with what the server logged and strace saw.
pub fn all() -> Vec<Line> {
    [
        first(),
        lexer::lines(),
        commands::lines(),
        options::lines(),
        statements::lines(),
        fresh::lines(),
        odd::lines(),
        seldom::lines(),
        forms::lines(),
        branches::lines(),
    ]
    .concat()
}

fn first() -> Vec<Line> {
    vec![
        query(&["-c", "SELECT 1"]),
        query(&["-c", "SELECT 1; DELETE FROM users; SELECT 2"]),
        query(&["-c", "SELECT $$a;$$; TABLE users"]),
        query(&["-c", "DELETE FROM :t", "-v", "t=users"]),
        query(&["-c", "SELECT 1 \\! touch ran"]),
        query(&["-c", "\\echo x \\\\ DELETE FROM users;"]),
        query(&["-c", "-- nothing"]),
        query(&["-c", "BEGIN; LOCK TABLE users; ROLLBACK"]),
        query(&["-c", "\\copy users to out.csv csv", "-c", "SELECT 1"]),
        query(&["-c", "\\copy (delete from users returning *) to out.csv"]),
        query(&["--comm", "DELETE FROM users"]),
        query(&["-tAc", "VALUES (1)"]),
        query(&["-c", "\\q", "-c", "SELECT 1"]),
        query(&["-X", "--bogus", "-c", "SELECT 1"]),
        script("SELECT 1;SELECT 2;\nSELECT 3\n"),
        script("SELECT 1 \\q\nSELECT 2;\n"),
        script("SELECT 1;\n\\q\nSELECT 2;\n"),
        script("SELECT 1 \\; DELETE FROM users;\n"),
        script("SELECT ';' , E'\\';' , $x$;$x$, \"email\" FROM users; TABLE orders;\n"),
        script("SELECT 1 /* /* ; */ DELETE FROM users; */;\nSELECT 2;\n"),
        script("SELECT (1;\n2);\nSELECT 3;\n"),
        script("SELECT 1 -- ; DELETE FROM users;\n;\n"),
        script("\\if 0\n\\! touch ran\nDELETE FROM users;\n\\else\nSELECT 1;\n\\endif\n"),
        script("\\if 1\nSELECT 1;\n\\elif 1\nDELETE FROM users;\n\\else\nDELETE FROM orders;\n\\endif\nSELECT 2;\n"),
        script("\\if true \\\\ SELECT 1; \\else \\\\ SELECT 2, 3; \\endif\n"),
        script("SELECT 1\n\\if 0\n, 2\n\\endif\n;\n"),
        script("\\if nonsense\nDELETE FROM users;\n\\endif\nSELECT 1;\n"),
        script("\\set q 'DELETE FROM users; SELECT 1'\n:q;\n"),
        script("\\set t users\nDELETE FROM :t;\nDELETE FROM :\"t\";\nSELECT :'t';\n"),
        script("SELECT :none;\nSELECT 1::int;\n"),
        script("\\echo `true` \\\\ SELECT 1;\n"),
        script("SELECT 1 \\g |cat\nSELECT 2 \\g (format=csv) out.txt\n"),
        script("SELECT 1\n\\g\n\\g\n"),
        script("SELECT 1 AS a, 'x' AS b \\gset\nSELECT :'b';\n"),
        script("SELECT 1 \\r\nSELECT 2;\n"),
        script("COPY audit_log(action) FROM STDIN;\nx; y\n\\.\nDELETE FROM users;\n"),
        script("COPY audit_log FROM STDIN WITH (FORMAT csv);\n\"it's\"\n"),
        script("\\copy audit_log from stdin\na\n\\.\nSELECT 1;\n"),
        script("CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC; SELECT 1; SELECT 2; END;\nSELECT f();\n"),
        script("CREATE OR REPLACE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM users; END $$;\nCALL p();\n"),
        script("\\set SINGLELINE on\nSELECT 1\nSELECT 2\n"),
        script("\\nonsense DELETE FROM users;\nSELECT 1;\n"),
        script("\\set x 1 \\\\ SELECT :x;\n"),
        script("\\echo 'open\nSELECT 1;\n"),
        script("\u{feff}SELECT 1;\n"),
        script("SELECT 1;\r\nSELECT 2;\r\n"),
        script("PREPARE p AS DELETE FROM users;\nEXECUTE p;\n"),
        script("DO $$ BEGIN PERFORM 1; END $$;\nSELECT U&'\\0041;', B'1', X'F', N'x';\n"),
        script("EXPLAIN DELETE FROM users;\nEXPLAIN ANALYZE DELETE FROM users;\n"),
        script("SELECT 1E'\\';\nSELECT 2;\n';\nSELECT 3;\n"),
        script("SELECT 1 \\gx\n"),
        query(&["-S"]).on("DELETE FROM users\nSELECT 1\n"),
        query(&["-f", "-"]).on("SELECT 1;\n"),
        query(&["-c", "COPY audit_log FROM STDIN", "-f", "-"]).on("a\n\\.\nSELECT 1;\n"),
        query(&["-f", "a.sql", "-c", "SELECT 9"])
            .file("a.sql", "\\i sub/b.sql\nTABLE orders;\n")
            .file("sub/b.sql", "\\ir c.sql\nSELECT 1\n")
            .file("sub/c.sql", "DELETE FROM users;\n\\q\nSELECT 7;\n"),
        query(&["-c", "\\i a.sql"]).file("a.sql", "TRUNCATE users"),
        query(&["-c", "\\cd sub", "-f", "c.sql"]).file("sub/c.sql", "SELECT 1;"),
        query(&["-c", "SELECT 1"]).file(".psqlrc", "DELETE FROM users;\n"),
        query(&["-Xc", "SELECT 1"]).file(".psqlrc", "DELETE FROM users;\n"),
    ]
}

/// Run with a credential, as a role that may do just what was read.
pub fn touching() -> Vec<Line> {
    vec![
        query(&["-c", "SELECT email FROM users"]),
        query(&["-c", "SELECT * FROM users WHERE active"]),
        query(&["-c", "DELETE FROM orders WHERE id = 1"]),
        query(&["-c", "UPDATE users SET active = false WHERE id = 1 RETURNING email"]),
        query(&["-c", "INSERT INTO audit_log (action) SELECT email FROM users"]),
        query(&["-c", "SELECT u.email, o.total FROM users u JOIN orders o ON o.user_id = u.id"]),
        query(&["-c", "WITH d AS (DELETE FROM archive.old RETURNING id) SELECT id FROM d"]),
        query(&["-c", "COPY users (email) TO STDOUT"]),
        query(&["-c", "\\copy orders to out.csv csv"]),
        query(&["-c", "TRUNCATE archive.old"]),
        query(&[
            "-c",
            "MERGE INTO users u USING orders o ON u.id = o.user_id WHEN MATCHED THEN UPDATE SET active = true",
        ]),
        query(&["-c", "SELECT id FROM users WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = users.id)"]),
        query(&["postgres://old@127.0.0.1/", "-W", "-c", "SELECT id FROM orders"]),
        script("COPY audit_log FROM STDIN;\nx\n\\.\n"),
        script("PREPARE p AS DELETE FROM archive.old;\nEXECUTE p;\n"),
        query(&["-f", "a.sql"])
            .file("a.sql", "\\i 'sub/b.sql'\n\\ir sub/b.sql\n")
            .file("sub/b.sql", "SELECT total FROM orders;"),
        query(&["-c", "\\i a.sql"]).file("a.sql", "SELECT action FROM audit_log;"),
        query(&["-c", "SELECT id FROM orders"]).file(".psqlrc", "SELECT action FROM audit_log;"),
    ]
}
