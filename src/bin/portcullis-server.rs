//! The deciding side: parse, call the library, exit.

fn main() {}
