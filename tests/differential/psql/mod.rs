//! psql against a throwaway cluster that logs every statement it meets.
//!
//! The log says where psql really cut its scripts, which branches it took, what it sent and as whom; strace says which
//! files it opened, which programs it started and where it connected. Privileges say what the statements really touched.

mod generator;
mod lines;
mod observed;
mod privileges;
mod server;
mod tables;
mod trace;
mod world;

/// One run of psql: its arguments, its standard input, the files in its work folder, and more of its environment.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct Line {
    pub args: Vec<String>,
    pub stdin: String,
    pub files: Vec<(String, String)>,
    pub env: Vec<(String, String)>,
}

pub fn query(args: &[&str]) -> Line {
    Line { args: args.iter().map(|arg| (*arg).to_owned()).collect(), ..Line::default() }
}

pub fn script(stdin: &str) -> Line {
    query(&[]).on(stdin)
}

impl Line {
    /// With this on standard input.
    pub fn on(mut self, stdin: &str) -> Self {
        self.stdin = stdin.to_owned();
        self
    }

    /// With this file beside it.
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// All that psql may take for a script.
    fn text(&self) -> String {
        let files = self.files.iter().map(|(_, text)| text.as_str());
        self.args.iter().map(String::as_str).chain([self.stdin.as_str()]).chain(files).collect::<Vec<_>>().join("\n")
    }

    /// With this variable; `@PORT@` and `@DB@` stand for the server's port and the line's database, everywhere.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// The lines of the file that `PORTCULLIS_LINES` names, where it is no number: a JSON object of a line each.
fn own() -> Option<Vec<Line>> {
    let text = std::env::var("PORTCULLIS_LINES").ok().and_then(|path| std::fs::read_to_string(path).ok())?;
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn a_line_does_just_what_was_read() {
    let own = own();
    assert!(own.is_some() || lines::all().len() >= 250);
    let lines = own.unwrap_or_else(lines::all);
    let wrong = observed::disagreements(&lines);
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}

#[test]
fn a_line_put_together_at_random_does_just_what_was_read() {
    let lines = generator::lines();
    let wrong = observed::disagreements(&lines);
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}
