//! Empty values, key words of other versions, options that psql does not take.

use super::{Line, query, script};

pub fn lines() -> Vec<Line> {
    vec![
        // What is empty in a connection string stands in the way of what is said beside it.
        query(&["dbname=", "-c", "SELECT 1"]),
        query(&["dbname=''", "-c", "SELECT 1"]),
        query(&["user=", "-c", "SELECT 1"]),
        query(&["postgresql:///?dbname=", "-c", "SELECT 1"]),
        query(&["-U", "app", "user=''", "-c", "SELECT 1"]),
        query(&["options=''", "-c", "SELECT 1"]).env("PGOPTIONS", "-c role=app"),
        query(&["sslmode=", "-c", "SELECT 1"]),
        query(&["connect_timeout=", "-c", "SELECT 1"]),
        query(&["keepalives=", "-c", "SELECT 1"]),
        query(&["service=", "-c", "SELECT 1"]),
        query(&["-c", "SELECT 1"]).env("PGSERVICE", ""),
        query(&["-c", "SELECT 1"]).env("PGSSLMODE", ""),
        script("\\c \"\"\nSELECT 1;\n"),
        script("\\c - \"\"\nSELECT 1;\n"),
        script("\\c \"dbname=\"\nSELECT 1;\n"),
        // Key words that came later, or went.
        query(&["sslnegotiation=direct", "-c", "SELECT 1"]),
        query(&["require_auth=none", "-c", "SELECT 1"]),
        query(&["postgresql:///?load_balance_hosts=random", "-c", "SELECT 1"]),
        query(&["authtype=x", "-c", "SELECT 1"]),
        script("\\c \"dbname=postgres sslcertmode=allow\"\nSELECT 1;\n"),
        // An option of `\\g` that psql does not take leaves the statement where it is.
        script("SELECT 1 \\g (bogus=1) a.txt\nSELECT 2;\n"),
        script("SELECT 1 \\gx (a) b\n;\nSELECT 2;\n"),
        script("SELECT 1 \\g (format=)\n;DELETE FROM users;\n"),
        script("SELECT 1 \\g (border=2 x=off) a.txt\nSELECT 2;\n"),
        script("SELECT 1 \\g ()\nSELECT 2;\n"),
        script("SELECT 1 \\g (pager=bogus\nSELECT 2;\n"),
        script("SELECT 1 \\g (=)\n;\n"),
        // Under ON_ERROR_STOP a setting that psql does not take ends the script.
        script("\\set ON_ERROR_STOP 1\n\\pset bogus\nDELETE FROM users;\n"),
        script("\\set ON_ERROR_STOP 1\n\\pset border 2\n\\pset format csv\nDELETE FROM users;\n"),
        script("\\set ON_ERROR_STOP 1\n\\pset\n\\pset format\n\\pset pager\nSELECT 1;\n"),
        script("\\set ON_ERROR_STOP 1\n\\set a-b c\nDELETE FROM users;\n"),
        script("\\set ON_ERROR_STOP 1\n\\set 1x y\n\\set é z\nSELECT :1x;\n"),
        // Streams are no files.
        query(&["-f", "/dev/stdin"]).on("DELETE FROM users;\n"),
        query(&["-f", "/dev/null"]).on("DELETE FROM users;\n"),
        query(&["-c", "\\copy audit_log from /dev/null"]),
        query(&["-c", "\\copy audit_log from /dev/stdin"]).on("x\n"),
        query(&["-o", "/dev/null", "-c", "SELECT 1"]),
        script("SELECT 1 \\g /dev/stdout\n\\o /dev/fd/2\nSELECT 2;\n"),
        // What psql sets with the first statement is not there before; a version is no boolean.
        script("\\if :ERROR\nDELETE FROM users;\n\\else\nSELECT 2;\n\\endif\n"),
        script("\\if :{?SQLSTATE}\nSELECT 3;\n\\endif\n\\dt\n\\if :{?ERROR}\nSELECT 3;\n\\endif\n"),
        script("\\if :SERVER_VERSION_NUM >= 150000\nDELETE FROM users;\n\\else\nSELECT 1;\n\\endif\n"),
        script("\\set SERVER_VERSION_NUM 1\n\\if :SERVER_VERSION_NUM\nSELECT 1;\n\\endif\n"),
        // The transaction around the line is rolled back where the line ended early.
        query(&["-v", "ON_ERROR_STOP=on", "-1", "-c", "\\gone", "-c", "SELECT 2"]),
        query(&["-v", "ON_ERROR_STOP=on", "-1", "-f", "a.sql", "-c", "SELECT 2"])
            .file("a.sql", "SELECT 1;\n\\gone\nSELECT 3;\n"),
        query(&["-1", "-c", "SELECT 2", "-c", "\\gone"]),
        query(&["-L", "", "-c", "SELECT 1"]),
        // Beside a script by its name, from where psql is now.
        query(&["-f", "sub/a.sql"])
            .file("sub/a.sql", "\\cd sub\n\\ir b.sql\n")
            .file("sub/b.sql", "DELETE FROM users;")
            .file("sub/sub/b.sql", "SELECT 8;"),
        script("\\cd sub\n\\i a.sql\n")
            .file("sub/a.sql", "\\cd ..\n\\ir b.sql\n")
            .file("sub/b.sql", "DELETE FROM users;")
            .file("b.sql", "SELECT 8;"),
    ]
}
