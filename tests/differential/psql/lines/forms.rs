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
    ]
}
