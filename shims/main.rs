//! The one program that every shim name links to.

fn main() {}
