//! Written cases that a set of policies must answer as its author meant: `cases.toml`.
