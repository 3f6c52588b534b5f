//! The one program that every shim name links to: git, kubectl, psql, curl, and git's credential helper.

fn main() {
    std::process::exit(portcullis::shim::run());
}
