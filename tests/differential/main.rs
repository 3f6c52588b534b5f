//! Our reading of a command line against what the real tool did with it.

#![cfg(feature = "reading")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stderr)]

#[path = "../cluster/mod.rs"]
mod cluster;
mod curl;
mod dice;
mod git;
mod kubectl;
mod psql;

/// What differs, where it differs a second time as well. A reading that is wrong is wrong each time; what a tool was seen
/// to do may be the machine's affair (a wait that was too short, a number or a second that came twice).
fn twice(mut differs: impl FnMut() -> Option<String>) -> Option<String> {
    let first = differs()?;
    let second = differs();
    if second.is_none() {
        eprintln!("differed once, and not again: {first}");
    }
    second
}

#[test]
fn what_differs_only_once_does_not_count() {
    let mut answers = vec![None, Some("first".to_owned())];
    assert_eq!(twice(|| answers.pop().unwrap()), None);
    assert_eq!(twice(|| Some("always".to_owned())).as_deref(), Some("always"));
}
