//! The closed list of what can be in doubt. The schema's `Doubt` namespace is made from it, so that a policy can accept
//! a doubt only by a name that exists; a kind that is not here is denied whatever the policies say.

/// Kinds of [`Doubt`](crate::model::Doubt), each with what it means. A reader that raises a new one adds it here; a test
/// reads the readers and fails on a kind that is missing.
pub const DOUBTS: &[(&str, &str)] = &[
    // Any tool.
    ("not_text", "a word of the line is not UTF-8"),
    ("unknown_command", "a subcommand that the reading does not know"),
    ("unknown_fact", "something that only the machine knows and did not say"),
    ("unknown_option", "an option that this version of the tool has, or may have, and the reading does not know"),
    ("unread_command", "a subcommand that is known, and whose effect is not read"),
    ("unread_config", "a configuration file that decides what happens and could not be read"),
    ("unread_content", "a file or a stream that decides what happens and could not be read whole"),
    ("unreadable_content", "a file or a stream that was read and can be understood in more than one way, or in none"),
    // git
    ("shell_alias", "an alias that hands the line to a shell"),
    ("unread_refs", "which refs are meant depends on a repository that could not be read"),
    ("unread_submodules", "submodules take part, and where they lead was not read"),
    // kubectl
    ("unknown_objects", "which objects are changed is known to the server alone"),
    // psql
    ("cluster_wrapper", "a wrapper chooses another server than the line says"),
    ("connection", "where it connects, or as whom"),
    ("copy_data", "data of a COPY that would run as commands if the server refused the COPY"),
    ("encoding", "an encoding under which quotes end elsewhere"),
    ("environment", "a variable that changes what is connected to, or what is started"),
    ("interactive", "commands would come from a terminal"),
    ("nul_byte", "a script holds a NUL byte"),
    ("reuse_previous", "a reconnection that takes over parts of the last one"),
    ("role", "the connection's options are not plain settings"),
    ("search_path", "names without a schema follow a path that is not one schema"),
    ("string_syntax", "a setting under which strings end elsewhere"),
    ("too_deep", "scripts that include scripts too deeply"),
    ("too_long", "a script that does more than can be read"),
    ("unknown_function", "a function that is not the server's own"),
    ("unknown_sql", "statements that come from a result, a program or a human"),
    ("unknown_variable", "a variable whose value is not known"),
    ("unparsed_sql", "a statement that PostgreSQL's grammar does not take"),
];

/// The schema's part for the doubts, in Cedar's schema language.
pub(super) fn schema() -> String {
    let mut text = String::from("namespace Doubt {\n    entity Line;\n");
    for (kind, _) in DOUBTS {
        text.push_str(&format!(
            "    action \"{kind}\" appliesTo {{ principal: User, resource: Line, context: Context }};\n"
        ));
    }
    text.push_str("}\n");
    text
}

pub(super) fn known(kind: &str) -> bool {
    DOUBTS.iter().any(|(name, _)| *name == kind)
}
