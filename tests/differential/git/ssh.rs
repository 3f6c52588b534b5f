//! What is read of ssh's configuration, held to `ssh -G`, which prints what ssh would go by.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::LazyLock;

use portcullis::model::{Bytes, Content, ContentSource, Digest, Reading};
use portcullis::tools::world::{Kind, Look};
use portcullis::tools::{Limits, Tool, World, by_name};

use super::super::dice::Dice;
use super::{Machine, words};

const CASES: usize = 300;
const HOSTS: &[&str] = &["work", "git.example", "a.git.example", "other", "WORK"];

/// An agent's machine: its file, and one that is included.
struct Home {
    files: BTreeMap<String, String>,
    ssh: Option<&'static str>,
}

impl Home {
    fn of(config: &str) -> Home {
        let files = [
            ("/proc/self/status", "Uid:\t7\t7\t7\t7\n"),
            ("/etc/passwd", "agent:x:7:7::/home/agent:/bin/sh\n"),
            ("/home/agent/.ssh/config", config),
        ];
        Home { files: files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect(), ssh: None }
    }
}

impl World for Home {
    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn file(&self, path: &[u8]) -> Option<Content> {
        let path = std::str::from_utf8(path).unwrap();
        let text = self.files.get(path)?;
        let source = ContentSource::File(path.into());
        Some(Content { source, sha256: Digest::of(text.as_bytes()), bytes: text.as_str().into(), truncated: false })
    }

    fn stdin(&self) -> Option<Content> {
        None
    }

    fn list(&self, _: &[u8]) -> Option<Vec<Bytes>> {
        None
    }

    fn is_file(&self, path: &[u8]) -> bool {
        self.files.contains_key(std::str::from_utf8(path).unwrap())
    }

    fn is_dir(&self, _: &[u8]) -> bool {
        true
    }

    fn program(&self, name: &str) -> Option<Bytes> {
        self.ssh.filter(|_| name == "ssh").map(Bytes::from)
    }

    fn ask_tool(&self, _: &[&[u8]]) -> Option<Vec<u8>> {
        None
    }

    fn home(&self) -> Option<Bytes> {
        None
    }

    fn variable(&self, _: &str) -> Option<Bytes> {
        None
    }

    fn look(&self, path: &[u8]) -> Look {
        match path {
            b"/home/agent/pipe" => Look::There { kind: Kind::Other, device: 1, own: true },
            _ => Look::Nothing,
        }
    }
}

#[test]
fn an_ssh_of_somebodys_own_is_a_program() {
    let machine = Machine::new("git");
    let own = Home { ssh: Some("/home/agent/bin/ssh"), ..Home::of("") };
    assert_eq!(of_ours(&read(&machine, &own, "work")).programs, ["/home/agent/bin/ssh"]);
    let usual = Home { ssh: Some("/usr/bin/ssh"), ..own };
    assert!(of_ours(&read(&machine, &usual, "work")).programs.is_empty());
}

#[test]
fn a_configuration_without_end_is_a_doubt_and_not_all_memory() {
    let machine = Machine::new("git");
    for config in ["Port 22\n".repeat(100_000), format!("ProxyCommand {}\n", "x".repeat(1 << 20))] {
        let reading = read(&machine, &Home::of(&config), "work");
        assert!(has_doubt(&reading, "/home/agent/.ssh/config"), "{:?}", reading.doubts);
    }
}

/// Names by a pattern in a folder that is too full to be listed, a pipe, a home that is not known.
#[test]
fn what_ssh_reads_and_we_cannot_is_a_doubt() {
    let machine = Machine::new("git");
    let doubts = |home: &Home| has_doubt(&read(&machine, home, "work"), "goes on in");
    assert!(doubts(&Home::of("Include /home/agent/many/*\n")));
    assert!(doubts(&Home::of("Include /home/agent/pipe\n")));
    assert!(doubts(&Home::of("Host x\n Include ${HOME}/more\n")));
    assert!(doubts(&Home { files: BTreeMap::new(), ssh: None }));
    assert!(!doubts(&Home::of("Include /home/agent/missing\nPort 1\n")));
}

/// Files of whoever wants to be taken for somebody else.
#[test]
fn no_trick_of_the_file_hides_where_ssh_goes() {
    for trick in [
        "IgnoreUnknown file\nHost never\nfile x\nProxyCommand none\nHost *\nProxyCommand evil",
        "IgnoreUnknown opens,closes\nHost never\ncloses x\nHostName good.example\nHost *\nHostName evil.example",
        "Host work\nHostName git.example\nMatch final all\nHost git.example\nProxyCommand evil",
        "Host work\nHostName git.example\nMatch !final all\nHost git.example\nProxyJump evil.example",
        "ProxyCommand \"none\"",
        "Host work\nHostName GIT.example\nMatch host git.example\nLocalCommand x\nPermitLocalCommand yes",
        "host=work\n\tproxycommand=evil",
    ] {
        compare(trick, "", "work");
    }
}

/// Where releases may differ about the words, either is possible: so it is said.
#[test]
fn words_that_releases_take_apart_otherwise_are_a_doubt() {
    let machine = Machine::new("git");
    for section in ["Host wo\\rk", "Host 'work'", "Host a # work", "Match originalhost wo\"rk\"", "Host \"work"] {
        let config = format!("{section}\nProxyCommand none\nHost *\nProxyCommand evil\n");
        let reading = read(&machine, &Home::of(&config), "work");
        assert!(of_ours(&reading).led && has_doubt(&reading, "proxycommand none"), "{section}: {:?}", reading.doubts);
    }
}

fn has_doubt(reading: &Reading, about: &str) -> bool {
    reading.doubts.iter().any(|doubt| doubt.detail.contains(about))
}

#[test]
fn ssh_goes_where_its_configuration_was_read_to_lead() {
    let mut dice = Dice::new(7);
    let mut led = 0;
    for _ in 0..CASES {
        let included = text(&mut dice, None);
        let config = text(&mut dice, Some("@MORE@"));
        for host in HOSTS {
            led += usize::from(compare(&config, &included, host).led);
        }
    }
    assert!(led > CASES / 4, "only {led}");
}

/// What ssh says of a host, which must be what was read.
fn compare(config: &str, included: &str, host: &str) -> Goes {
    static MACHINE: LazyLock<Machine> = LazyLock::new(|| Machine::new("git"));
    let folder = tempfile::tempdir().unwrap();
    let (own, more) = (folder.path().join("config"), folder.path().join("more"));
    let config = config.replace("@MORE@", more.to_str().unwrap());
    std::fs::write(&own, &config).unwrap();
    std::fs::write(&more, included).unwrap();
    let mut home = Home::of(&config);
    home.files.insert(more.display().to_string(), included.to_owned());
    let output = Command::new("ssh").arg("-G").arg("-F").arg(&own).arg(host).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{config}\n--\n{included}\n{error}");
    let said = of_ssh(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(of_ours(&read(&MACHINE, &home, host)), said, "{host}\n{config}\n--\n{included}");
    said
}

/// A few sections, each with a few settings.
fn text(dice: &mut Dice, more: Option<&str>) -> String {
    let mut text = String::new();
    if more.is_some() {
        text += "IgnoreUnknown file,opens,closes\n";
    }
    for _ in 0..1 + dice.below(5) {
        let pattern =
            dice.pick(&["work", "*", "*.example", "git.example other", "* !work", "?ork", "GIT.example", "\"other\""]);
        let list = dice.pick(&["work", "*", "*.example", "*.example,!git.example", "new.example"]);
        let section = match dice.below(8) {
            0..3 => format!("Host {pattern}"),
            3 => format!("Match originalhost {list}"),
            4 => format!("Match host {list}"),
            5 => format!("Match !host {list} originalhost *"),
            6 => {
                (*dice.pick(&["Match final all", "Match final host new.example", "Match canonical originalhost work"]))
                    .to_owned()
            }
            _ => "match all".to_owned(),
        };
        text += &section;
        text.push('\n');
        for _ in 0..dice.below(4) {
            let setting = dice.pick(&[
                "HostName new.example",
                "hostname=%h.git.example",
                "HostName   \"quoted.example\"",
                "Port 2222",
                "Port = 22",
                "ProxyCommand nc %h %p",
                "ProxyCommand none",
                "ProxyJump hop.example",
                "ProxyJump none",
                "LocalCommand touch x",
                "PermitLocalCommand yes",
                "PermitLocalCommand no",
                "KnownHostsCommand /bin/keys %H",
                "User git",
                "# Port 1",
                "ProxyCommand None",
                "ProxyCommand \"none\"",
                // What our own marks could be taken for.
                "file x",
                "closes x",
                "opens x",
            ]);
            text += &format!("  {setting}\n");
        }
        if let Some(more) = more.filter(|_| dice.below(3) == 0) {
            text += &format!("  Include {more}\n");
        }
    }
    text
}

#[derive(Debug, PartialEq, Eq)]
struct Goes {
    place: String,
    programs: Vec<String>,
    led: bool,
}

fn of_ssh(said: &str) -> Goes {
    let get = |name: &str| {
        said.lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(key, value)| *key == name && !value.eq_ignore_ascii_case("none"))
            .map(|(_, value)| value)
    };
    let local = get("localcommand").filter(|_| get("permitlocalcommand") == Some("yes"));
    let programs = [get("proxycommand"), local, get("knownhostscommand")].into_iter().flatten().map(str::to_owned);
    let place = match (get("hostname").unwrap(), get("port").unwrap()) {
        (host, "22") => host.to_owned(),
        (host, port) => format!("{host}:{port}"),
    };
    Goes { place, programs: programs.collect(), led: get("proxycommand").or(get("proxyjump")).is_some() }
}

fn of_ours(reading: &Reading) -> Goes {
    let fetch = reading.operations.iter().find(|operation| operation.action == "git.fetch").unwrap();
    let programs = reading.operations.iter().filter(|operation| operation.action == "program.run");
    Goes {
        place: fetch.resource.attributes["host"].as_str().unwrap().to_owned(),
        programs: programs.map(|operation| operation.resource.id.clone()).collect(),
        led: fetch.context.contains_key("connect"),
    }
}

fn read(machine: &Machine, home: &Home, host: &str) -> Reading {
    let git: &dyn Tool = by_name("git").unwrap();
    let invocation = machine.invocation(git, &words(&format!("ls-remote {host}:app")));
    let facts = git.gather(&invocation, home);
    git.read(&invocation, &facts)
}
