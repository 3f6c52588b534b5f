//! Backslash commands: what each runs, reads, writes, and connects to.

use super::{Line, query, script};

pub fn lines() -> Vec<Line> {
    [files(), connections(), catalogs(), others(), restricted()].concat()
}

fn files() -> Vec<Line> {
    vec![
        script("\\getenv t NOT_SET\nSELECT :'t';\nDELETE FROM :t;\n"),
        script("\\set t users\n\\getenv t NOT_SET\nDELETE FROM :t;\n"),
        script("\\getenv t IS_SET\nSELECT :'t';\nDELETE FROM :t;\n").env("IS_SET", "users"),
        script("\\getenv t IS_SET\n\\if :{?t}\nTABLE users;\n\\endif\n").env("IS_SET", ""),
        script("\\getenv t NOT_SET\n\\if :{?t}\nTABLE users;\n\\endif\n"),
        script("\\setenv NOT_SET x\n\\getenv t NOT_SET\nSELECT :'t';\n"),
        script("\\o out.txt\nSELECT 1;\n\\o\nSELECT 2;\n"),
        script("\\out 'a b.txt'\nSELECT 1;\n"),
        script("\\o |cat > piped\n"),
        script("\\o `echo out.txt`\nSELECT 1;\n"),
        script("\\set f out.txt\n\\o :f\nSELECT 1;\n"),
        script("\\o ~/out.txt\nSELECT 1;\n"),
        script("\\o sub/out.txt\nSELECT 1;\n").file("sub/x", ""),
        script("\\cd sub\n\\o out.txt\nSELECT 1;\n\\i x.sql\n").file("sub/x.sql", "SELECT 7;"),
        script("\\cd sub\n\\cd ..\n\\i x.sql\n").file("sub/x", "").file("x.sql", "SELECT 7;"),
        script("\\i x.sql\nSELECT 2;\n").file("x.sql", "SELECT 1;\n\\q\nDELETE FROM users;"),
        script("\\i x.sql\nSELECT 2;\n").file("x.sql", "SELECT 'open"),
        script("\\include 'x.sql'\n").file("x.sql", "SELECT 1"),
        script("\\ir x.sql\n").file("x.sql", "SELECT 1;"),
        script("\\i sub/x.sql\n")
            .file("sub/x.sql", "\\ir y.sql\n\\i y.sql\n")
            .file("sub/y.sql", "SELECT 1;")
            .file("y.sql", "SELECT 2, 2;"),
        script("\\include_relative x.sql;\n").file("x.sql", "\\set t users\nTABLE :t;"),
        script("\\i x.sql\nTABLE :t;\n").file("x.sql", "\\set t users\n"),
        script("\\i x.sql \\i y.sql\n").file("x.sql", "SELECT 1;").file("y.sql", "SELECT 2;"),
        script("SELECT 1\n\\i x.sql\n;\n").file("x.sql", ", 2;"),
        script("\\if 1\n\\i x.sql\n\\endif\n").file("x.sql", "\\if 0\nDELETE FROM users;\n"),
        script("\\i\nSELECT 1;\n"),
        script("\\s hist.txt\n"),
        script("\\lo_import data.bin\n").file("data.bin", "xyz"),
        script("\\lo_import data.bin 'a comment'\nSELECT 1;\n").file("data.bin", "xyz"),
        script("SELECT lo_create(4711);\n\\lo_export 4711 x.bin\n\\lo_unlink 4711\n"),
        script("\\lo_list\n\\dl\n"),
        query(&["-o", "out.txt", "-c", "SELECT 1"]),
        query(&["-o", "|cat > piped", "-c", "SELECT 1"]),
        query(&["-o", "a.txt", "-o", "b.txt", "-c", "SELECT 1"]),
        query(&["-L", "log.txt", "-c", "SELECT 1"]),
        query(&["--log-file=log.txt", "--output=out.txt", "-c", "SELECT 1"]),
        query(&["-oout.txt", "-c", "\\! touch ran"]),
        query(&["-f", "x.sql"]).file("x.sql", "SELECT 1;\n\\ir sub/y.sql\n").file("sub/y.sql", "SELECT 2;"),
        query(&["-f", "./x.sql"]).file("x.sql", "SELECT 1;"),
        query(&["-f", "x.sql", "-f", "y.sql"]).file("x.sql", "SELECT 1;\\q\n").file("y.sql", "SELECT 2;"),
        query(&["-c", "\\i x.sql", "-c", "SELECT 2"]).file("x.sql", "SELECT 1;\n"),
        query(&["-f", "x.sql", "-c", "SELECT 2"]).on("SELECT 3;\n").file("x.sql", "SELECT 1;"),
        query(&["-f", "-", "-c", "SELECT 2", "-f", "-"]).on("SELECT 3;\n"),
        query(&["-c", "\\o out.txt", "-c", "SELECT 1", "-c", "\\o"]),
    ]
}

fn connections() -> Vec<Line> {
    vec![
        script("\\c postgres\nSELECT 1;\n"),
        script("\\connect - admin\nSELECT 1;\n"),
        script("\\c postgres admin localhost @PORT@\nSELECT 1;\n"),
        script("\\c 'dbname=postgres user=app'\nSELECT 1;\n"),
        script("\\c \"dbname=postgres user=app\"\nSELECT 1;\n"),
        script("\\c postgresql://app@127.0.0.1:@PORT@/postgres\nSELECT 1;\n"),
        script("\\c \"user=app\"\nSELECT 1;\n"),
        script("\\c -reuse-previous=on \"user=app\"\nSELECT 1;\n"),
        script("\\c -reuse-previous=off \"user=app\"\nSELECT 1;\n"),
        script("\\c -reuse-previous=off postgres\nSELECT 1;\n"),
        script("\\c -reuse-previous=on postgres app\nSELECT 1;\n"),
        script("\\c\nSELECT 1;\n"),
        script("\\c - - - -\nSELECT 1;\n"),
        script("\\c postgres\n\\c @DB@ admin\nSELECT 1;\n"),
        script("\\c \"host=127.0.0.1 dbname=postgres\" app\nSELECT 1;\n"),
        script("\\if 0\n\\c postgres\n\\endif\nSELECT 1;\n"),
        script("\\setenv PGUSER app\n\\c postgresql:///postgres\nSELECT 1;\n"),
        script("\\conninfo\nSELECT 1;\n"),
        script("\\encoding LATIN1\nSELECT 1;\n"),
        script("\\encoding\nSELECT 1;\n"),
        query(&["-c", "\\c postgres", "-c", "SELECT 1"]),
        query(&["-c", "\\c postgres app"]),
    ]
}

fn catalogs() -> Vec<Line> {
    let mut lines: Vec<Line> = [
        "\\d",
        "\\dt",
        "\\d users",
        "\\d+ users",
        "\\dtvS+",
        "\\dn",
        "\\du",
        "\\dp",
        "\\z",
        "\\l",
        "\\l+",
        "\\list",
        "\\df",
        "\\dfn *wipe*",
        "\\sf wipe",
        "\\sf+ wipe",
        "\\dx",
        "\\dT",
        "\\db",
        "\\dC",
        "\\dconfig",
        "\\drds",
        "\\dRp",
        "\\des",
        "\\dAc",
        "\\dX",
        "\\dP",
        "\\ddp",
        "\\dy",
        "\\dF",
        "\\do",
        "\\dO",
        "\\dL",
        "\\di",
        "\\ds",
        "\\dm",
        "\\dE",
        "\\dD",
        "\\dc",
        "\\da",
        "\\dd",
        "\\dg",
        "\\det",
        "\\deu",
        "\\dew",
    ]
    .iter()
    .map(|command| query(&["-c", command]))
    .collect();
    lines.push(query(&["-l"]));
    lines.push(query(&["--list", "-c", "DELETE FROM users"]));
    lines.push(query(&["-l"]).on("DELETE FROM users;\n"));
    lines.push(query(&["-E", "-c", "\\dt"]));
    lines
}

fn others() -> Vec<Line> {
    vec![
        script("\\! echo hi > piped\nSELECT 1;\n"),
        script("\\!touch ran\nSELECT 1;\n"),
        script("\\!\nSELECT 1;\n").env("SHELL", "/bin/true"),
        script("\\echo a `touch ran` \\\\ SELECT 1;\n"),
        script("\\qecho `touch ran`\n"),
        script("\\warn '`touch ran`'\n"),
        script("\\echo \"`touch ran`\"\nSELECT 1;\n"),
        script("\\set x 'a\\'; \\! touch ran\nSELECT 1;\n"),
        script("\\pset format csv\n\\a\n\\t\n\\x\n\\f ,\n\\H\n\\timing\nSELECT 1;\n"),
        script("\\pset pager off\n\\pset null `touch ran`\nSELECT 1;\n"),
        script("\\timing on \\\\ SELECT 1;\n"),
        script("\\prompt x\nusers\nTABLE :x;\n"),
        script("\\prompt 'name: ' x\nusers\nSELECT :'x';\n"),
        script("\\getenv h HOME\nSELECT :'h';\n"),
        script("\\setenv FOO bar\n\\! test $FOO\nSELECT 1;\n"),
        script("\\h SELECT\n\\help\n\\?\n\\? options\n\\copyright\nSELECT 1;\n"),
        script("\\h DELETE \\! touch ran\nSELECT 1;\n"),
        script("\\errverbose\nSELECT 1;\n"),
        script("\\bind 1 2\nSELECT 1;\n"),
        script("\\bogus \\! touch ran\nSELECT 1;\n"),
        script("\\bogus; \\\\ SELECT 2;\nSELECT 1;\n"),
        script("\\D\nSELECT 1;\n"),
        script("\\dfoo\n\\dzz\nSELECT 1;\n"),
        script("\\sf gone \\! touch ran\nSELECT 1;\n"),
        script("\\ef wipe\n;\n").env("EDITOR", "true"),
        script("\\ev gone\nSELECT 1;\n").env("EDITOR", "true"),
        script("\\e x.sql\n").file("x.sql", "SELECT 1;").env("PSQL_EDITOR", "true"),
        script("\\x\\t\\a SELECT 1;\n"),
        script("\\x auto \\t on \\pset format unaligned \\\\ SELECT 1;\n"),
        script("\\\\ SELECT 1;\n"),
        script("\\"),
        script("\\ \nSELECT 1;\n"),
        script("\\password forgetful\nx\nx\n"),
        query(&["-c", "\\x", "-c", "SELECT 1"]),
        query(&["-c", "\\x \\\\ SELECT 1;"]),
        query(&["-c", "\\x SELECT 1;"]),
        query(&["-c", "\\echo a", "-c", "\\! touch ran", "-c", "SELECT 1"]),
        query(&["-c", "\\gset"]),
        query(&["-c", "SELECT 1", "-c", "\\g"]),
        query(&["-c", "\\set x 1", "-c", "SELECT :x"]),
        query(&["-c", "\\set x 1", "-f", "-"]).on("SELECT :x;\n"),
        query(&["-c", "\\timing", "-c", "SELECT 1", "-c", "\\q", "-c", "DELETE FROM users"]),
        query(&["-c", "\\watch 1"]),
    ]
}

fn restricted() -> Vec<Line> {
    vec![
        script("\\restrict k3y\n\\! touch ran\nSELECT 1;\n\\unrestrict k3y\n\\! touch ran2\n"),
        script("\\restrict k3y\n\\! touch ran\n\\unrestrict other\n\\! touch ran\nSELECT 1;\n"),
        script("\\restrict k3y\nSELECT `touch ran`;\n\\echo `touch ran`\nSELECT 1;\n"),
        script("\\restrict k3y\n\\if 0\nDELETE FROM users;\n\\endif\n\\unrestrict k3y\nSELECT 1;\n"),
        script("\\restrict k3y\nCOPY audit_log FROM stdin;\nx\n\\.\n\\connect postgres\n\\unrestrict k3y\nSELECT 1;\n"),
        script("\\restrict\nSELECT 1;\n\\! touch ran\n"),
        script("\\unrestrict x\nSELECT 1;\n\\! touch ran\n"),
        script("\\restrict a\n\\restrict b\nSELECT 1;\n\\unrestrict b\n\\! touch ran\n"),
        script("\\restrict k\nSELECT 1 \\; SELECT 2;\nSELECT 3 \\g\nSELECT 4;\n"),
        query(&["-c", "\\restrict k", "-c", "\\! touch ran", "-c", "SELECT 1"]),
        query(&["-f", "x.sql"])
            .file("x.sql", "\\restrict k\n\\i y.sql\n\\q\nSELECT 1;\n")
            .file("y.sql", "DELETE FROM users;"),
    ]
}
