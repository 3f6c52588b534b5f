//! Tables that the reading is made of, held to what psql and the server say of themselves.

use std::fs;
use std::path::Path;

use super::server::server;

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
