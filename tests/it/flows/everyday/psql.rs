//! psql as agents use it: statements, COPY in every direction, a query that is cancelled, a password that is asked for.

use std::fs;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{POLICY, fed, same, same_at_a_desk, sit};
use crate::support::postgres::{self, Database, PASSWORD};
use crate::support::site::{Site, words};

struct Shop {
    site: Site,
    database: Database,
}

impl Shop {
    fn open() -> Shop {
        let shop = Shop { site: Site::start(POLICY), database: postgres::database() };
        // Some four mebibytes, with characters of every length.
        shop.ask(
            "create table bulk as select n as id, 'line ' || n || E' \\t näher 例 🙂 \\\\ ' || repeat('ab', n % 40) as text
               from generate_series(1, 60000) n; create table empty (like bulk)",
        );
        shop
    }

    fn connected(&self, command: &mut Command) {
        let at = format!("host=127.0.0.1 port={} dbname={} user=postgres", self.database.port, self.database.name);
        command.env("PGPASSWORD", PASSWORD).env("PGAPPNAME", "everyday").args(["-X", "-d", &at]);
    }

    /// Past the gate, for what a test must know itself.
    fn ask(&self, sql: &str) -> String {
        let mut psql = self.site.bare("psql");
        self.connected(&mut psql);
        let done = psql.env("PGAPPNAME", "test").args(["-At", "-q", "-c", sql]).output().unwrap();
        assert!(done.status.success(), "{}", words(&done));
        String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
    }

    fn same(&self, arguments: &[&str], input: &[u8]) -> Output {
        same(&self.site, "psql", |mut psql| {
            self.connected(&mut psql);
            fed(psql.args(arguments), input)
        })
    }

    fn digest(&self, table: &str) -> String {
        self.ask(&format!("select count(*) || md5(string_agg(id || text, '|' order by id)) from {table}"))
    }

    fn running(&self) -> String {
        self.ask(
            "select count(*) from pg_stat_activity
              where application_name = 'everyday' and state = 'active' and datname = current_database()",
        )
    }

    fn until_it_runs(&self) {
        while self.running() == "0" {}
    }
}

#[test]
fn statements_scripts_notices_and_errors_are_psqls_own() {
    let shop = Shop::open();
    for arguments in [
        &["-c", "select 1"][..],
        &["-c", "select id, text from bulk where id < 50"],
        &["-At", "-c", "select id from bulk order by id"],
        &["-c", "drop table if exists absent"],
        &["-c", "select nothing from bulk"],
        &["-c", "select 1 / 0", "-c", "select 2"],
        &["-v", "ON_ERROR_STOP=1", "-c", "select 1 / 0", "-c", "select 2"],
        &["--csv", "-c", "select * from orders"],
        &["-l"],
        &["--no-such-option"],
    ] {
        shop.same(arguments, b"");
    }
    let script = b"select 1;\nselect 1 / 0;\nselect 2;\n";
    for (arguments, code) in
        [(&[][..], 0), (&["-f", "-"], 0), (&["-v", "ON_ERROR_STOP=1", "-f", "-"], 3), (&["-1", "-f", "-"], 0)]
    {
        let done = shop.same(arguments, script);
        assert_eq!(done.status.code(), Some(code), "{arguments:?}: {}", words(&done));
    }
}

#[test]
fn copies_out_and_in_keep_every_byte_in_every_format() {
    let shop = Shop::open();
    let wanted = shop.digest("bulk");
    for format in ["text", "csv", "binary"] {
        let out = shop.same(&["-q", "-c", &format!("copy bulk to stdout (format {format})")], b"");
        assert!(out.stdout.len() > 3 << 20, "{}", out.stdout.len());
        for tool in ["bare", "shim"] {
            shop.ask("truncate empty");
            let mut psql = if tool == "bare" { shop.site.bare("psql") } else { shop.site.shim("psql") };
            shop.connected(&mut psql);
            let done = fed(psql.args(["-c", &format!("copy empty from stdin (format {format})")]), &out.stdout);
            assert_eq!((done.status.code(), &*done.stdout, &*done.stderr), (Some(0), &b"COPY 60000\n"[..], &b""[..]));
            assert_eq!(shop.digest("empty"), wanted, "{format}, {tool}");
        }
    }
}

#[test]
fn a_script_that_is_piped_in_with_its_data_is_copied_whole() {
    let shop = Shop::open();
    let data = shop.same(&["-q", "-c", "copy bulk to stdout"], b"").stdout;
    let script =
        [b"truncate empty;\ncopy empty from stdin;\n", &data[..], b"\\.\nselect count(*) from empty;\n"].concat();
    let done = shop.same(&["-At"], &script);
    assert_eq!(String::from_utf8(done.stdout).unwrap(), "TRUNCATE TABLE\nCOPY 60000\n60000\n");
}

#[test]
fn psqls_own_copy_reads_and_writes_the_callers_files() {
    let shop = Shop::open();
    let wanted = shop.digest("bulk");
    let mut written = Vec::new();
    for tool in ["bare", "shim"] {
        let file = shop.site.path(&format!("work/{tool}.copy"));
        let psql = |words: &str, input: &[u8]| {
            let mut psql = if tool == "bare" { shop.site.bare("psql") } else { shop.site.shim("psql") };
            shop.connected(&mut psql);
            let done = fed(psql.args(["-c", words]), input);
            assert_eq!((done.status.code(), &*done.stderr), (Some(0), &b""[..]), "{words}");
            done.stdout
        };
        assert_eq!(psql(&format!("\\copy bulk to '{tool}.copy'"), b""), b"COPY 60000\n");
        shop.ask("truncate empty");
        assert_eq!(psql(&format!("\\copy empty from '{tool}.copy'"), b""), b"COPY 60000\n");
        assert_eq!(shop.digest("empty"), wanted);
        let bytes = fs::read(file).unwrap();
        assert!(bytes.len() > 3 << 20);
        shop.ask("truncate empty");
        assert_eq!(psql("\\copy empty from pstdin", &bytes), b"COPY 60000\n");
        assert_eq!(shop.digest("empty"), wanted);
        assert!(psql("\\copy bulk to stdout", b"") == bytes);
        written.push(bytes);
    }
    assert!(written[0] == written[1]);
}

#[test]
fn an_interrupt_cancels_the_query_at_the_server_and_psql_says_so() {
    let shop = Shop::open();
    let done = same(&shop.site, "psql", |mut psql| {
        shop.connected(&mut psql);
        psql.args(["-c", "select pg_sleep(600)", "-c", "select 'not reached'"]);
        let child = psql.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        shop.until_it_runs();
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let done = child.wait_with_output().unwrap();
        assert_eq!(shop.running(), "0", "the server goes on");
        done
    });
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("canceling statement due to user request"), "{said}");
}

#[test]
fn an_interrupt_from_the_keyboard_cancels_it_too() {
    let shop = Shop::open();
    let both = same_at_a_desk(&shop.site, "psql", |mut psql| {
        shop.connected(&mut psql);
        let mut desk = sit(psql.args(["-c", "select pg_sleep(600)"]));
        shop.until_it_runs();
        desk.type_keys("\x03");
        let left = desk.rest();
        assert_eq!(shop.running(), "0", "the server goes on");
        left
    });
    assert_eq!(both[1].seen.escape_ascii().to_string(), both[0].seen.escape_ascii().to_string());
    assert!(both[0].seen.windows(10).any(|part| part == b"canceling "));
}

#[test]
fn a_password_that_psql_asks_for_is_delivered_and_not_shown() {
    let shop = Shop::open();
    // To the terminal, and with standard output a pipe: the prompt is at /dev/tty all the same.
    for piped in [false, true] {
        let both = same_at_a_desk(&shop.site, "psql", |mut psql| {
            shop.connected(&mut psql);
            psql.env_remove("PGPASSWORD").args(["-W", "-At", "-c", "select 'it is ' || current_user"]);
            let mut desk = if piped { sit(&into_cat(&psql)) } else { sit(&psql) };
            desk.until("Password: ");
            desk.type_keys(&format!("{PASSWORD}\n"));
            desk.until("it is postgres\r\n");
            desk.rest()
        });
        for left in &both {
            assert!(!left.seen.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes()));
        }
        assert_eq!(both[1].seen.escape_ascii().to_string(), both[0].seen.escape_ascii().to_string());
    }
}

/// The same command in a shell, with its output in a pipe.
fn into_cat(command: &Command) -> Command {
    let mut shell = Command::new("/bin/bash");
    shell
        .args(["-c", "\"$0\" \"$@\" | cat; exit ${PIPESTATUS[0]}"])
        .arg(command.get_program())
        .args(command.get_args());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(command.get_current_dir().unwrap());
    shell
}
