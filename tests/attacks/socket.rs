//! A client of the agent's own on the keeper's socket, in place of the shim.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Instant;

use portcullis::model::{
    Bytes, Decision, Facts, HelperScope, Invocation, InvocationId, Pin, Pseudonyms, Raw, StreamKind, Streams,
};
use portcullis::redact::{MarkKey, Redactor, Settings};
use portcullis::wire::frames::{self, FromKeeper, FromShim, Hello, Question};

use crate::support::process::PATIENCE;
use crate::support::site::{PERMIT_ALL, Setup, Site};

pub struct Client(UnixStream);

impl Client {
    pub fn new(site: &Site) -> Client {
        let stream = UnixStream::connect(site.path("run/keeper.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Client(stream);
        client.say(&FromShim::Hello(Hello { version: frames::VERSION, shim: "0.1.0".to_owned() }));
        assert!(matches!(client.hear(), Some(FromKeeper::Welcome { .. })));
        client
    }

    /// The keeper may have hung up already; then nothing is heard either.
    pub fn say(&mut self, message: &FromShim) {
        let _ = frames::write(&mut self.0, message);
    }

    /// `None` when the keeper hung up.
    pub fn hear(&mut self) -> Option<FromKeeper> {
        frames::read(&mut self.0).unwrap_or(None)
    }

    fn ask(&mut self, invocation: Invocation) -> Option<FromKeeper> {
        self.say(&FromShim::Ask(Box::new(Question { invocation, facts: Facts::default() })));
        self.hear()
    }
}

fn curl(number: u128, url: &str) -> Invocation {
    let pipe = StreamKind::Pipe;
    Invocation {
        id: InvocationId::from_ulid(number),
        tool: "curl".to_owned(),
        argv0: "curl".into(),
        args: vec![url.into()],
        cwd: Some("/".into()),
        variables: BTreeMap::new(),
        streams: Streams { stdin: StreamKind::Null, stdout: pipe, stderr: pipe },
        parent: None,
        pin: Pin::Pinned,
    }
}

fn allowed(answer: Option<FromKeeper>) -> bool {
    matches!(answer, Some(FromKeeper::Answer(answer)) if matches!(answer.decision, Decision::Allow(_)))
}

const LENDS: &str = r#"@id("api") @grant("api") permit(principal, action == Action::"http.get", resource)
when { resource.host == "127.0.0.1" };"#;

fn lending() -> Site {
    let site = Site::with(&Setup { policy: LENDS, server: CREDENTIAL, ..Setup::default() });
    std::fs::write(site.path("data/token"), "a-token-q1w2e3r4t5z6").unwrap();
    site
}

const CREDENTIAL: &str = r#"[[credential]]
name = "api"
kind = "token"
url = "http://127.0.0.1:9/"
username = "me"
token_file = "data/token"
"#;

#[test]
fn drawing_what_was_not_allowed() {
    let site = lending();
    let mut client = Client::new(&site);
    let denied = client.ask(curl(1, "http://example.com/"));
    assert!(!allowed(denied));
    client.say(&FromShim::Draw);
    assert!(!matches!(client.hear(), Some(FromKeeper::Drawn { .. })));
}

#[test]
fn drawing_without_asking() {
    let site = lending();
    let mut client = Client::new(&site);
    client.say(&FromShim::Draw);
    assert!(!matches!(client.hear(), Some(FromKeeper::Drawn { .. })));
}

#[test]
fn drawing_twice() {
    let site = lending();
    let mut client = Client::new(&site);
    assert!(allowed(client.ask(curl(1, "http://127.0.0.1:9/"))));
    client.say(&FromShim::Draw);
    assert!(matches!(client.hear(), Some(FromKeeper::Drawn { .. })));
    client.say(&FromShim::Draw);
    assert!(!matches!(client.hear(), Some(FromKeeper::Drawn { .. })));
    let mut other = Client::new(&site);
    let _ = other.ask(curl(1, "http://127.0.0.1:9/"));
    other.say(&FromShim::Draw);
    assert!(!matches!(other.hear(), Some(FromKeeper::Drawn { .. })), "the same id on another connection");
}

#[test]
fn drawing_where_nothing_is_lent() {
    let site = Site::start(PERMIT_ALL);
    let mut client = Client::new(&site);
    assert!(allowed(client.ask(curl(1, "http://127.0.0.1:9/x"))));
    client.say(&FromShim::Draw);
    assert!(!matches!(client.hear(), Some(FromKeeper::Drawn { .. })));
}

#[test]
fn a_yes_kept_for_later() {
    let site = Site::start(PERMIT_ALL);
    let line = || curl(1, "http://127.0.0.1:9/x");
    assert!(allowed(Client::new(&site).ask(line())));
    // The connection is gone, so the command has ended, though nobody said how.
    let until = Instant::now() + PATIENCE;
    let session = loop {
        let listed = site.alice().args(["sessions", "list", "--json"]).output().unwrap();
        let list: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
        if !list["sessions"][0]["exit"].is_null() {
            break list["sessions"][0].clone();
        }
        assert!(Instant::now() < until, "{list:#}");
    };
    assert_eq!(session["exit"], "lost", "{session:#}");
    assert!(!allowed(Client::new(&site).ask(line())));
}

/// The mark of an address under a key.
fn mark(key: &Pseudonyms, email: &str) -> String {
    let sets = ["pii".to_owned()];
    let redactor = Redactor::new(&Settings { sets: &sets, secrets: &[] }).unwrap();
    let mut redactor = redactor.keyed(MarkKey::new(key.0.expose()));
    let mut shown = redactor.push(Raw(format!("{email}\n").into_bytes())).into_vec();
    shown.extend(redactor.end().into_vec());
    String::from_utf8(shown).unwrap()
}

#[test]
fn what_others_were_shown_under_a_key_of_ones_own() {
    let policy =
        r#"@id("read") @mask("pii") permit(principal, action in [Action::"http.get", Action::"file.read"], resource);"#;
    let site = Site::start(policy);
    let people = ["ada@example.com", "bob@example.org", "eve@example.net"];
    let list = site.path("work/people");
    std::fs::write(&list, people.join("\n") + "\n").unwrap();
    let shown = || {
        let done = site.shim("curl").args(["-s", &format!("file://{}", list.display())]).output().unwrap();
        assert!(done.status.success(), "{}", done.stderr.escape_ascii());
        String::from_utf8(done.stdout).unwrap()
    };
    let asked = |number: u128, arguments: &[&str]| {
        let mut invocation = curl(number, "http://127.0.0.1:9/");
        invocation.args.extend(arguments.iter().map(|word| Bytes::from(*word)));
        match Client::new(&site).ask(invocation) {
            Some(FromKeeper::Answer(answer)) => answer.marks,
            _ => panic!("no answer"),
        }
    };
    assert!(asked(1, &["-d", "x"]).is_none(), "a refusal tells no key");
    let ours = asked(2, &[]).unwrap();
    let all = |key: &Pseudonyms| people.map(|email| mark(key, email)).concat();
    assert_eq!(all(&ours), shown(), "the key of this very login");
    // Another signs in.
    site.sign_in(&["login"], "alice");
    let theirs = shown();
    assert_ne!(all(&ours), theirs);
    assert_eq!(all(&asked(3, &[]).unwrap()), theirs);
}

#[test]
fn one_id_for_two_commands() {
    let site = Site::start(PERMIT_ALL);
    assert!(allowed(Client::new(&site).ask(curl(1, "http://127.0.0.1:9/harmless"))));
    assert!(!allowed(Client::new(&site).ask(curl(1, "http://127.0.0.1:9/another"))));
}

#[test]
fn a_parent_of_the_clients_own_choice() {
    let site = Site::start(PERMIT_ALL);
    let mut lie = curl(1, "http://127.0.0.1:9/");
    lie.parent = Some(InvocationId::from_ulid(7));
    assert!(allowed(Client::new(&site).ask(lie)));
    let listed = site.alice().args(["sessions", "list", "--json"]).output().unwrap();
    let list: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert!(list["sessions"][0]["parent"].is_null(), "{list:#}");
}

#[test]
fn a_credential_helper_outside_the_tools_own_processes() {
    let site = lending();
    let mut client = Client::new(&site);
    assert!(allowed(client.ask(curl(1, "http://127.0.0.1:9/x"))));
    client.say(&FromShim::Draw);
    assert!(matches!(client.hear(), Some(FromKeeper::Drawn { .. })));
    // The tool: a shell that runs the helper whenever it is given a line.
    let helper = site.path("lib/portcullis/git-credential-portcullis");
    let script =
        "while read line; do printf 'protocol=http\\nhost=127.0.0.1:9\\npath=x\\n' | \"$0\" get; echo done; done";
    let mut tool = Command::new("sh")
        .args(["-c", script])
        .arg(helper)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let scope = HelperScope { grant: "api".to_owned(), url: "http://127.0.0.1:9/x".to_owned() };
    client.say(&FromShim::Started { pid: tool.id() as i32, helper: Some(scope), role: None });

    let asked = || FromShim::Credential { protocol: "http".into(), host: "127.0.0.1:9".into(), path: "x".into() };
    let mut outside = Client::new(&site);
    outside.say(&asked());
    assert!(!matches!(outside.hear(), Some(FromKeeper::Credential { .. })), "this process is not the tool's child");

    let mut input = tool.stdin.take().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(tool.stdout.take().unwrap()));
    let mut ask_inside = || {
        input.write_all(b"go\n").unwrap();
        lines.by_ref().map(Result::unwrap).take_while(|line| line != "done").collect::<Vec<_>>()
    };
    let first = ask_inside();
    assert!(first.iter().any(|line| line == "password=a-token-q1w2e3r4t5z6"), "{first:?}");
    let second = ask_inside();
    assert!(!second.iter().any(|line| line.starts_with("password=")), "it is answered once");
    drop(input);
    tool.wait().unwrap();
}

#[test]
fn a_credential_helper_that_asks_before_its_tool_is_known() {
    let site = lending();
    let mut client = Client::new(&site);
    assert!(allowed(client.ask(curl(1, "http://127.0.0.1:9/x"))));
    client.say(&FromShim::Draw);
    assert!(matches!(client.hear(), Some(FromKeeper::Drawn { .. })));
    let asks = || {
        let script = "printf 'protocol=http\\nhost=127.0.0.1:9\\npath=x\\n' | \"$0\" get";
        let mut helper = Command::new("sh");
        helper.args(["-c", script]).arg(site.path("lib/portcullis/git-credential-portcullis"));
        helper.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let (mut tool, mut stranger) = (asks(), asks());
    // Both have asked while the keeper knows of no tool, and wait: an answer too early is a no, and ends them here or
    // leaves the tool without its credential below.
    let until = Instant::now() + PATIENCE;
    while connections(&site) < 3 || ![&tool, &stranger].iter().all(|child| waits(child.id())) {
        assert!(Instant::now() < until, "the helpers never came");
        std::thread::yield_now();
    }
    assert!([&mut tool, &mut stranger].iter_mut().all(|child| child.try_wait().unwrap().is_none()));
    let scope = HelperScope { grant: "api".to_owned(), url: "http://127.0.0.1:9/x".to_owned() };
    client.say(&FromShim::Started { pid: tool.id() as i32, helper: Some(scope), role: None });
    let told = |child: std::process::Child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(told(stranger), "", "it runs below the shim, but not below the tool");
    assert!(told(tool).contains("password=a-token-q1w2e3r4t5z6\n"));
}

/// Whether the helper below this shell, which only writes once it is connected, sleeps (proc_pid_stat(5)): it reads.
fn waits(shell: u32) -> bool {
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap_or_default();
    let of = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let stats: Vec<String> = children.split_whitespace().map(of).chain([of(&shell.to_string())]).collect();
    stats.iter().any(|stat| stat.contains("(git-credential-) S "))
}

/// How many the keeper has taken (proc_net_unix(5): state 3 is connected, and only its own ends bear the path).
fn connections(site: &Site) -> usize {
    let path = site.path("run/keeper.sock");
    let table = std::fs::read_to_string("/proc/net/unix").unwrap();
    let ends = table.lines().filter(|line| line.ends_with(path.to_str().unwrap()));
    ends.filter(|line| line.split_whitespace().nth(5) == Some("03")).count()
}

#[test]
fn going_on_as_the_tool_where_policy_wants_a_record() {
    let site = Site::start(PERMIT_ALL);
    let mut client = Client::new(&site);
    assert!(allowed(client.ask(curl(1, "http://127.0.0.1:9/x"))));
    client.say(&FromShim::Becomes { role: None });
    assert!(matches!(client.hear(), Some(FromKeeper::Failed(_))));
    assert!(client.hear().is_none());
    let site = Site::start(r#"@id("all") @record("none") permit(principal, action, resource);"#);
    let mut client = Client::new(&site);
    assert!(allowed(client.ask(curl(1, "http://127.0.0.1:9/x"))));
    client.say(&FromShim::Becomes { role: None });
    assert!(matches!(client.hear(), Some(FromKeeper::Done)));
}

#[test]
fn frames_that_are_no_frames() {
    let site = Site::start(PERMIT_ALL);
    for bytes in [&b"\xff\xff\xff\xff"[..], b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x02{}", b"\x00\x00\x00\x01\xff"] {
        let mut stream = UnixStream::connect(site.path("run/keeper.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(bytes).unwrap();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        while let Ok(Some(answer)) = frames::read::<FromKeeper>(&mut stream) {
            assert!(!matches!(answer, FromKeeper::Answer(_) | FromKeeper::Drawn { .. }));
        }
    }
    // And it still serves everybody else.
    let fine = site.shim("git").arg("--version").output().unwrap();
    assert!(fine.status.success());
}
