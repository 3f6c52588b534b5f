//! What a reading costs: `cargo bench --no-default-features --features shim,reading --bench readings`. Prints the time of
//! everyday lines (median and 99 %), then inputs of half a MiB and a MiB that were made to be slow, and how their times
//! grow: twice for what is linear. With a case's name and a size (`… --bench readings -- psql-comments 1048576`) it
//! makes that one reading alone, for callgrind to count its instructions.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::time::{Duration, Instant};

use portcullis::model::{
    Bytes, Content, ContentSource, Digest, Facts, Invocation, InvocationId, Pin, StreamKind, Streams,
};
use portcullis::tools::by_name;

/// Each everyday line is read so often.
const RUNS: usize = 2000;

const EVERYDAY: &[&str] = &[
    "git status",
    "git push origin main",
    "git -c core.pager=cat log --oneline -20",
    "git commit -am message",
    "psql -c SELECT\u{a0}1",
    "psql -h db.example -U app -d shop -f -",
    "curl -fsSL https://get.example.com/install.sh",
    "curl -X POST -d @data.json https://api.example.com/v1/items",
    "kubectl get pods -A",
    "kubectl delete deployment/web -n prod",
];

/// A name, the words of the line, and what fills the input: begin, the piece that is repeated, end.
struct Slow {
    name: &'static str,
    words: &'static [&'static str],
    begin: &'static str,
    piece: &'static str,
    end: &'static str,
}

const fn stdin(
    name: &'static str,
    words: &'static [&'static str],
    begin: &'static str,
    piece: &'static str,
    end: &'static str,
) -> Slow {
    Slow { name, words, begin, piece, end }
}

const PSQL: &[&str] = &["psql", "-X"];
const CURL: &[&str] = &["curl", "-K", "-"];
/// The input becomes words of the line, cut at its spaces.
const GIT: &[&str] = &["git", "…"];
const CURL_WORDS: &[&str] = &["curl", "…"];

const SLOW: &[Slow] = &[
    stdin("git-refspecs", GIT, "push https://h/a", " a:refs/heads/b", ""),
    stdin("git-settings", GIT, "", "-c a.b=c ", "status"),
    stdin("git-folders", GIT, "", "-C x ", "status"),
    stdin("git-letters", GIT, "commit -", "q", ""),
    stdin("git-unknown", GIT, "log --", "x", ""),
    stdin("git-pathspecs", GIT, "add", " a", ""),
    stdin("git-stdin", &["git", "update-ref", "--stdin"], "", "delete refs/heads/x\n", ""),
    stdin("git-send-pack", &["git", "send-pack", "--stdin", "/srv/x"], "", "+a:b\n", ""),
    stdin("psql-statements", PSQL, "", "SELECT 1;\n", ""),
    stdin("psql-one", PSQL, "SELECT 1", ",1", ";"),
    stdin("psql-comments", PSQL, "", "/*", ""),
    stdin("psql-dollars", PSQL, "SELECT ", "$a$", ";"),
    stdin("psql-quotes", PSQL, "SELECT ", "'a'", ";"),
    stdin("psql-parentheses", PSQL, "SELECT ", "(", ";"),
    stdin("psql-variables", &["psql", "-X", "-v", "a=1"], "", ":a ", ""),
    stdin("psql-growing", PSQL, "\\set a x\n", "\\set a :a:a\n", "SELECT :'a';\n"),
    stdin("psql-sets", PSQL, "", "\\set a b\n", ""),
    stdin("psql-conditions", PSQL, "", "\\if true\n", ""),
    stdin("psql-backslashes", PSQL, "", "\\", ""),
    stdin("psql-backquotes", PSQL, "\\echo ", "`a`", "\n"),
    stdin("psql-empty", PSQL, "", ";", ""),
    stdin("psql-copy", PSQL, "COPY a FROM STDIN;\n", "1\n", "\\.\n"),
    stdin("psql-unions", PSQL, "SELECT 1", " UNION SELECT 1", ";"),
    stdin("psql-ands", PSQL, "SELECT 1 WHERE a", " AND a", ";"),
    stdin("psql-tables", PSQL, "SELECT * FROM a", ",a", ";"),
    stdin("psql-ctes", PSQL, "WITH a AS (SELECT 1)", ",a AS (SELECT 1)", " SELECT 1;"),
    stdin("psql-buffer", PSQL, "SELECT 1", "\n", ";"),
    stdin("curl-urls", CURL, "", "url=http://h/x\n", ""),
    stdin("curl-headers", CURL, "url=http://h/x\n", "header=\"A: b\"\n", ""),
    stdin("curl-header-files", CURL, "url=http://h/x\n", "header=@f\n", ""),
    stdin("curl-jars", CURL, "url=http://h/x\n", "cookie=jar\n", ""),
    stdin("curl-data", CURL, "url=http://h/x\n", "data=a\n", ""),
    stdin("curl-forms", CURL, "url=http://h/x\n", "form=a=@b\n", ""),
    stdin("curl-next", CURL, "", "url=http://h/x\nnext\n", "url=http://h/x\n"),
    stdin("curl-outputs", CURL, "", "url=http://h/x\noutput=o\n", ""),
    stdin("curl-resolves", CURL, "url=http://h/x\n", "resolve=h:80:1.2.3.4\n", ""),
    stdin("curl-connects", CURL, "url=http://h/x\n", "connect-to=h:80:i:80\n", ""),
    stdin("curl-long", CURL_WORDS, "http://h/", "a/../", ""),
    stdin("curl-braces", CURL_WORDS, "http://h/", "{a}", ""),
    stdin("curl-choices", CURL_WORDS, "http://h/{a", ",a", "}"),
    stdin("curl-escapes", CURL_WORDS, "http://h/", "%2e%2e/", ""),
    stdin("curl-queries", CURL, "url=http://h/x\nget\n", "data-urlencode=a=b\n", ""),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [name, size] = words.as_slice() {
        let slow = SLOW.iter().find(|slow| slow.name == name).expect("no case has this name");
        let (invocation, facts) = slow.filled(size.parse().unwrap());
        by_name(slow.words[0]).unwrap().read(&invocation, &facts);
        return;
    }
    println!("{:64} {:>10} {:>10}", "a line", "median", "99 %");
    for line in EVERYDAY {
        let words: Vec<Bytes> = line.split(' ').map(|word| Bytes::from(word.replace('\u{a0}', " ").as_str())).collect();
        let (invocation, facts) = invocation(words, String::new());
        let tool = by_name(line.split(' ').next().unwrap()).unwrap();
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let began = Instant::now();
                std::hint::black_box(tool.read(&invocation, &facts));
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("{line:64} {:>10.1?} {:>10.1?}", times[RUNS / 2], times[RUNS * 99 / 100]);
    }
    println!("{:64} {:>10} {:>10} {:>6}", "made to be slow", "0.5 MiB", "1 MiB", "ratio");
    for slow in SLOW {
        let (half, whole) = (slow.time(1 << 19), slow.time(1 << 20));
        let ratio = whole.as_secs_f64() / half.as_secs_f64().max(1e-9);
        println!("{:64} {half:>10.1?} {whole:>10.1?} {ratio:>6.2}", slow.name);
    }
}

impl Slow {
    /// The best of three, since others use the machine.
    fn time(&self, size: usize) -> Duration {
        let (invocation, facts) = self.filled(size);
        let tool = by_name(self.words[0]).unwrap();
        let once = || {
            let began = Instant::now();
            std::hint::black_box(tool.read(&invocation, &facts));
            began.elapsed()
        };
        (0..3).map(|_| once()).min().unwrap()
    }

    fn filled(&self, size: usize) -> (Invocation, Facts) {
        let text = [self.begin, &self.piece.repeat(size / self.piece.len()), self.end].concat();
        let words = |text: &str| text.split_whitespace().map(Bytes::from).collect::<Vec<_>>();
        match self.words {
            [tool, "…"] => invocation([vec![Bytes::from(*tool)], words(&text)].concat(), String::new()),
            fixed => invocation(fixed.iter().map(|word| Bytes::from(*word)).collect(), text),
        }
    }
}

fn invocation(words: Vec<Bytes>, stdin: String) -> (Invocation, Facts) {
    let tool = words[0].text().unwrap().to_owned();
    let version = match tool.as_str() {
        "git" => "2.47.3",
        "psql" => "15.18",
        "curl" => "7.88.1",
        _ => "1.32.4",
    };
    let bytes = Bytes::from(stdin.as_str());
    let content = Content { source: ContentSource::Stdin, sha256: Digest::of(&bytes), bytes, truncated: false };
    let facts = Facts { version: Some(version.into()), contents: vec![content], ..Facts::default() };
    let invocation = Invocation {
        id: InvocationId::from_ulid(7),
        tool: tool.clone(),
        argv0: tool.as_str().into(),
        args: words[1..].to_vec(),
        cwd: Some("/home/agent/app".into()),
        variables: [("HOME".to_owned(), "/home/agent".into())].into(),
        streams: Streams { stdin: StreamKind::Pipe, stdout: StreamKind::Pipe, stderr: StreamKind::Pipe },
        parent: None,
        pin: Pin::Pinned,
    };
    (invocation, facts)
}
