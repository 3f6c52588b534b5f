//! What agents do all day: one body, run bare and through shim, keeper and server, must come to the same bytes and the
//! same end. Recording and masking are on; the policy permits all of it.

mod git;
mod hosts;
mod psql;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use crate::support::desk::{Desk, Left};
use crate::support::site::{Site, words};

const POLICY: &str = r#"
@id("all") @mask("secrets") permit(principal, action, resource);
@id("aliases") permit(principal, action == Doubt::Action::"shell_alias", resource);
@id("functions") permit(principal, action == Doubt::Action::"unknown_function", resource);
"#;

/// The same body with the bare tool and with its shim; gives what both came to.
fn same(site: &Site, tool: &str, body: impl Fn(Command) -> Output) -> Output {
    let (bare, ours) = (body(site.bare(tool)), body(site.shim(tool)));
    assert_eq!(ours.status, bare.status, "{}\nbare: {}", words(&ours), words(&bare));
    assert!(ours.stdout == bare.stdout, "{}\nbare: {}", cut(&ours.stdout), cut(&bare.stdout));
    assert!(ours.stderr == bare.stderr, "{}\nbare: {}", cut(&ours.stderr), cut(&bare.stderr));
    ours
}

/// The same at a terminal, where both must end alike and leave its modes as they were.
fn same_at_a_desk(site: &Site, tool: &str, body: impl Fn(Command) -> Left) -> [Left; 2] {
    let both = [body(site.bare(tool)), body(site.shim(tool))];
    for left in &both {
        assert_eq!(left.modes[0], left.modes[1], "{}", left.seen.escape_ascii());
    }
    let seen = || both[1].seen.escape_ascii();
    assert_eq!(both[1].status.exit_code(), both[0].status.exit_code(), "{}", seen());
    assert_eq!(both[1].status.signal(), both[0].status.signal(), "{}", seen());
    both
}

fn sit(command: &Command) -> Desk {
    Desk::sit(command)
}

/// Runs to the end with this on standard input, and its end after it.
fn fed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // One that ended early does not read it.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    })
}

fn cut(bytes: &[u8]) -> String {
    format!("{} bytes: {}", bytes.len(), bytes[..bytes.len().min(300)].escape_ascii())
}
