//! psql's options (psql(1), version 15) and what a line of them asks for, in the order in which psql acts on it.
//!
//! psql walks the line once: `-o` opens its file or pipe, `--help` and a mistake end the program, all while the line is
//! still being read. So what stands before a mistake counts, and what stands after it does not.

use super::{shape, variables};
use crate::model::Bytes;
use crate::tools::options::{Given, Grammar, Item, Opt, Takes, scan};

const fn flag(long: &'static str, short: char) -> Opt {
    Opt { long, short: Some(short), takes: Takes::Nothing, negates: true }
}

const fn value(long: &'static str, short: char) -> Opt {
    Opt { long, short: Some(short), takes: Takes::Value, negates: true }
}

const OPTIONS: &[Opt] = &[
    flag("echo-all", 'a'),
    flag("no-align", 'A'),
    value("command", 'c'),
    value("dbname", 'd'),
    flag("echo-queries", 'e'),
    flag("echo-errors", 'b'),
    flag("echo-hidden", 'E'),
    value("file", 'f'),
    value("field-separator", 'F'),
    flag("field-separator-zero", 'z'),
    value("host", 'h'),
    flag("html", 'H'),
    flag("list", 'l'),
    value("log-file", 'L'),
    flag("no-readline", 'n'),
    flag("single-transaction", '1'),
    value("output", 'o'),
    value("port", 'p'),
    value("pset", 'P'),
    flag("quiet", 'q'),
    value("record-separator", 'R'),
    flag("record-separator-zero", '0'),
    flag("single-step", 's'),
    flag("single-line", 'S'),
    flag("tuples-only", 't'),
    value("table-attr", 'T'),
    value("username", 'U'),
    value("set", 'v'),
    Opt { long: "variable", short: None, takes: Takes::Value, negates: true },
    flag("version", 'V'),
    flag("no-password", 'w'),
    flag("password", 'W'),
    flag("expanded", 'x'),
    flag("no-psqlrc", 'X'),
    Opt { long: "help", short: None, takes: Takes::Attached, negates: true },
    Opt { long: "csv", short: None, takes: Takes::Nothing, negates: true },
    flag("", '?'),
];

/// One thing to execute, in the order of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `-c` with SQL: sent as it is, psql does not look inside.
    Query(Bytes),
    /// `-c` with one backslash command; without its backslash. `index` is the word that ends with it.
    Slash { text: Bytes, index: usize },
    /// `-f`; `-` is standard input. `index` is the word that ends with the name.
    File { name: Bytes, index: usize },
}

/// How the walk over the line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// psql connects and runs.
    Runs,
    /// `--version`, `--help`: it prints and stops.
    Informs,
    /// It would complain and stop.
    Refused,
}

/// What a line says, before any of it is looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub ending: Ending,
    pub actions: Vec<Action>,
    /// Each `-o`, as psql opened it.
    pub outputs: Vec<Bytes>,
    pub log_file: Option<Bytes>,
    pub host: Option<Bytes>,
    pub port: Option<Bytes>,
    /// A name, a conninfo string or a URI.
    pub dbname: Option<Bytes>,
    pub user: Option<Bytes>,
    /// Words that stand for the database and the user without an option.
    pub operands: Vec<usize>,
    /// Where `--` stands, after which nothing is an option.
    pub dashes: Option<usize>,
    pub list: bool,
    /// `-1`: psql sends BEGIN before and COMMIT after what the line says.
    pub single_transaction: bool,
    pub single_step: bool,
    pub no_psqlrc: bool,
    /// `-v` and the options that stand for a variable: name, and value or null for unset.
    pub variables: Vec<(Bytes, Option<Bytes>)>,
    /// `-P` with which values are not printed whole.
    pub reshapes: bool,
    /// `--cluster`, which only Debian's wrapper knows: it chooses another server.
    pub cluster: bool,
}

impl Line {
    fn new() -> Self {
        Line {
            ending: Ending::Runs,
            actions: Vec::new(),
            outputs: Vec::new(),
            log_file: None,
            host: None,
            port: None,
            dbname: None,
            user: None,
            operands: Vec::new(),
            dashes: None,
            list: false,
            single_transaction: false,
            single_step: false,
            no_psqlrc: false,
            variables: Vec::new(),
            reshapes: false,
            cluster: false,
        }
    }

    /// Whether psql would read commands from its standard input.
    pub fn reads_stdin(&self) -> bool {
        self.ending == Ending::Runs
            && !self.list
            && (self.actions.is_empty()
                || self.actions.iter().any(|a| matches!(a, Action::File { name, .. } if name.as_slice() == b"-")))
    }
}

/// Reads the words after `argv[0]`. `posixly` where POSIXLY_CORRECT is set: then the first operand ends the options
/// (getopt(3)).
pub fn read(args: &[Bytes], posixly: bool) -> Line {
    let mut line = Line::new();
    line.cluster = args
        .iter()
        .take_while(|word| word.as_slice() != b"--")
        .any(|word| word.as_slice() == b"--cluster" || word.starts_with(b"--cluster="));
    // psql looks at its first word before getopt does.
    match args.first().map(Bytes::as_slice) {
        Some(b"-?" | b"--version" | b"-V") => {
            line.ending = Ending::Informs;
            return line;
        }
        Some(b"--help") if args.len() == 1 => {
            line.ending = Ending::Informs;
            return line;
        }
        _ => {}
    }
    let items = scan(&Grammar { permute: !posixly, ..Grammar::getopt_long(OPTIONS) }, args);
    line.dashes = dashes(args, &items);
    let mut operands = Vec::new();
    for item in items {
        match item {
            Item::Option(given) => line.take(given, args),
            Item::Operand { value, index, .. } => operands.push((value, index)),
            Item::Problem(_) => line.ending = Ending::Refused,
        }
        if line.ending != Ending::Runs {
            return line;
        }
    }
    for (value, index) in operands {
        if line.dbname.is_none() {
            line.dbname = Some(value);
            line.operands.push(index);
        } else if line.user.is_none() {
            line.user = Some(value);
            line.operands.push(index);
        }
    }
    line
}

impl Line {
    fn take(&mut self, given: Given, args: &[Bytes]) {
        let value_index = given.value_index.unwrap_or(given.index);
        let value = given.value.unwrap_or_default();
        match (given.opt.long, given.opt.short) {
            ("command", _) => self.actions.push(match value.as_slice() {
                [b'\\', rest @ ..] => Action::Slash { text: Bytes::from(rest), index: value_index },
                _ => Action::Query(value),
            }),
            ("file", _) => self.actions.push(Action::File { name: value, index: value_index }),
            ("dbname", _) => self.dbname = Some(value),
            ("host", _) => self.host = Some(value),
            ("port", _) => self.port = Some(value),
            ("username", _) => self.user = Some(value),
            ("output", _) => self.outputs.push(value),
            ("log-file", _) => self.log_file = Some(value),
            ("list", _) => self.list = true,
            ("single-transaction", _) => self.single_transaction = true,
            ("single-line", _) => self.stands_for("SINGLELINE", "on"),
            ("single-step", _) => {
                self.single_step = true;
                self.stands_for("SINGLESTEP", "on");
            }
            ("quiet", _) => self.stands_for("QUIET", "on"),
            ("echo-all", _) => self.stands_for("ECHO", "all"),
            ("echo-queries", _) => self.stands_for("ECHO", "queries"),
            ("echo-errors", _) => self.stands_for("ECHO", "errors"),
            ("echo-hidden", _) => self.stands_for("ECHO_HIDDEN", "on"),
            ("no-psqlrc", _) => self.no_psqlrc = true,
            (option, _) if shape::is_reshaping(option) => self.reshapes = true,
            ("set" | "variable", _) => self.assign(&value),
            ("pset", _) => {
                let mut words = value.splitn(2, |b| *b == b'=');
                let (name, value) = (words.next().unwrap_or_default(), words.next());
                self.reshapes |= shape::reshapes(name, value);
                if !shape::accepted(name, value) {
                    self.ending = Ending::Refused;
                }
            }
            ("version", _) => self.ending = Ending::Informs,
            ("help", _) => {
                let known = matches!(value.as_slice(), b"" | b"options" | b"commands" | b"variables");
                self.ending = if known { Ending::Informs } else { Ending::Refused };
            }
            (_, Some('?')) => {
                let alone = args.get(given.index).is_some_and(|word| word.as_slice() == b"-?");
                self.ending = if alone { Ending::Informs } else { Ending::Refused };
            }
            _ => {}
        }
    }

    fn stands_for(&mut self, name: &str, value: &str) {
        self.variables.push((name.into(), Some(value.into())));
    }

    /// `-v name=value`, `-v name=` (empty) and `-v name` (unset).
    fn assign(&mut self, word: &[u8]) {
        self.reshapes |= shape::splits(word.split(|b| *b == b'=').next().unwrap_or_default());
        match word.iter().position(|b| *b == b'=') {
            Some(at) if variables::accepted(&word[..at], &word[at + 1..]).is_none() => self.ending = Ending::Refused,
            Some(at) => self.variables.push((Bytes::from(&word[..at]), Some(Bytes::from(&word[at + 1..])))),
            None => self.variables.push((Bytes::from(word), None)),
        }
    }
}

/// The one word that is neither option, value nor operand.
fn dashes(args: &[Bytes], items: &[Item]) -> Option<usize> {
    (0..args.len()).find(|at| {
        args[*at].as_slice() == b"--"
            && !items.iter().any(|item| match item {
                Item::Option(given) => given.index == *at || given.value_index == Some(*at),
                Item::Operand { index, .. } => index == at,
                Item::Problem(_) => false,
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        let words: Vec<Bytes> = text.split(' ').map(Bytes::from).collect();
        read(&words, false)
    }

    #[test]
    fn what_stands_after_a_mistake_does_not_count_and_what_stands_before_it_does() {
        let read = line("-o |sh --bogus -c x");
        assert_eq!(read.ending, Ending::Refused);
        assert_eq!(read.outputs, [Bytes::from("|sh")]);
        assert!(read.actions.is_empty());
    }

    #[test]
    fn words_without_option_are_database_and_user_only_where_these_are_not_given() {
        let read = line("-c x -- -d y");
        assert_eq!((read.dbname, read.user), (Some("-d".into()), Some("y".into())));
        assert_eq!(read.dashes, Some(2));
        let read = line("-d a -U b c");
        assert_eq!((read.dbname, read.user), (Some("a".into()), Some("b".into())));
    }

    #[test]
    fn help_is_help_only_in_the_forms_psql_knows() {
        for (text, ending) in [
            ("-?", Ending::Informs),
            ("-t -?", Ending::Informs),
            ("-t?", Ending::Refused),
            ("--help=commands", Ending::Informs),
            ("--help=x", Ending::Refused),
            ("-c x --help", Ending::Informs),
            ("--no-p", Ending::Refused),
            ("--vers", Ending::Informs),
        ] {
            assert_eq!(line(text).ending, ending, "{text}");
        }
    }
}
