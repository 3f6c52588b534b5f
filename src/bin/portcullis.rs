//! The command line and the keeper: parse, call the library, exit.

fn main() -> std::process::ExitCode {
    portcullis::cli::main()
}
