//! Statements and settings that begin in one branch or transaction and end in another.

use super::{Line, query, script};

pub fn lines() -> Vec<Line> {
    [gathered(), told_by_the_server(), transactions()].concat()
}

/// What a branch that is not taken leaves behind: nothing but the words that psql counted.
fn gathered() -> Vec<Line> {
    vec![
        script("\\if false\n(\n\\endif\nDELETE FROM users;\n\\r\nSELECT 2;\n"),
        script("\\if false\n((\n\\else\nSELECT 1;\n\\endif\nDELETE FROM users;\n\\r\n"),
        script("\\if false\n(\n\\elif true\nSELECT 1;\n\\endif\nSELECT 2;\n\\r\n"),
        script("SELECT (\n\\if false\n)\n\\endif\n1;2);\nSELECT 3;\n"),
        script("SELECT (1\n\\if true\n)\n\\endif\n; SELECT 2;\n\\r\n"),
        script("\\if true\n(\n\\endif\nSELECT 1);\nDELETE FROM users;\n\\r\n"),
        script("\\if false\nCREATE FUNCTION f() BEGIN\n\\endif\nSELECT 1; SELECT 2;\n\\r\nSELECT 3;\n"),
        script("\\if false\nCREATE\n\\endif\nFUNCTION BEGIN; SELECT 1;\n\\r\nSELECT 3;\n"),
        script("\\if false\n\\if true\n(\n\\endif\n\\endif\nSELECT 1;\n\\r\n"),
        script("SELECT 1\n\\if false\n\\r\n\\g\n\\endif\n, 2;\n"),
        script("SELECT 1\n\\if true\n\\g\n\\else\n, 2\n\\endif\nSELECT 3;\n"),
        script("\\if true\n\\i a.sql\n\\endif\nDELETE FROM :t;\n").file("a.sql", "\\set t users\n"),
    ]
}

/// Nobody but the server knows which branch is taken.
fn told_by_the_server() -> Vec<Line> {
    let not = |rest: &str| script(&format!("SELECT false AS x \\gset\n{rest}"));
    vec![
        not("\\if :x\n(\n\\endif\nDELETE FROM users;\n\\r\n"),
        not("DELETE FROM users\n\\if :x\n\\r\n\\endif\n;\n"),
        not("DELETE FROM users\n\\if :x\nWHERE id = 7\n\\endif\n;\n"),
        not("EXPLAIN (ANALYZE\n\\if :x\n, ANALYZE off\n\\endif\n) DELETE FROM users;\n"),
        not("\\if :x\nSELECT 1;\n\\else\nSELECT 2;\n\\endif\nDELETE FROM users;\n"),
        not("\\set t users\n\\if :x\n\\i a.sql\n\\endif\nDELETE FROM :t;\n").file("a.sql", "\\set t orders\n"),
        not("\\if :x\n\\i a.sql\n\\endif\nDELETE FROM users;\n").file("a.sql", "\\set ON_ERROR_STOP 1\n\\q\n"),
        not("\\if :x\n\\cd sub\n\\endif\n\\i a.sql\n").file("sub/a.sql", "SELECT 1;").file("a.sql", "TABLE users;"),
        not("\\if :x\n\\c template1\n\\endif\nDELETE FROM users;\n"),
        not("\\if :x\nSET search_path = archive;\n\\endif\nDELETE FROM users;\n"),
        not("\\if :x\n\\setenv PGDATABASE template1\n\\endif\n\\c -reuse-previous=off \"user=postgres\"\n"),
    ]
}

/// What a transaction that ends leaves open, and what it does not.
fn transactions() -> Vec<Line> {
    vec![
        script("\\set AUTOCOMMIT off\nSELECT 1;\nSAVEPOINT a;\nROLLBACK TO a;\nSELECT 2;\n"),
        script("\\set AUTOCOMMIT off\nSELECT 1;\nCOMMIT AND CHAIN;\nSELECT 2;\nROLLBACK AND CHAIN;\nSELECT 3;\n"),
        script(
            "\\set ON_ERROR_ROLLBACK on\nBEGIN;\nSAVEPOINT a;\nROLLBACK TO a;\nSELECT 2;\nCOMMIT AND CHAIN;\nSELECT 3;\n",
        ),
        script("\\set AUTOCOMMIT off\n\\copy users to out.csv\nSELECT 1;\n"),
        script("\\set AUTOCOMMIT off\n\\copy audit_log from stdin\nx\n\\.\nCOMMIT;\n"),
        script("\\set AUTOCOMMIT off\n\\copy users\n\\copy (delete from users returning id) to out.csv\n"),
        script("\\set ON_ERROR_ROLLBACK on\nBEGIN;\n\\copy users to out.csv\nCOMMIT;\n\\copy users to out.csv\n"),
        script("\\set AUTOCOMMIT off\n\\lo_import data.bin\nSELECT 1;\n").file("data.bin", "xyz"),
        script("\\set AUTOCOMMIT off\nSELECT 1;\n\\lo_import data.bin\nCOMMIT;\n").file("data.bin", "xyz"),
        query(&["-1", "-c", "SAVEPOINT a", "-c", "ROLLBACK TO a", "-c", "SELECT 1"]),
        query(&["-1", "-c", "COMMIT AND CHAIN", "-c", "SELECT 1"]),
        query(&["-1", "-c", "SELECT 1"]).file(".psqlrc", "BEGIN;\n"),
        query(&["-1", "-c", "BEGIN", "-c", "\\lo_import x", "-c", "COMMIT", "-c", "SELECT 1"]).file("x", ""),
        query(&["-1", "-f", "-"]).on("\\if :{?ROW_COUNT}\nDELETE FROM users;\n\\endif\n"),
        query(&["-c", "BEGIN; SET LOCAL search_path TO archive; SELECT * FROM old; COMMIT; SELECT * FROM users"]),
        query(&["-c", "SELECT 1/0; SET search_path = archive", "-c", "DELETE FROM users"]),
        script("BEGIN;\nSELECT 1/0;\nSET search_path = archive;\nCOMMIT;\nDELETE FROM users;\n"),
        script(
            "SET search_path = archive;\nTABLE old;\nRESET search_path;\nTABLE users;\nSET search_path TO DEFAULT;\nTABLE users;\n",
        ),
    ]
}
