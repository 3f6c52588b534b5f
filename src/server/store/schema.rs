//! The migrations, in order. One text each for both databases; a landed one is never changed.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Adding one: a file beside `schema/0001_core.sql` and a line here.
const ALL: &[(i64, &str, &str)] = &[
    (1, "core", include_str!("schema/0001_core.sql")),
    (2, "identity", include_str!("schema/0002_identity.sql")),
    (3, "lent", include_str!("schema/0003_lent.sql")),
    (4, "refresh_again", include_str!("schema/0004_refresh_again.sql")),
    (5, "policy_set", include_str!("schema/0005_policy_set.sql")),
];

pub fn migrator() -> Migrator {
    Migrator::with_migrations(
        ALL.iter()
            .map(|(version, name, sql)| {
                Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
            })
            .collect(),
    )
}
