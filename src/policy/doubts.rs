//! The closed list of what can be in doubt. The schema's `Doubt` namespace is made from it, so that a policy can accept
//! a doubt only by a name that exists; a kind that is not here is denied whatever the policies say.

/// Kinds of [`Doubt`](crate::model::Doubt), each with what it means. A reader that raises a new one adds it here; a test
/// reads the readers and fails on a kind that is missing.
pub const DOUBTS: &[(&str, &str)] = &[
    ("unknown_option", "an option that this version of the tool has, or may have, and the reading does not know"),
    ("unknown_command", "a subcommand that the reading does not know"),
    ("shell_alias", "an alias that hands the line to a shell"),
    ("unread_content", "a file or a stream that decides what happens and could not be read whole"),
    ("unreadable_content", "a file or a stream that was read and makes no sense"),
    ("unknown_fact", "something that only the machine knows and did not say"),
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
