//! `portcullis redact`: the masks as a filter, for trying them and for logs that are kept elsewhere.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::Global;
use crate::model::Raw;
use crate::redact::{Redactor, Settings};

/// Copy standard input to standard output with secrets masked.
#[derive(Debug, Args)]
pub struct RedactArgs {
    /// Mask sets to apply, separated by commas: secrets, pii.
    #[arg(long = "mask", value_name = "SET", value_delimiter = ',', default_values = ["secrets", "pii"])]
    sets: Vec<String>,
    /// Say on standard error how many of which kind were masked; with --json as one object
    #[arg(long)]
    list: bool,
}

/// Runs the command; 0 also where nothing was masked.
pub fn run(args: &RedactArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let mut redactor = Redactor::new(&Settings { sets: &args.sets, secrets: &[] })?;
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut piece = vec![0; 64 << 10];
    loop {
        let n = match input.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).context("cannot read standard input"),
        };
        output.write_all(redactor.push(Raw(piece[..n].to_vec())).as_slice()).context("cannot write")?;
        output.flush().context("cannot write")?;
    }
    let (rest, masked) = redactor.finish();
    output.write_all(rest.as_slice()).and_then(|()| output.flush()).context("cannot write")?;
    if args.list {
        let mut list = io::stderr().lock();
        if global.json {
            let counts: serde_json::Map<_, _> = masked.counts().map(|(kind, n)| (kind.to_owned(), n.into())).collect();
            writeln!(list, "{}", serde_json::Value::from(counts))?;
        } else {
            masked.counts().try_for_each(|(kind, count)| writeln!(list, "{count:>6} {kind}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
