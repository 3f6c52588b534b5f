//! The command line and the keeper: parse, call the library, exit.

fn main() {}
