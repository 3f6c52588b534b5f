//! `portcullis redact`: the masks as a filter, for trying them and for logs that are kept elsewhere.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Complaint, Global};
use crate::model::{MASK_SETS, Masking, Raw, Secret, Style};
use crate::policy::{LoadError, read_masks};
use crate::redact::{Found, MarkKey, Masked, Redactor, Set, Settings, kinds};

/// What one read takes.
const PIECE: usize = 64 << 10;
/// Largest file of rules, of known secrets and of a key.
const LARGEST: u64 = 4 << 20;
/// Most secrets of one file.
const MOST_KNOWN: usize = 100_000;
/// Fewest characters of a known secret: the engine looks for no shorter one.
const SHORTEST: usize = 4;

/// Copy standard input to standard output with secrets and personal data masked
///
/// Nothing leaves this machine and nothing is asked of a server. What is not masked comes out byte for byte, line by
/// line as it comes in.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  kubectl logs web | portcullis redact
  portcullis redact < app.log > clean.log
                                        the sets that ship: secrets and personal data
  portcullis redact --set secrets --known tokens.txt < trace.txt
                                        no personal data; these secrets in every form that they may take
  portcullis redact --rules masks.toml --mask format < export.csv
                                        with your own rules; e-mail addresses become a\u{2022}\u{2022}\u{2022}@example.com
  portcullis redact --list < app.log > /dev/null
                                        only how many of which kind
  portcullis redact --json < app.log    where: {\"rule\":\"email\",\"start\":120,\"end\":135}

A file of rules, as masks.toml beside the policies is written:
  [[rule]]
  id = \"badge\"
  set = \"pii\"                            # or \"secrets\", which is meant where nothing is said
  patterns = ['\\bE-[0-9]{6}\\b']         # or, with a group, what the group matches
  literals = [\"Project Nightjar\"]
  columns = [\"orders.email\"]             # by its heading in what psql prints, in CSV
  paths = [\"$.customers[*].name\"]        # in JSON
  [marks]
  email = \"format\"                       # by kind, by set or \"*\": mark, fixed, last4, format, drop-line

Patterns are searched by automata that never go back; a match has at most 1024 bytes and stays in its line. Every rule
is checked before anything is read.

With --json, standard output has one object a line for each find, as soon as it is decided, and not the text: `rule` is
the kind or the id of your rule, `start` and `end` are offsets of bytes in the input, the end exclusive. With --list,
one more follows: {\"counts\":{\"email\":1},\"bytes\":4096}. Values are never printed.

Exit codes: 0 done, also where nothing was masked; 1 failed; 2 not understood.")]
pub struct RedactArgs {
    /// Mask sets to apply, separated by commas: secrets, pii, addresses; the first two unless said
    #[arg(long = "set", value_name = "SET", value_delimiter = ',', value_parser = parse_set)]
    sets: Vec<String>,
    /// What stands in place of a find: mark, fixed, last4, format, drop-line
    ///
    /// `mark` is [masked:email], and [masked:email:7f3a] with --key; `fixed` is ****; `last4` leaves four characters of
    /// twelve or more; `format` keeps the form of e-mail addresses and card numbers; `drop-line` leaves out the line. A
    /// choice for one kind is made in the rules, and wins. Names of sets are taken as --set takes them.
    #[arg(long, value_name = "CHOICE", value_delimiter = ',', value_parser = parse_choice)]
    mask: Vec<Choice>,
    /// Rules of your own, beside those that ship
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Secrets to mask in every form: one a line, or divided by NUL bytes
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Give marks a pseudonym under the key in this file: the same value has the same one
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Say how many of which kind were found, on standard error; with --json as the last object
    #[arg(long)]
    list: bool,
}

#[derive(Debug, Clone)]
enum Choice {
    Style(Style),
    Set(String),
}

fn parse_set(text: &str) -> Result<String, String> {
    Set::by_name(text).map(|_| text.to_owned()).ok_or_else(|| format!("there are {}", MASK_SETS.join(", ")))
}

fn parse_choice(text: &str) -> Result<Choice, String> {
    if let Some(style) = Style::by_name(text) {
        return Ok(Choice::Style(style));
    }
    let names: Vec<&str> = Style::NAMES.iter().map(|(name, _)| *name).collect();
    parse_set(text).map(Choice::Set).map_err(|_| format!("there are {}", names.join(", ")))
}

/// One find, as `--json` writes it.
#[derive(Serialize)]
struct Line {
    rule: &'static str,
    start: u64,
    end: u64,
}

/// Runs the command; 0 also where nothing was masked.
pub fn run(args: &RedactArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let mut redactor = args.redactor()?;
    if global.json {
        redactor = redactor.noting();
    }
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut piece = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        let n = match input.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).context("cannot read standard input"),
        };
        bytes += n as u64;
        let clean = redactor.push(Raw(piece[..n].to_vec()));
        let shown = if global.json { lines(&redactor.found())? } else { clean.into_vec() };
        output.write_all(&shown).and_then(|()| output.flush()).context("cannot write")?;
    }
    let clean = redactor.end();
    let shown = if global.json { lines(&redactor.found())? } else { clean.into_vec() };
    output.write_all(&shown).and_then(|()| output.flush()).context("cannot write")?;
    if args.list {
        list(redactor.masked(), bytes, global.json, &mut output).context("cannot write")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(found: &[Found]) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    for Found { kind, start, end, .. } in found {
        serde_json::to_writer(&mut out, &Line { rule: kind, start: *start, end: *end })?;
        out.push(b'\n');
    }
    Ok(out)
}

fn list(masked: &Masked, bytes: u64, as_json: bool, output: &mut impl io::Write) -> io::Result<()> {
    if as_json {
        let counts: serde_json::Map<_, _> = masked.counts().map(|(kind, n)| (kind.to_owned(), n.into())).collect();
        writeln!(output, "{}", serde_json::json!({ "counts": counts, "bytes": bytes }))?;
        return output.flush();
    }
    let mut list = io::stderr().lock();
    masked.counts().try_for_each(|(kind, count)| writeln!(list, "{count:>6} {kind}"))
}

impl RedactArgs {
    fn redactor(&self) -> anyhow::Result<Redactor> {
        let mut sets = self.sets.clone();
        let mut masking = self.rules.as_deref().map(rules).transpose()?.unwrap_or_default();
        for choice in &self.mask {
            match choice {
                Choice::Set(set) => sets.push(set.clone()),
                Choice::Style(style) => {
                    masking.styles.entry("*".to_owned()).or_insert(*style);
                }
            }
        }
        if sets.is_empty() {
            sets = vec!["secrets".to_owned(), "pii".to_owned()];
        }
        let known = self.known.as_deref().map(known).transpose()?.unwrap_or_default();
        let known: Vec<&Secret> = known.iter().collect();
        let masking = masking.of_sets(&sets);
        let redactor = Redactor::with(&Settings { sets: &sets, secrets: &known }, &masking)?;
        match &self.key {
            Some(path) => {
                let key = read(path, "the key")?;
                if key.len() < 16 {
                    let why = format!("{} has fewer than 16 bytes", path.display());
                    let hint = "make one: head -c 32 /dev/urandom > KEY";
                    return Err(Complaint::new("the key cannot be used", why).hint(hint).into());
                }
                Ok(redactor.keyed(MarkKey::new(&key)))
            }
            None => Ok(redactor),
        }
    }
}

fn rules(path: &Path) -> anyhow::Result<Masking> {
    let name = path.display().to_string();
    let text = read(path, "the rules")?;
    let wrong = |error: LoadError| {
        let LoadError { hint, .. } = &error;
        let why = LoadError { hint: None, ..error.clone() }.to_string();
        Complaint { what: "the rules cannot be used".to_owned(), why, hint: hint.clone() }
    };
    let text = std::str::from_utf8(&text).map_err(|error| {
        let line = text[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        let why = "is not UTF-8".to_owned();
        wrong(LoadError { file: name.clone(), line: Some(line), column: None, why, hint: None })
    })?;
    let masking = read_masks(&name, text).map_err(wrong)?;
    let mut named = kinds();
    named.extend(masking.rules.iter().map(|rule| rule.id.as_str()));
    named.extend(MASK_SETS);
    named.insert("*");
    if let Some(other) = masking.styles.keys().find(|kind| !named.contains(kind.as_str())) {
        let begins = |line: &str| line.trim_start().trim_start_matches('"').starts_with(other.as_str());
        let line = text.lines().position(begins).map(|n| n + 1);
        let why = format!("[marks] names {other:?}, which is no kind, no set and no rule of yours");
        let hint = Some("see the kinds that a text has: portcullis redact --list".to_owned());
        return Err(wrong(LoadError { file: name, line, column: None, why, hint }).into());
    }
    Ok(masking)
}

/// The secrets of a file; an empty line is none.
fn known(path: &Path) -> anyhow::Result<Vec<Secret>> {
    let text = read(path, "the known secrets")?;
    let (by, unit) = if text.contains(&0) { (0, "entry") } else { (b'\n', "line") };
    let mut known = Vec::new();
    for (n, entry) in text.split(|b| *b == by).enumerate() {
        let entry = if by == b'\n' { entry.strip_suffix(b"\r").unwrap_or(entry) } else { entry };
        if entry.is_empty() || by == 0 && entry == b"\n" {
            continue;
        }
        let why = if entry.iter().filter(|b| **b > b' ').count() < SHORTEST {
            format!("has fewer than {SHORTEST} characters: it would mask half of any text")
        } else if known.len() == MOST_KNOWN {
            format!("is one more than {MOST_KNOWN}")
        } else {
            known.push(Secret::new(entry.to_vec()));
            continue;
        };
        let why = format!("{}: {unit} {} {why}", path.display(), n + 1);
        return Err(Complaint::new("the known secrets cannot be used", why).into());
    }
    Ok(known)
}

fn read(path: &Path, what: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let complaint = |why: String| Complaint::new(format!("cannot read {what}"), format!("{}: {why}", path.display()));
    let mut text = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(|error| complaint(error.to_string()))?;
    file.take(LARGEST + 1).read_to_end(&mut text).map_err(|error| complaint(error.to_string()))?;
    if text.len() as u64 > LARGEST {
        return Err(complaint(format!("has more than {LARGEST} bytes")).into());
    }
    Ok(text)
}
