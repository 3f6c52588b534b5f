//! A role that may do just what was read gets through, and not with one privilege less.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use portcullis::model::{Bytes, Delivery, EnvChange, Grant, GrantKind, Micros, Reading, Secret, Terms};
use portcullis::tools::by_name;

use super::server::server;
use super::world::{Machine, read, run, spell, variables};
use super::{Line, lines};

/// GRANT statements for what a reading says, as the issuer of roles would make them.
fn privileges(reading: &Reading, role: &str) -> Vec<String> {
    let mut grants = Vec::new();
    for operation in reading.operations.iter().filter(|operation| operation.resource.kind == "Table") {
        let text = |key: &str| operation.resource.attributes[key].as_str().unwrap().to_owned();
        let set = |key: &str| {
            let items = operation.context.get(key).and_then(|set| set.as_array()).cloned().unwrap_or_default();
            items.iter().map(|item| item.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let table = match text("schema").as_str() {
            "" => format!("public.\"{}\"", text("name")),
            schema => format!("\"{schema}\".\"{}\"", text("name")),
        };
        let verb = match operation.action.as_str() {
            "sql.select" => "SELECT",
            "sql.insert" => "INSERT",
            "sql.update" => "UPDATE",
            "sql.delete" => "DELETE",
            "sql.truncate" => "TRUNCATE",
            other => panic!("{other} takes no privilege"),
        };
        let columns = set("columns");
        let whole = columns.is_empty() || columns.iter().any(|column| column == "*");
        if whole || matches!(verb, "DELETE" | "TRUNCATE") {
            grants.push(format!("GRANT {verb} ON {table} TO {role};"));
        }
        for column in columns.iter().filter(|_| !whole) {
            grants.push(format!("GRANT {verb} (\"{column}\") ON {table} TO {role};"));
        }
    }
    grants
}

/// Starts the line as it would be delivered with a grant.
fn delivered(machine: &Machine, delivery: &Delivery, database: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (index, file) in delivery.files.iter().enumerate() {
        let path = folder.path().join(format!("{}{index}", file.name));
        fs::write(&path, file.bytes.expose()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        paths.push(path);
    }
    let stdin = delivery.stdin.as_ref().map(|content| content.bytes.0.clone()).unwrap_or_default();
    let give = |psql: PathBuf| {
        let mut command = Command::new(psql);
        command.env_clear();
        command.envs(variables(database, "nobody")).env("PGPASSWORD", "stale");
        for change in &delivery.environment {
            match change {
                EnvChange::Set(name, word) => command.env(name, spell(word, &paths)),
                EnvChange::Remove(name) => command.env_remove(name),
            };
        }
        command
    };
    run(machine, &delivery.args, &paths, &stdin, give)
}

fn grant(database: &str, role: &str) -> Grant {
    let (host, port) = ("127.0.0.1".to_owned(), server().cluster.port);
    Grant {
        name: "shop".into(),
        kind: GrantKind::Postgres { host, port, database: database.into(), role: role.into() },
        secret: Secret::new(format!("{role}:\\secret").into_bytes()),
        expires: Micros(0),
    }
}

#[test]
fn a_role_with_just_the_privileges_that_were_read_gets_through_and_not_with_one_less() {
    let mut wrong = Vec::new();
    for (number, line) in lines::touching().iter().enumerate() {
        let machine = Machine::new(line);
        let database = server().database();
        let role = format!("minted_{number}");
        let args: Vec<Bytes> = line.args.iter().map(|arg| Bytes::from(arg.as_str())).collect();
        let invocation = machine.invocation(args, &variables(&database, "nobody"));
        let (_, reading) = read(&invocation, &machine);
        let all = privileges(&reading, &role);
        server().cluster.psql(&database, &format!("CREATE ROLE {role} LOGIN PASSWORD '{role}:\\secret'"), &[]);
        // With all of them, then each time without one.
        for missing in std::iter::once(None).chain((0..all.len()).map(Some)) {
            server().cluster.psql(&database, &format!("DROP OWNED BY {role}"), &[]);
            for (_, grant) in all.iter().enumerate().filter(|(at, _)| Some(*at) != missing) {
                server().cluster.psql(&database, grant, &[]);
            }
            let facts = by_name("psql").unwrap().gather(&invocation, &machine);
            let lent = vec![grant(&database, &role)];
            let delivery = by_name("psql").unwrap().deliver(&invocation, facts, &Terms::default(), lent).unwrap();
            let output = delivered(&machine, &delivery, &database);
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            let denied = error.contains("permission denied");
            let expected = missing.is_some();
            if denied != expected || (!denied && !error.is_empty()) {
                let less = missing.map(|at| all[at].clone());
                wrong.push(format!("{:?} < {:?} without {less:?}: {error}", line.args, line.stdin));
            }
        }
        server().cluster.psql(&database, &format!("DROP OWNED BY {role}; DROP ROLE {role}"), &[]);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_credential_goes_nowhere_but_where_it_belongs() {
    for (args, stdin) in [
        (&["-h", "localhost", "-c", "SELECT 1"][..], ""),
        (&["-d", "elsewhere", "-c", "SELECT 1"], ""),
        (&["-d", "host=127.0.0.1 hostaddr=127.0.0.2", "-c", "SELECT 1"], ""),
        (&["-d", "host=127.0.0.1,10.0.0.1", "-c", "SELECT 1"], ""),
        (&["-p", "1", "-c", "SELECT 1"], ""),
        (&[], "\\c elsewhere\nSELECT 1;\n"),
        (&["--cluster", "15/main", "-c", "SELECT 1"], ""),
    ] {
        let machine = Machine::new(&Line::default().on(stdin));
        let args: Vec<Bytes> = args.iter().map(|arg| Bytes::from(*arg)).collect();
        let invocation = machine.invocation(args, &variables("shop", "nobody"));
        let facts = by_name("psql").unwrap().gather(&invocation, &machine);
        let delivery =
            by_name("psql").unwrap().deliver(&invocation, facts, &Terms::default(), vec![grant("shop", "r")]);
        assert!(delivery.is_err(), "{:?}", invocation.args);
    }
}
