//! Ways to have a masked value in a shape in which no mask finds it.

use std::io::Write as _;
use std::process::{Output, Stdio};

use super::tools::lending_role;
use crate::support::postgres;
use crate::support::site::{Setup, Site, words};

/// Reading is masked; nothing that a mask could not hold is permitted. Nobody listens at the address, so what the gate lets
/// through ends with psql's own exit code.
const MASKED: &str = r#"
@id("masked") @mask("pii")
permit(principal, action in [Action::"sql.connect", Action::"sql.select", Action::"sql.session", Action::"http.get"], resource);
@id("files") permit(principal, action in [Action::"file.write", Action::"program.run"], resource);
"#;

fn site() -> Site {
    Site::with(&Setup { policy: MASKED, masks: "[pii]\ncolumns = [\"*.email\"]\n", ..Setup::default() })
}

fn psql(site: &Site, arguments: &[&str], script: &str) -> Output {
    let mut command = site.shim("psql");
    command.args(["-X", "-h", "127.0.0.1", "-p", "9", "-U", "a", "-d", "shop"]).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_query_that_turns_a_masked_column_into_something_else() {
    let site = site();
    let shown = psql(&site, &["-c", "SELECT email FROM customers UNION ALL SELECT email FROM leads"], "");
    assert_eq!(shown.status.code(), Some(2), "what is only shown is let through: {}", words(&shown));
    for query in [
        "SELECT email FROM customers INTERSECT SELECT 'ada@example.com'",
        "SELECT 'ada@example.com' EXCEPT SELECT email FROM customers",
        "SELECT count(*) FROM (SELECT email FROM customers UNION SELECT 'ada@example.com') t",
        "WITH RECURSIVE t(x) AS (SELECT email FROM customers UNION ALL SELECT reverse(x) FROM t) SELECT x FROM t",
        "WITH RECURSIVE a AS (SELECT reverse(x) FROM b), b(x) AS (SELECT email FROM customers) SELECT * FROM a",
        "WITH RECURSIVE t(x) AS (SELECT * FROM (WITH RECURSIVE u(y) AS (SELECT email FROM customers UNION ALL \
         SELECT reverse(y) FROM u) SELECT y FROM u) s) SELECT x FROM t",
        // Another heading than the column's own, one that breaks the table, or none.
        "SELECT email AS e FROM customers",
        "SELECT id FROM leads UNION ALL SELECT email FROM customers",
        "WITH x(e) AS (SELECT email FROM customers) SELECT e FROM x",
        "SELECT 1 AS \"a\nb\", email FROM customers",
        "SELECT 1 AS \"a|b\", email FROM customers",
        "COPY customers TO STDOUT",
        "COPY customers TO STDOUT (FORMAT csv, HEADER)",
        "COPY (DELETE FROM customers RETURNING email) TO STDOUT",
        "COPY (SELECT email FROM customers) TO STDOUT (DELIMITER '@')",
        "COPY customers (email) TO STDOUT (FORMAT csv, FORCE_QUOTE *, QUOTE '@', ESCAPE ' ')",
        "COPY customers TO STDOUT DELIMITERS '@'",
    ] {
        let refused = psql(&site, &["-c", query], "");
        assert_eq!(refused.status.code(), Some(126), "{query}: {}", words(&refused));
    }
}

#[test]
fn settings_of_psql_that_print_a_masked_value_in_pieces() {
    let site = site();
    let select = "SELECT email FROM customers";
    let shown = psql(&site, &["-P", "format=aligned", "-P", "numericlocale=off", "-x", "-c", select], "");
    assert_eq!(shown.status.code(), Some(2), "{}", words(&shown));
    for setting in [
        "format=wrapped",
        "format=w",
        "format=latex",
        "format=csv",
        "border=0",
        "linestyle=old-ascii",
        "numericlocale",
        "numericlocale=on",
        "t",
    ] {
        let refused = psql(&site, &["-P", setting, "-c", select], "");
        assert_eq!(refused.status.code(), Some(126), "{setting}: {}", words(&refused));
    }
    for option in ["-t", "-A", "-H", "--csv", "-At", "-vFETCH_COUNT=1"] {
        let refused = psql(&site, &[option, "-c", select], "");
        assert_eq!(refused.status.code(), Some(126), "{option}: {}", words(&refused));
    }
    for script in [
        "SELECT email AS e FROM customers LIMIT 1 \\gset\nSELECT reverse(:'e');\n",
        "\\pset format wrapped\n\\pset columns 8\nSELECT email FROM customers;\n",
        "SELECT email FROM customers \\g | rev\n",
        "\\o | rev\nSELECT email FROM customers;\n",
        "\\copy customers to program 'rev'\n",
        "\\echo -n x\nSELECT email FROM customers;\n",
        "\\t\nSELECT email FROM customers;\n",
        "\\a\nSELECT email FROM customers;\n",
        "\\set FETCH_COUNT 1\nSELECT email FROM customers;\n",
        "SELECT email FROM customers \\gx (tuples_only=on)\n",
        "SELECT id, email, 1 AS n FROM customers \\crosstabview\n",
    ] {
        let refused = psql(&site, &[], script);
        assert_eq!(refused.status.code(), Some(126), "{script}: {}", words(&refused));
    }
}

/// The mask finds a column by its heading: what stands before it is the script's own.
#[test]
fn what_a_script_prints_before_a_masked_table() {
    let database = postgres::database();
    let site = lending_role(&database, "[pii]\ncolumns = [\"orders.customer\"]\n");
    let select = "SELECT customer, id FROM orders";
    for before in [
        &[][..],
        &[r"\echo ' x | customer '", r"\echo '---+----------'"],
        &[r"\echo customer,x"],
        &[r"\pset border 2", r"\echo '+-+'", r"\echo '+-+'", r"\echo '+-+'"],
        &[r"\C ' x | customer '"],
        &[r"\x", r"\echo ' customer | x '", r"\echo '----------+---'"],
        &[r"\echo '\001\000\002'", r"\encoding LATIN1"],
        &["SELECT 'x' AS a, 'customer' AS b"],
    ] {
        let mut command = site.shim("psql");
        command.args(["-X", "-h", "127.0.0.1", "-p", &database.port.to_string(), "-d", &database.name]);
        let ran = before.iter().chain([&select]).fold(&mut command, |command, text| command.args(["-c", text]));
        let ran = ran.output().unwrap();
        let shows = |name: &str| ran.stdout.windows(name.len()).any(|part| part == name.as_bytes());
        assert!(!shows("Ada") && !shows("Grace"), "{before:?}: {}", words(&ran));
        // Masked, and not refused.
        assert!(ran.status.success() && shows("[masked"), "{before:?}: {}", words(&ran));
    }
}

#[test]
fn a_file_that_the_tool_writes_itself_past_the_masks() {
    let site = site();
    let select = "SELECT name FROM customers";
    for arguments in
        [&["-o", "out", "-c", select][..], &["-L", "out", "-c", select], &["-c", "\\copy customers to 'out'"]]
    {
        let refused = psql(&site, arguments, "");
        assert_eq!(refused.status.code(), Some(126), "{arguments:?}: {}", words(&refused));
    }
    let refused = site.shim("curl").args(["-s", "-o", "out", "http://127.0.0.1:9/"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(126), "{}", words(&refused));
    let plain = site.shim("curl").args(["-s", "http://127.0.0.1:9/"]).output().unwrap();
    assert_eq!(plain.status.code(), Some(7), "curl's own: nobody listens: {}", words(&plain));
}

/// A schema of the agent's own, in which nothing is to be read.
const EVIL: &str = r#"@id("evil") forbid(principal, action, resource is Table) when { resource.schema == "evil" };"#;

#[test]
fn settings_for_the_server_in_letters_that_a_reader_may_not_know() {
    let policy = format!("{MASKED}{EVIL}");
    let masks = "[pii]\ncolumns = [\"*.email\"]\n";
    let site = Site::with(&Setup { policy: &policy, masks, ..Setup::default() });
    let run = |options: &str, query: &str| {
        let mut command = site.shim("psql");
        command.args(["-X", "-h", "127.0.0.1", "-p", "9", "-U", "a", "-d", "shop", "-c", query]);
        command.env("PGOPTIONS", options).output().unwrap()
    };
    let select = "SELECT name FROM customers";
    for options in ["-c statement_timeout=5s", "-c search_path=good", "-c search_path=pg_catalog,good"] {
        let harmless = run(options, select);
        assert_eq!(harmless.status.code(), Some(2), "{options}: {}", words(&harmless));
    }
    for options in [
        "-c search_path=evil",
        "-c SEARCH_PATH=evil",
        "-c search-path=evil",
        "--search-path=evil",
        "-csearch_path=evil",
        "-c s\\earch_path=evil",
        "-c search_path=good,EVIL",
        "-c search_path=\"evil\"",
        "-c Role=admin",
        "-c session-authorization=admin",
    ] {
        let refused = run(options, select);
        assert_eq!(refused.status.code(), Some(126), "PGOPTIONS={options}: {}", words(&refused));
    }
    // A string that ends elsewhere where a backslash escapes.
    let hidden = r"SELECT '\'' ; SELECT * FROM evil.t --'";
    assert_eq!(run("", hidden).status.code(), Some(2));
    for options in ["-c standard-conforming-strings=off", "-c STANDARD_CONFORMING_STRINGS=0"] {
        let refused = run(options, hidden);
        assert_eq!(refused.status.code(), Some(126), "PGOPTIONS={options}: {}", words(&refused));
    }
    // Where another schema comes before the server's own, no function is what it is called.
    let before = "good,pg_catalog";
    let refused = run(&format!("-c search_path={before}"), "SELECT lower('x')");
    assert_eq!(refused.status.code(), Some(126), "{}", words(&refused));
    let refused = run("", &format!("SET search_path TO {before}; SELECT lower('x')"));
    assert_eq!(refused.status.code(), Some(126), "{}", words(&refused));
}

/// curl shows one after the other what it is told to, and the agent's own file may come first.
#[test]
fn bytes_of_no_text_before_a_masked_value() {
    let site = Site::start(r#"@id("all") @mask("secrets") permit(principal, action, resource);"#);
    let file = |name: &str, content: &[u8]| {
        std::fs::write(site.path("work").join(name), content).unwrap();
        format!("file://{}", site.path("work").join(name).display())
    };
    let row = "rPGxl497BZVrfGmlhsjFo7JWbPTTm2iVa1cXm/zhmRvmZvIJN5K0akyFDPlPp/GV";
    let token = file("token", b"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\n");
    let key = format!("-----BEGIN EC PRIVATE KEY-----\n{row}\n{row}\n-----END EC PRIVATE KEY-----\n");
    let key = file("key", key.as_bytes());
    for junk in [&b"\x01\xff"[..], b"\x01\xff\n\xff ", b"\0\0\xfe", b"PK\x03\x04\x14\0\xff\n\xe5 "] {
        let junk = file("junk", junk);
        let shown = site.shim("curl").args(["-s", &junk, &token, &junk, &key]).output().unwrap();
        let text = shown.stdout.escape_ascii().to_string();
        assert!(shown.status.success() && text.contains("[masked:private-key"), "{}", words(&shown));
        assert!(!text.contains("HLzhkoby") && !text.contains(&row[..20]), "{text}");
    }
}
