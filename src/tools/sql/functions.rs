//! Functions: which of them do something besides giving a value.
//!
//! `builtins.txt` holds the names of the server's own functions, one a line, sorted. It is the answer of PostgreSQL 15 to
//!
//! ```sql
//! SELECT proname::text COLLATE "C" FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY 1 ORDER BY 1
//! ```
//!
//! A function that is not among them is somebody's own: it may do anything. (One that bears a built-in's name with
//! other argument types cannot be told apart by its name; whoever can create it has already changed the database.)

/// What calling a function means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It computes.
    Harmless,
    /// It changes something that is no table's row, runs SQL given as text, or reaches out.
    Effect,
    /// The same with a file of the server.
    ServerFile,
    /// Not the server's own.
    Unknown,
}

const BUILTINS: &str = include_str!("builtins.txt");

/// Harmless ones that came with PostgreSQL 16 to 18.
const LATER: &[&str] = &[
    "any_value",
    "array_reverse",
    "array_sample",
    "array_shuffle",
    "array_sort",
    "casefold",
    "crc32",
    "crc32c",
    "erf",
    "erfc",
    "gamma",
    "json_strip_nulls",
    "jsonb_path_query_tz",
    "lgamma",
    "max_bytea",
    "pg_basetype",
    "pg_column_toast_chunk_id",
    "pg_get_acl",
    "pg_input_error_info",
    "pg_input_is_valid",
    "random_normal",
    "reverse",
    "system_user",
    "to_bin",
    "to_oct",
    "to_regtypemod",
    "unicode_assigned",
    "unicode_version",
    "uuid_extract_timestamp",
    "uuid_extract_version",
    "uuidv4",
    "uuidv7",
];

/// Beginnings of names that touch files of the server.
const FILE_PREFIXES: &[&str] = &["pg_ls_", "pg_file_", "pg_read_"];
const FILES: &[&str] = &[
    "lo_export",
    "lo_import",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_logdir_ls",
    "pg_show_all_file_settings",
    "pg_stat_file",
];

const EFFECT_PREFIXES: &[&str] = &[
    "binary_upgrade_",
    "brin_desummarize_",
    "brin_summarize_",
    "database_to_xml",
    "dblink",
    "pg_clear_",
    "pg_copy_",
    "pg_create_",
    "pg_drop_",
    "pg_logical_",
    "pg_replication_",
    "pg_restore_",
    "pg_stat_reset",
    "pg_sync_",
    "pg_wal_replay_",
    "query_to_xml",
    "schema_to_xml",
    "table_to_xml",
];

const EFFECTS: &[&str] = &[
    "gin_clean_pending_list",
    "lo_creat",
    "lo_create",
    "lo_from_bytea",
    "lo_put",
    "lo_truncate",
    "lo_truncate64",
    "lo_unlink",
    "lowrite",
    "nextval",
    "pg_backup_start",
    "pg_backup_stop",
    "pg_cancel_backend",
    "pg_export_snapshot",
    "pg_extension_config_dump",
    "pg_import_system_collations",
    "pg_log_backend_memory_contexts",
    "pg_log_standby_snapshot",
    "pg_nextoid",
    "pg_notify",
    "pg_promote",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_rotate_logfile_old",
    "pg_start_backup",
    "pg_stop_backup",
    "pg_stop_making_pinned_objects",
    "pg_switch_wal",
    "pg_terminate_backend",
    "set_config",
    "setval",
    "ts_rewrite",
    "ts_stat",
];

/// Judges a function by its written name.
pub fn manner(names: &[&str]) -> Manner {
    let name = match names {
        [name] | ["pg_catalog", name] => *name,
        ["information_schema", _] => return Manner::Harmless,
        [.., name] if name.starts_with("dblink") => return Manner::Effect,
        _ => return Manner::Unknown,
    };
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if FILES.contains(&name) || begins(FILE_PREFIXES) {
        Manner::ServerFile
    } else if EFFECTS.contains(&name) || begins(EFFECT_PREFIXES) {
        Manner::Effect
    } else if is_builtin(name) || LATER.contains(&name) {
        Manner::Harmless
    } else {
        Manner::Unknown
    }
}

fn is_builtin(name: &str) -> bool {
    // Lines are sorted by bytes, so the middle of the text finds the way.
    let (mut from, mut to) = (0, BUILTINS.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let begin = BUILTINS[..middle].rfind('\n').map_or(0, |at| at + 1);
        let end = BUILTINS[begin..].find('\n').map_or(BUILTINS.len(), |at| begin + at);
        match BUILTINS[begin..end].cmp(name) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => from = end + 1,
            std::cmp::Ordering::Greater => to = begin,
        }
    }
    false
}
