//! The play: real commands of an agent, each through every stage of the gate, and what came of it.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::stage::Stage;

type Scene = fn(&Stage) -> Result<()>;

pub fn all(stage: &Stage) -> Result<()> {
    let began = Instant::now();
    let scenes: [(&str, Scene); 8] = [
        ("a clone and a push, with a token that the agent never sees", allowed_push),
        ("a forced push to main is refused before any credential is issued", refused_push),
        ("without the gate the same tool can do nothing", no_credential),
        ("a query runs under a role of its own; e-mails are masked, and cannot be guessed by a WHERE", masked_query),
        ("an API that says too much", leaky_api),
        ("a DROP TABLE on stdin waits for a human, and alice approves", approved_drop),
        ("what the agent saw can be replayed", replay),
        ("the audit log is whole", audit),
    ];
    for (number, (what, scene)) in scenes.iter().enumerate() {
        say!("\n--- {}. {what}", number + 1);
        scene(stage).with_context(|| format!("at \"{what}\""))?;
    }
    say!("\nAll of it in {:.1} s.", began.elapsed().as_secs_f32());
    Ok(())
}

fn allowed_push(stage: &Stage) -> Result<()> {
    agent(stage, "git clone -q \"$GIT_HOST/acme/app.git\" app", "").must_succeed()?;
    let work =
        "cd app && git checkout -q -b feature && echo 'One more line.' >> README && git commit -q -am 'Add a line'";
    agent(stage, work, "").must_succeed()?;
    agent(stage, "cd app && git push -q origin feature", "").must_succeed()?;
    agent(stage, "cd app && git ls-remote --heads origin", "").must_succeed()?.must_say("refs/heads/feature")
}

fn refused_push(stage: &Stage) -> Result<()> {
    let refused = agent(stage, "cd app && git push --force origin feature:main", "");
    refused.must_exit(126)?.must_say("hint: push a branch and open a pull request")
}

fn no_credential(stage: &Stage) -> Result<()> {
    let bare = agent(stage, "cd app && GIT_TERMINAL_PROMPT=0 /usr/bin/git ls-remote origin", "");
    if bare.output.status.success() {
        bail!("git could authenticate without the gate");
    }
    Ok(())
}

fn masked_query(stage: &Stage) -> Result<()> {
    let asked = agent(stage, "psql -c 'SELECT current_user, customer, email FROM orders'", "");
    asked.must_succeed()?.must_say("[masked:")?;
    let guess = agent(stage, "psql -c \"SELECT customer FROM orders WHERE email LIKE 'a%'\"", "");
    guess.must_exit(126)?;
    let role = asked.text().split_whitespace().find(|w| w.starts_with("pc_")).context("the role's name")?.to_owned();
    let question = format!("SELECT count(*) FROM pg_roles WHERE rolname = '{}'", role.replace('\'', "''"));
    // The role is dropped when the keeper's word of the end has reached the server.
    let until = Instant::now() + Duration::from_secs(10);
    while stage.cluster.sql("postgres", &question, &[])? != "0" {
        if Instant::now() > until {
            bail!("the role {role} still exists");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    say!("    the role {role} no longer exists");
    Ok(())
}

fn leaky_api(stage: &Stage) -> Result<()> {
    let got = agent(stage, "curl -sS \"$API/v1/customers\"", "");
    got.must_succeed()?.must_say("[masked:email:")?;
    if got.text().contains("AKIA") || got.text().contains("ada@example.com") {
        bail!("the answer was not masked");
    }
    Ok(())
}

fn approved_drop(stage: &Stage) -> Result<()> {
    say!("$ echo 'DROP TABLE old_orders;' | psql");
    let mut waiting = command(stage, "psql")?;
    let mut child = waiting.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().context("no stdin")?.write_all(b"DROP TABLE old_orders;\n")?;
    let id = pending(stage)?;
    say!("    (meanwhile, as alice)");
    let reason = "old_orders was moved to the archive";
    alice(stage, &["approvals", "show", &id]).must_succeed()?;
    alice(stage, &["approvals", "approve", &id, "--reason", reason]).must_succeed()?;
    let output = child.wait_with_output()?;
    let done = Ran { output };
    done.show();
    done.must_succeed()?.must_say("DROP TABLE")
}

/// The one question that waits.
fn pending(stage: &Stage) -> Result<String> {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let output = as_alice(stage).args(["approvals", "list", "--json"]).output()?;
        if !output.status.success() {
            bail!("approvals list: {}", portcullis::model::visible::line(&output.stderr, 400));
        }
        let list: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        if let Some(id) = list["approvals"].as_array().and_then(|all| all.first()).and_then(|one| one["id"].as_str()) {
            return Ok(id.to_owned());
        }
        if Instant::now() > until {
            bail!("no approval was asked for");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn replay(stage: &Stage) -> Result<()> {
    let output = as_alice(stage).args(["sessions", "list", "--json"]).output()?;
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).context("sessions list")?;
    let all = list["sessions"].as_array().context("sessions")?;
    let query = all
        .iter()
        .find(|s| s["command"].as_str().is_some_and(|c| c.contains("SELECT current_user")))
        .and_then(|s| s["id"].as_str())
        .context("the query's session")?;
    alice(stage, &["sessions", "replay", query, "--speed", "100"]).must_succeed()?.must_say("[masked:email:")
}

fn audit(stage: &Stage) -> Result<()> {
    alice(stage, &["audit", "verify"]).must_succeed().map(|_| ())
}

struct Ran {
    output: Output,
}

impl Ran {
    fn text(&self) -> String {
        let mut both = portcullis::model::visible::text(&self.output.stdout, 20_000);
        both.push_str(&portcullis::model::visible::text(&self.output.stderr, 20_000));
        both
    }

    fn show(&self) {
        for line in self.text().lines() {
            say!("    {line}");
        }
        match self.output.status.code() {
            Some(0) => {}
            Some(code) => say!("    (exit {code})"),
            None => say!("    ({})", self.output.status),
        }
    }

    fn must_succeed(&self) -> Result<&Self> {
        self.must_exit(0)
    }

    fn must_exit(&self, code: i32) -> Result<&Self> {
        if self.output.status.code() != Some(code) {
            bail!("it ended with {}, not with code {code}", self.output.status);
        }
        Ok(self)
    }

    fn must_say(&self, words: &str) -> Result<()> {
        if !self.text().contains(words) {
            bail!("it did not say \"{words}\"");
        }
        Ok(())
    }
}

/// Runs a line of shell as the agent, and shows it as it would look at a prompt.
fn agent(stage: &Stage, line: &str, stdin: &str) -> Ran {
    say!("$ {line}");
    let run = || -> Result<Output> {
        let mut command = command(stage, line)?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("no stdin")?.write_all(stdin.as_bytes())?;
        Ok(child.wait_with_output()?)
    };
    let ran = Ran { output: run().unwrap_or_else(failed_to_start) };
    ran.show();
    ran
}

fn command(stage: &Stage, line: &str) -> Result<Command> {
    let mut words = stage.as_agent();
    words.extend(["sh", "-c", line].map(str::to_owned));
    let (program, arguments) = words.split_first().context("no words")?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(stage.agent()).current_dir(stage.folder.join("agent"));
    Ok(command)
}

fn alice(stage: &Stage, arguments: &[&str]) -> Ran {
    say!("$ portcullis {}", arguments.iter().map(|a| shell_words::quote(a)).collect::<Vec<_>>().join(" "));
    let ran = Ran { output: as_alice(stage).args(arguments).output().unwrap_or_else(|e| failed_to_start(e.into())) };
    ran.show();
    ran
}

fn as_alice(stage: &Stage) -> Command {
    let mut command = Command::new(stage.portcullis());
    command.env_clear().envs(stage.alice()).stdin(Stdio::null());
    command
}

/// What a shell would make of it: words and code 127.
fn failed_to_start(error: anyhow::Error) -> Output {
    use std::os::unix::process::ExitStatusExt;
    Output {
        status: std::process::ExitStatus::from_raw(127 << 8),
        stdout: Vec::new(),
        stderr: format!("{error:#}\n").into_bytes(),
    }
}
