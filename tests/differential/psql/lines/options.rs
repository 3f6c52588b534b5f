//! The command line: options, where it connects, what psql refuses.

use super::{Line, query, script};

pub fn lines() -> Vec<Line> {
    [words(), connections(), services(), startup(), transactions()].concat()
}

fn words() -> Vec<Line> {
    vec![
        query(&["-AtXqc", "SELECT 1"]),
        query(&["-Xc", "SELECT 1", "-c", "SELECT 2"]),
        query(&["-XAtcSELECT 1"]),
        query(&["-c", "-f", "-f", "-"]).on("SELECT 1;\n"),
        query(&["-X", "--command=SELECT 1"]),
        query(&["--com=SELECT 1", "--no-psql"]),
        query(&["--co", "SELECT 1"]),
        query(&["--c", "SELECT 1"]),
        query(&["--csv", "-c", "SELECT 1"]),
        query(&["--cs", "-c", "SELECT 1"]),
        query(&["--no-p", "-c", "SELECT 1"]),
        query(&["--no-pass", "-c", "SELECT 1"]),
        query(&["--field", "x", "-c", "SELECT 1"]),
        query(&["--field-separator", "-c", "-c", "SELECT 1"]),
        query(&["-F", "-c", "-c", "SELECT 1"]),
        query(&["-P", "null=x", "-c", "SELECT 1"]),
        query(&["-P", "bogus=x", "-c", "SELECT 1"]),
        query(&["-P", "format=bogus", "-c", "SELECT 1"]),
        query(&["-P", "pager", "-c", "SELECT 1"]),
        query(&["-c"]),
        query(&["--quiet=x", "-c", "SELECT 1"]),
        query(&["-y", "-c", "SELECT 1"]),
        query(&["-?"]),
        query(&["--help"]),
        query(&["--help", "-c", "DELETE FROM users"]),
        query(&["--help=commands"]),
        query(&["--help=bogus"]),
        query(&["-c", "DELETE FROM users", "--help"]),
        query(&["-V"]),
        query(&["-c", "DELETE FROM users", "-V"]),
        query(&["-c", "DELETE FROM users", "--version"]),
        query(&["--version", "-c", "DELETE FROM users"]),
        query(&["-tV", "-c", "DELETE FROM users"]),
        query(&["-h", "127.0.0.1", "-c", "SELECT 1", "-X", "@DB@", "app"]),
        query(&["@DB@", "app", "extra", "-c", "SELECT 1"]),
        query(&["@DB@", "-c", "SELECT 1", "app"]),
        query(&["@DB@", "-c", "SELECT 1"]).env("POSIXLY_CORRECT", "1"),
        query(&["-c", "SELECT 1", "@DB@"]).env("POSIXLY_CORRECT", "1"),
        query(&["-c", "SELECT 1", "--", "@DB@", "app"]),
        query(&["-d", "@DB@", "-d", "postgres", "-c", "SELECT 1"]),
        query(&["-U", "app", "-U", "admin", "-c", "SELECT 1"]),
        query(&["-U", "", "-c", "SELECT 1"]),
        query(&["-d", "", "-c", "SELECT 1"]),
        query(&["-e", "-b", "-E", "-a", "-c", "SELECT 1"]),
        query(&["-x", "-H", "-t", "-R", ";", "-T", "x", "-z", "-0", "-n", "-c", "SELECT 1"]),
        query(&["-w", "-c", "SELECT 1"]),
        query(&["-s", "-c", "SELECT 1"]),
        query(&["-s"]).on("SELECT 1;\n\nx\nSELECT 2;\n"),
        query(&["-f", "./a.sql", "--file=sub/../b.sql"])
            .file("a.sql", "SELECT 1;")
            .file("b.sql", "SELECT 2;")
            .file("sub/x", ""),
        query(&["-f", "nowhere/../a.sql"]).file("a.sql", "DELETE FROM users;"),
        query(&["-c", "-f", "a.sql"]).file("a.sql", "DELETE FROM users"),
        query(&["-c", "-d", "-c", "'DELETE FROM users'", "-c", "1; SELECT 2"]),
        query(&["-s"]).on("SELECT 1;\nx\nDELETE FROM users;\nx\nSELECT 2;\n"),
        query(&["-s"]).on("DELETE FROM users;\nSELECT 1;\nTABLE orders;\n"),
        query(&["-s"]).on("SELECT 1; SELECT 2;\n\n\nSELECT 3;\nxx\nDELETE FROM users;\n\n"),
        query(&["-s"]).on(";\n\nDELETE FROM users;\nx"),
        query(&["-s", "-c", "DELETE FROM users"]).on("x\n"),
        query(&["-s", "-c", "DELETE FROM users", "-c", "SELECT 1"]).on("x\ny\n"),
        query(&["-s", "-c", "DELETE FROM users", "-f", "-"]).on("y\nTABLE orders;\n\n"),
        query(&["-s", "-f", "a.sql"]).on("y\nx\n").file("a.sql", "SELECT 1;\nDELETE FROM users;\nSELECT 2;\n"),
        query(&["-s", "-c", "\\copy audit_log from stdin"]).on("\na\n"),
        query(&["-s"]).on("COPY audit_log FROM STDIN;\n\nDELETE FROM users;\n\\.\nSELECT 1;\n"),
        query(&["-s"]).on("SELECT 1 AS a \\gset\nx\nSELECT 2 \\g\nx\nSELECT 3 \\gdesc\n\n\\q\n"),
        query(&[]).on("\\set SINGLESTEP on\nSELECT 1;\nx\nTABLE users;\nSELECT 2;\n"),
        query(&["-f", "gone.sql"]),
        query(&["-f", ""]).on("SELECT 1;\n"),
        query(&["-q", "-c", "SELECT 1; SELECT 2", "-f", "-"]).on("SELECT 3\n"),
    ]
}

fn connections() -> Vec<Line> {
    vec![
        query(&["-d", "dbname=postgres user=app", "-c", "SELECT 1"]),
        query(&["dbname=postgres", "-U", "app", "-c", "SELECT 1"]),
        query(&["-U", "admin", "-d", "user=app dbname=postgres", "-c", "SELECT 1"]),
        query(&["-d", "user = 'app'  dbname= postgres", "-c", "SELECT 1"]),
        query(&["postgresql://app@127.0.0.1:@PORT@/postgres", "-c", "SELECT 1"]),
        query(&["postgres://app:test-password@localhost:@PORT@/postgres?connect_timeout=9", "-c", "SELECT 1"]),
        query(&["postgresql:///postgres?user=app", "-c", "SELECT 1"]),
        query(&["postgresql://", "-c", "SELECT 1"]),
        query(&["postgresql://%61pp@/postgres", "-c", "SELECT 1"]),
        query(&["postgresql://app@127.0.0.1:1,127.0.0.1:@PORT@/postgres", "-c", "SELECT 1"]),
        query(&["-h", "127.0.0.1,127.0.0.1", "-c", "SELECT 1"]),
        query(&["-h", "nowhere.invalid", "-d", "hostaddr=127.0.0.1", "-c", "SELECT 1"]),
        query(&["-d", "host=nowhere.invalid hostaddr=127.0.0.1 port=@PORT@ dbname=postgres", "-c", "SELECT 1"]),
        query(&["-c", "SELECT 1"]).env("PGHOST", "nowhere.invalid").env("PGHOSTADDR", "127.0.0.1"),
        query(&["-c", "SELECT 1"]).env("PGUSER", "app").env("PGDATABASE", "postgres"),
        query(&["-c", "SELECT 1"]).env("PGUSER", "app").env("PGDATABASE", ""),
        query(&["-c", "SELECT 1"]).env("PGDATABASE", "dbname=postgres user=app"),
        query(&["-p", "1", "-c", "SELECT 1"]),
        query(&["-p", "bogus", "-c", "SELECT 1"]),
        query(&["-d", "bogus=1", "-c", "SELECT 1"]),
        query(&["-d", "host", "-c", "SELECT 1"]),
        query(&["-d", "postgresql://app@[127.0.0.1", "-c", "SELECT 1"]),
        query(&["-d", "sslmode=bogus", "-c", "SELECT 1"]),
        query(&["-d", "connect_timeout=3 dbname=postgres options='-c work_mem=1MB'", "-c", "SELECT 1"]),
        query(&["-c", "SELECT 1"]).env("PGOPTIONS", "-c work_mem=2MB"),
        query(&["-c", "SELECT 1"]).env("PGSSLMODE", "disable").env("PGAPPNAME2", "x"),
    ]
}

fn services() -> Vec<Line> {
    let file = "# comment\n[one]\ndbname=postgres\nuser=app\n\n[two]\nuser=admin\n";
    vec![
        query(&["service=one", "-c", "SELECT 1"]).file(".pg_service.conf", file),
        query(&["-d", "service=one user=admin", "-c", "SELECT 1"]).file(".pg_service.conf", file),
        query(&["-c", "SELECT 1"]).file(".pg_service.conf", file).env("PGSERVICE", "two"),
        query(&["-U", "postgres", "-c", "SELECT 1"]).file(".pg_service.conf", file).env("PGSERVICE", "one"),
        query(&["service=gone", "-c", "SELECT 1"]).file(".pg_service.conf", file),
        query(&["postgresql:///?service=one", "-c", "SELECT 1"]).file(".pg_service.conf", file),
    ]
}

fn startup() -> Vec<Line> {
    vec![
        script("SELECT 1;\n").file(".psqlrc", "\\set t users\nTABLE :t;\n"),
        query(&["-c", "SELECT 1"]).file(".psqlrc", "\\! touch ran\n"),
        query(&["-c", "SELECT 1"]).file(".psqlrc", "\\q\nDELETE FROM users;\n"),
        query(&["-X", "-c", "SELECT 1"]).file(".psqlrc", "DELETE FROM users;\n"),
        query(&["-c", "SELECT 1"]).file(".psqlrc", "DELETE FROM users;\n").file(".psqlrc-15", "SELECT 15;\n"),
        query(&["-c", "SELECT 1"]).file(".psqlrc-15.18", "SELECT 18;\n").file(".psqlrc-15", "SELECT 15;\n"),
        query(&["-c", "SELECT 1"]).file(".psqlrc-14", "DELETE FROM users;\n"),
        query(&["-c", "SELECT 1"])
            .file("rc", "SELECT 5;\n")
            .file(".psqlrc", "DELETE FROM users;\n")
            .env("PSQLRC", "rc"),
        query(&["-c", "SELECT 1"]).file("rc", "SELECT 5;\n").env("PSQLRC", "~/rc"),
        query(&["-c", "SELECT 1"]).file(".psqlrc", "DELETE FROM users;\n").env("PSQLRC", "/dev/null"),
        query(&["-l"]).file(".psqlrc", "DELETE FROM users;\n"),
        query(&["--version"]).file(".psqlrc", "DELETE FROM users;\n"),
        query(&["-v", "t=orders", "-c", "\\echo"]).file(".psqlrc", "TABLE :t;\n"),
        query(&["-S", "-c", "SELECT 1"]).file(".psqlrc", "SELECT 2\nSELECT 3\n"),
    ]
}

fn transactions() -> Vec<Line> {
    vec![
        query(&["-1", "-c", "SELECT 1"]),
        query(&["-1", "-c", "SELECT 1", "-c", "DELETE FROM users"]),
        query(&["-1", "-f", "x.sql"]).file("x.sql", "SELECT 1;\nSELECT 2;\n"),
        query(&["--single-transaction", "-f", "-"]).on("SELECT 1;\n"),
        query(&["-1"]).on("SELECT 1;\n"),
        query(&["-1", "-c", "\\echo"]),
        query(&["-1", "-c", "SELECT 1"]).file(".psqlrc", "SELECT 2;\n"),
        query(&["-v", "AUTOCOMMIT=off", "-c", "DELETE FROM users"]),
        query(&["-v", "AUTOCOMMIT=off", "-c", "DELETE FROM users", "-c", "COMMIT"]),
        query(&["-v", "ON_ERROR_STOP=1", "-1", "-c", "DELETE FROM users"]),
    ]
}
