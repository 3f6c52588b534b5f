//! Tables that the reading is made of, held to what psql and the server say of themselves.

use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis::tools::sql;

use super::observed::disagreements;
use super::server::server;
use super::{Line, script};

#[test]
fn the_names_of_the_servers_own_functions_are_the_servers() {
    let question = "SELECT proname::text COLLATE \"C\" FROM pg_proc \
                    WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY 1 ORDER BY 1";
    let ours = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tools/sql/builtins.txt")).unwrap();
    let ours: Vec<&str> = ours.lines().collect();
    let theirs = server().cluster.psql("postgres", question, &[]);
    if server().cluster.psql("postgres", "SHOW server_version_num", &[]).trim().starts_with("15") {
        assert_eq!(ours, theirs.lines().collect::<Vec<_>>());
    } else {
        // Another version has a few more and a few less.
        let missing = ours.iter().filter(|name| !theirs.lines().any(|line| line == **name)).count();
        assert!(missing < 100, "{missing} of our names are not the server's");
    }
}

/// Functions of the server's that it calls volatile, and that change nothing outside of the session: they look at a
/// clock, a size, a state or a large object, wait, draw a random number, or take a lock of their own kind.
const ONLY_LOOK: &str = "
    amvalidate bernoulli brinhandler bthandler clock_timestamp current_query currtid2 currval cursor_to_xml
    cursor_to_xmlschema gen_random_uuid ginhandler gisthandler hashhandler heap_tableam_handler lastval lo_close
    lo_get lo_lseek lo_lseek64 lo_open lo_tell lo_tell64 loread pg_advisory_lock pg_advisory_lock_shared
    pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared pg_advisory_xact_lock
    pg_advisory_xact_lock_shared pg_blocking_pids pg_collation_actual_version pg_control_checkpoint pg_control_init
    pg_control_recovery pg_control_system pg_current_logfile pg_current_wal_flush_lsn pg_current_wal_insert_lsn
    pg_current_wal_lsn pg_database_collation_actual_version pg_database_size pg_get_backend_memory_contexts
    pg_get_multixact_members pg_get_shmem_allocations pg_get_wal_replay_pause_state pg_get_wal_resource_managers
    pg_indexes_size pg_is_in_recovery pg_is_wal_replay_paused pg_isolation_test_session_is_blocked pg_jit_available
    pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp
    pg_lock_status pg_notification_queue_usage pg_partition_ancestors pg_partition_tree pg_prepared_xact
    pg_relation_size pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_show_replication_origin_status
    pg_sleep pg_sleep_for pg_sleep_until pg_stat_clear_snapshot pg_stat_force_next_flush
    pg_stat_get_recovery_prefetch pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit
    pg_stat_get_xact_function_calls pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time
    pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched
    pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted pg_stat_get_xact_tuples_returned
    pg_stat_get_xact_tuples_updated pg_stat_have_stats pg_table_size pg_tablespace_size pg_total_relation_size
    pg_try_advisory_lock pg_try_advisory_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
    pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_xact_status plpgsql_call_handler
    plpgsql_inline_handler plpgsql_validator random setseed spghandler system timeofday txid_status
";

#[test]
fn every_volatile_function_of_the_server_is_known_to_act_or_was_looked_at() {
    let question = "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace \
                    AND provolatile = 'v' AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)";
    let volatile = server().cluster.psql("postgres", question, &[]);
    let acts = |name: &str| !sql::read(&format!("SELECT \"{name}\"()")).unwrap()[0].functions.is_empty();
    let looks: Vec<&str> = ONLY_LOOK.split_whitespace().collect();
    let unknown: Vec<&str> = volatile.lines().filter(|name| !looks.contains(name) && !acts(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let both: Vec<&str> = looks.into_iter().filter(|name| acts(name)).collect();
    assert!(both.is_empty(), "{both:?} act, and only look");
}

/// What `psql WORD` prints.
fn help(word: &str) -> String {
    let output = Command::new(server().cluster.program("psql")).arg(word).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// `\\d[S+]` and `\\c[onnect]` without what may follow.
fn commands() -> Vec<String> {
    let help = help("--help=commands");
    let lines = help.lines().filter_map(|line| line.trim_start().strip_prefix('\\'));
    lines.map(|line| line.split([' ', '[']).next().unwrap().to_owned()).collect()
}

#[test]
fn every_command_that_psql_lists_is_read_as_it_does() {
    let names = commands();
    assert!(names.len() > 90, "{names:?}");
    let mut lines: Vec<Line> = Vec::new();
    for name in names {
        let line = |arguments: &str| {
            let line = script(&format!("\\{name}{arguments} \\\\ SELECT 1;\nSELECT 2;\n"));
            line.env("EDITOR", "true").env("SHELL", "/bin/true").file("x", "SELECT 3;\n")
        };
        lines.push(line(""));
        // Whether there is such a table, folder or large object is not in the text.
        if !["d", "cd", "lo_unlink"].contains(&name.as_str()) {
            lines.push(line(" x"));
        }
    }
    let wrong = disagreements(&lines);
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}

/// Options of `psql --help`: each name, and whether a value belongs to it.
fn options() -> Vec<(String, bool)> {
    let help = help("--help");
    let words = |line: &str| {
        let names = line.split("  ").next().unwrap_or_default().to_owned();
        let takes = names.contains('=') && !names.contains("[=");
        let names = names.split([',', ' ']).filter(|word| word.starts_with('-')).map(str::to_owned).collect::<Vec<_>>();
        names.into_iter().map(move |name| (name.split(['=', '[']).next().unwrap().to_owned(), takes))
    };
    help.lines().map(str::trim_start).filter(|line| line.starts_with('-')).flat_map(words).collect()
}

#[test]
fn every_option_that_psql_lists_is_taken_with_or_without_a_value_as_it_does() {
    let options = options();
    assert!(options.len() > 60, "{options:?}");
    let mut lines = Vec::new();
    for (name, takes) in options {
        // A value that every such option takes; files are written where they fall.
        let value = match name.trim_start_matches('-') {
            "P" | "pset" => "border=1",
            "p" | "port" => "@PORT@",
            "h" | "host" => "127.0.0.1",
            "U" | "username" => "postgres",
            "d" | "dbname" => "@DB@",
            "f" | "file" => "x",
            "v" | "set" | "variable" => "a=b",
            _ => "SELECT",
        };
        let line = |words: &[&str]| super::query(&[words, &["-c", "SELECT 1"]].concat()).file("x", "SELECT 3;\n");
        lines.push(line(&[&name]));
        if takes {
            lines.push(line(&[&name, value]));
        }
        if name.starts_with("--") {
            lines.push(line(&[&format!("{name}={value}")]));
            lines.push(line(&[&name[..name.len() - 1], value]));
            lines.push(line(&[&name[..4.min(name.len())], value]));
        } else {
            lines.push(line(&[&format!("-t{}", &name[1..]), value]));
            lines.push(line(&[&format!("{name}{value}")]));
        }
    }
    let wrong = disagreements(&lines);
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}
