//! Carries out a [`Delivery`]: the command as it will be started, with what was lent in sealed memory files.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::No;
use super::ask;
use super::gather::Machine;
use super::locate::{Install, Real};
use super::own;
use super::permit::Permit;
use crate::model::{Bytes, Delivery, EnvChange, Grant, HelperScope, Lasts, Part, Refusal, RefusalKind, Word, visible};
use crate::sys::memory::{self, UntilClosed};
use crate::sys::{caller, spawn};
use crate::tools::Tool;
use crate::wire::frames::{Failure, Question};

/// Variables that bring a library of the caller's into the tool (OpenSSL's config(5) and ENGINE directories, iconv's modules,
/// mechanisms of GSSAPI and SASL, plug-ins of krb5.conf(5), modules of PKCS #11), give its messages other words, which are formats for its memory
/// (gettext, locale(7)), write the keys of its connections down, or have a host's name mean another one (hostname(7),
/// resolver(5)). A tool that was lent something runs without them, as without the loader's own `LD_*`.
const TAKEN: [&[u8]; 20] = [
    b"GCONV_PATH",
    b"GIT_TEXTDOMAINDIR",
    b"GLIBC_TUNABLES",
    b"GSS_MECH_CONFIG",
    b"HOSTALIASES",
    b"KRB5_CONFIG",
    b"KRB5_TRACE",
    b"LOCALDOMAIN",
    b"LOCPATH",
    b"NLSPATH",
    b"OPENSSL_CONF",
    b"OPENSSL_ENGINES",
    b"OPENSSL_MODULES",
    b"PGLOCALEDIR",
    b"PKCS11_MODULE_PATH",
    b"RESOLV_HOST_CONF",
    b"RES_OPTIONS",
    b"SASL_CONF_PATH",
    b"SASL_PATH",
    b"SSLKEYLOGFILE",
];

/// The program, its arguments and environment, and the descriptors that it alone inherits.
pub struct Command {
    pub path: CString,
    pub arguments: Vec<CString>,
    pub environment: Vec<CString>,
    pub files: Vec<OwnedFd>,
    /// Those among them that are emptied once they were read.
    pub emptied: Vec<UntilClosed>,
    /// What it reads as standard input, where the reading consumed it.
    pub stdin: Option<OwnedFd>,
    pub helper: Option<HelperScope>,
    /// What the tool is to those that it starts for itself.
    pub role: Option<String>,
}

impl Command {
    /// Runs it in this very process. Returns where it could not be started.
    pub fn replace_us(self) -> No {
        let path = self.path.clone();
        let start = || {
            let mut program = spawn::Program::in_our_place(self.path, self.arguments, self.environment)?;
            if let Some(stdin) = &self.stdin {
                program.streams[0] = spawn::Stream::From(stdin.as_fd());
            }
            program.keep = self.files.iter().map(AsFd::as_fd).collect();
            Ok(program.replace_us())
        };
        not_started(&path, &start().unwrap_or_else(|error| error))
    }
}

/// What the caller hears where the kernel did not start what was allowed.
pub fn not_started(path: &CStr, error: &io::Error) -> No {
    let path = visible::line(path.to_bytes(), 200);
    ask::failure(format!("{path} cannot be started"), error.to_string(), "run portcullis doctor")
}

/// The command that a permit allows, with its grants.
pub fn command(
    tool: &dyn Tool,
    (install, real): (&Install, &Real),
    machine: &Machine,
    question: Question,
    permit: &Permit,
    grants: Vec<Grant>,
) -> Result<Command, No> {
    let Question { invocation, facts } = question;
    let lent = !grants.is_empty();
    let refused = |why: String, hint: Option<String>| {
        No::from(Refusal {
            kind: RefusalKind::CannotEnforce,
            what: format!("{} as it was typed", invocation.tool),
            why,
            hint,
            policies: Vec::new(),
        })
    };
    let delivery =
        tool.deliver(&invocation, facts, permit.terms(), grants).map_err(|error| refused(error.why, error.hint))?;
    if machine.took_stdin() && delivery.stdin.as_ref().is_none_or(|content| content.truncated) {
        let why = machine.notes().pop().unwrap_or("its standard input was read and cannot be given back".to_owned());
        return Err(refused(why, Some("give it a file, or a standard input that ends".to_owned())));
    }
    let start = (invocation.argv0.as_slice(), lent);
    let mut environment = permit.terms().environment.clone();
    if let Some((variable, folder)) = own::moved(tool, install)
        && let Ok(folder) = folder.into_os_string().into_string()
    {
        environment.push((variable.to_owned(), folder));
    }
    let command = carry_out(delivery, start, install, real, &environment);
    let role = |command: &Command| {
        let args = command.arguments.iter().skip(1).map(|word| Bytes::from(word.as_bytes()));
        tool.own_programs()?.role(&args.collect::<Vec<_>>())
    };
    command.map(|command| Command { role: role(&command), ..command }).map_err(|error| {
        No::Failed(Failure {
            what: format!("{} cannot be started as it was allowed", invocation.tool),
            why: error.to_string(),
            hint: None,
        })
    })
}

fn carry_out(
    delivery: Delivery,
    (argv0, lent): (&[u8], bool),
    install: &Install,
    real: &Real,
    terms: &[(String, String)],
) -> io::Result<Command> {
    let (mut files, mut emptied) = (Vec::new(), Vec::new());
    for file in &delivery.files {
        files.push(match file.lasts {
            Lasts::Throughout => memory::sealed(file.name, file.bytes.expose())?,
            Lasts::OneReading => memory::once(file.bytes.expose())?,
            Lasts::UntilClosed => match UntilClosed::new(file.name, file.bytes.expose()) {
                Ok((given, held)) => {
                    emptied.push(held);
                    given
                }
                // A user's inotify instances are few, and whoever can use them up can read the file of a running tool.
                Err(_) => memory::sealed(file.name, file.bytes.expose())?,
            },
        });
    }
    let words = Words { files: &files, helper: &install.helper() };
    let mut arguments = vec![spawn::c_string(OsStr::from_bytes(argv0))?];
    for word in &delivery.args {
        arguments.push(spawn::c_string(words.spell(word)?)?);
    }
    let mut environment = caller::environment();
    if lent {
        environment.retain(|entry| {
            let name = entry.as_bytes().split(|b| *b == b'=').next().unwrap_or_default();
            !name.starts_with(b"LD_") && !TAKEN.contains(&name)
        });
    }
    for (name, value) in terms {
        set(&mut environment, name, OsStr::new(value));
    }
    for change in &delivery.environment {
        match change {
            EnvChange::Set(name, word) => set(&mut environment, name, &words.spell(word)?),
            EnvChange::Remove(name) => environment.retain(|entry| !names(entry, name)),
        }
    }
    let stdin = delivery.stdin.map(|content| memory::sealed("stdin", content.bytes.as_slice())).transpose()?;
    Ok(Command {
        path: spawn::c_string(&real.path)?,
        arguments,
        environment: environment.iter().map(spawn::c_string).collect::<io::Result<_>>()?,
        files,
        emptied,
        stdin,
        helper: delivery.helper,
        role: None,
    })
}

struct Words<'a> {
    files: &'a [OwnedFd],
    helper: &'a Path,
}

impl Words<'_> {
    fn spell(&self, word: &Word) -> io::Result<OsString> {
        let mut out = Vec::new();
        for part in &word.0 {
            match part {
                Part::Plain(bytes) => out.extend_from_slice(bytes),
                Part::File(index) => {
                    let file = self.files.get(*index).ok_or(io::ErrorKind::NotFound)?;
                    // A child inherits descriptors under the same numbers.
                    out.extend_from_slice(format!("/proc/self/fd/{}", file.as_raw_fd()).as_bytes());
                }
                Part::Helper => out.extend_from_slice(self.helper.as_os_str().as_bytes()),
            }
        }
        Ok(OsString::from_vec(out))
    }
}

/// Replaces a variable where it stood first, and any duplicate of it.
fn set(environment: &mut Vec<OsString>, name: &str, value: &OsStr) {
    let mut entry = OsString::from(format!("{name}="));
    entry.push(value);
    let at = environment.iter().position(|old| names(old, name)).unwrap_or(environment.len());
    environment.retain(|old| !names(old, name));
    environment.insert(at, entry);
}

fn names(entry: &OsStr, name: &str) -> bool {
    entry.as_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'='))
}

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};

    use super::set;

    #[test]
    fn a_variable_that_is_set_stands_where_it_stood_and_only_once() {
        let mut environment: Vec<OsString> = ["A=1", "P=x", "PQ=2", "P=y", "noise"].map(OsString::from).to_vec();
        set(&mut environment, "P", OsStr::new("z"));
        assert_eq!(environment, ["A=1", "P=z", "PQ=2", "noise"].map(OsString::from));
        set(&mut environment, "NEW", OsStr::new(""));
        assert_eq!(environment.last().unwrap(), "NEW=");
    }
}
