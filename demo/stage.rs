//! Sets the stage: folders, tokens, the world, PostgreSQL, server, keeper, and the two logins.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::browser::Browser;
use crate::postgres::{Cluster, is_root};
use crate::processes::Processes;

/// Without root the agent is whoever runs the demo; as root it is nobody (65534 in Debian).
const NOBODY: u32 = 65534;
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Stage {
    pub prefix: PathBuf,
    /// Everything that belongs to this run and is removed by `stop`.
    pub folder: PathBuf,
    pub git_port: u16,
    pub api_port: u16,
    pub cluster: Cluster,
    pub server: String,
    pub ca: PathBuf,
}

pub fn set(prefix: &Path) -> Result<Stage> {
    let folder = prefix.join("demo");
    let began = Instant::now();
    folders(prefix, &folder).context("setting up folders")?;
    let mut processes = Processes::open(&folder)?;
    step("a git host and an HTTP API, which want tokens");
    let tokens = tokens(&folder)?;
    let (git_port, api_port) = world(prefix, &folder, &mut processes)?;
    step("a PostgreSQL cluster with a shop in it");
    let issuer = secret()?;
    private(&folder.join("secrets/issuer"), &issuer)?;
    let cluster = Cluster::start(&folder.join("postgres"), &log(&folder, "postgres"), &issuer, &mut processes)?;
    step("the policy server, in its development mode");
    configure(&folder, git_port, api_port, &cluster, &tokens)?;
    let server = server(prefix, &folder, &mut processes)?;
    let ca = folder.join("ca.pem");
    fs::copy(folder.join("server/ca.pem"), &ca).context("the server's certificate authority")?;
    step("the keeper, which holds the agent's login");
    keeper(prefix, &folder, &server, &ca, &mut processes)?;
    let stage = Stage { prefix: prefix.to_owned(), folder, git_port, api_port, cluster, server, ca };
    step("two logins by the device flow: the agent's in the keeper, and alice's, who may approve");
    stage.sign_in(&["login"], "agent", &stage.admin())?;
    stage.sign_in(
        &["login", "--self", "--server", &stage.server, "--ca", text(&stage.ca)?],
        "alice",
        &stage.alice(),
    )?;
    say!("    ready after {:.1} s", began.elapsed().as_secs_f32());
    Ok(stage)
}

/// Ends what runs and removes the folder. False when there was nothing.
pub fn stop(prefix: &Path) -> Result<bool> {
    let folder = prefix.join("demo");
    if !folder.exists() {
        return Ok(false);
    }
    let mut processes = Processes::open(&folder)?;
    let was_running = processes.running();
    processes.stop()?;
    fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    // The keeper's login and spool belong to the demo's server, which is gone.
    for entry in fs::read_dir(prefix.join("var/portcullis")).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
    }
    match fs::remove_file(prefix.join("env")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("env cannot be removed"),
        _ => Ok(was_running),
    }
}

/// Copies the logs out of the folder that `stop` removes.
pub fn save_logs(prefix: &Path) -> PathBuf {
    let kept = prefix.join("demo-logs");
    let _ = fs::remove_dir_all(&kept);
    if let (Ok(()), Ok(logs)) = (fs::create_dir_all(&kept), fs::read_dir(prefix.join("demo/logs"))) {
        for entry in logs.flatten() {
            let _ = fs::copy(entry.path(), kept.join(entry.file_name()));
        }
    }
    kept
}

impl Stage {
    /// The environment of the agent: shims first on PATH, and no credential anywhere.
    pub fn agent(&self) -> Vec<(String, String)> {
        let shims = self.prefix.join("lib/portcullis/shims");
        let home = self.folder.join("agent");
        [
            ("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", shims.display())),
            ("HOME", home.display().to_string()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", std::env::var("TERM").unwrap_or_else(|_| "dumb".to_owned())),
            ("GIT_HOST", format!("http://127.0.0.1:{}", self.git_port)),
            ("API", format!("http://127.0.0.1:{}", self.api_port)),
            ("PGHOST", "127.0.0.1".to_owned()),
            ("PGPORT", self.cluster.port.to_string()),
            ("PGDATABASE", "shop".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// The environment in which alice approves.
    pub fn alice(&self) -> Vec<(String, String)> {
        self.person("alice")
    }

    fn admin(&self) -> Vec<(String, String)> {
        self.person("admin")
    }

    fn person(&self, name: &str) -> Vec<(String, String)> {
        let home = self.folder.join(name);
        [
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("HOME", home.display().to_string()),
            ("LANG", "C.UTF-8".into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    pub fn portcullis(&self) -> PathBuf {
        self.prefix.join("bin/portcullis")
    }

    /// Words before a command that make it the agent's.
    pub fn as_agent(&self) -> Vec<String> {
        if is_root() {
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"].map(str::to_owned).to_vec()
        } else {
            Vec::new()
        }
    }

    /// Runs `portcullis login …`, reads the address it prints, and confirms there as `who`.
    fn sign_in(&self, arguments: &[&str], who: &str, environment: &[(String, String)]) -> Result<()> {
        let mut child = std::process::Command::new(self.portcullis())
            .args(arguments)
            .env_clear()
            .envs(environment.iter().cloned())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .context("portcullis login does not start")?;
        let lines = lines_of(&mut child)?;
        let mut said = String::new();
        let address = loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    said.push_str(&line);
                    said.push('\n');
                    let found = line.split_whitespace().find(|w| w.starts_with("https://") && w.contains("user_code="));
                    if let Some(address) = found {
                        break address.to_owned();
                    }
                }
                Err(_) => bail!("portcullis login named no address: {}", said.trim()),
            }
        };
        Browser::new(&self.ca)?.confirm_device(&address, who).with_context(|| format!("signing in as {who}"))?;
        let status = child.wait()?;
        if !status.success() {
            let rest: Vec<String> = lines.try_iter().collect();
            bail!("portcullis login failed: {}{}", said, rest.join("\n"));
        }
        Ok(())
    }

    /// `PREFIX/env`, to be sourced.
    pub fn write_env(&self) -> Result<()> {
        let mut out = String::from("# The demo's environment: . this file, then use git, psql and curl.\n");
        for (name, value) in
            self.agent().iter().filter(|(name, _)| !["TERM", "LANG", "HOME", "PATH"].contains(&name.as_str()))
        {
            out.push_str(&format!("export {name}='{value}'\n"));
        }
        let prefix = self.prefix.display();
        out.push_str(&format!("export PATH='{prefix}/lib/portcullis/shims:{prefix}/bin':\"$PATH\"\n"));
        fs::write(self.prefix.join("env"), out).context("env cannot be written")
    }

    pub fn say_what_is_left(&self) {
        let prefix = self.prefix.display();
        say!("\nIt stays up. In a shell of yours:");
        say!("    . {prefix}/env");
        say!(
            "    git clone \"$GIT_HOST/acme/app.git\" && psql -c 'SELECT * FROM orders' && curl \"$API/v1/customers\""
        );
        say!("Pages (the certificate is the demo's own, so the browser will warn; sign in as alice):");
        say!("    {}/approvals   {}/sessions", self.server, self.server);
        say!("To approve in a terminal:");
        say!("    HOME={} {prefix}/bin/portcullis approvals list", self.folder.join("alice").display());
        say!("To end it:");
        say!("    {prefix}/bin/portcullis demo stop");
    }
}

fn step(what: &str) {
    say!("==> {what}");
}

fn log(folder: &Path, name: &str) -> PathBuf {
    folder.join("logs").join(name)
}

fn folders(prefix: &Path, folder: &Path) -> Result<()> {
    for name in ["", "logs", "secrets", "repositories", "server", "policy", "agent", "alice", "admin"] {
        fs::create_dir_all(folder.join(name))?;
    }
    // The agent goes through to its own folder and reads nothing else.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
    for name in ["secrets", "repositories", "server", "alice", "admin"] {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o700))?;
    }
    fs::write(folder.join("policy/policy.cedar"), include_str!("policy/policy.cedar"))?;
    fs::write(folder.join("policy/masks.toml"), include_str!("policy/masks.toml"))?;
    if is_root() {
        chown(folder.join("agent"), Some(NOBODY), Some(NOBODY))?;
    }
    fs::write(
        folder.join("agent/.gitconfig"),
        // The empty helper keeps this machine's own credential helpers out of the demo.
        "[user]\n\tname = Agent\n\temail = agent@example.com\n[init]\n\tdefaultBranch = main\n[credential]\n\thelper =\n",
    )?;
    let state = prefix.join("var/portcullis");
    fs::create_dir_all(&state)?;
    fs::create_dir_all(prefix.join("run"))?;
    Ok(())
}

/// 128 random bits in hexadecimal.
fn secret() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("no randomness")?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

fn private(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(())
}

struct Tokens {
    git: PathBuf,
    api: PathBuf,
}

fn tokens(folder: &Path) -> Result<Tokens> {
    let secrets = folder.join("secrets");
    let (git, api) = (secret()?, secret()?);
    private(&secrets.join("world"), &format!("{git}\n{api}\n"))?;
    private(&secrets.join("git"), &git)?;
    private(&secrets.join("api"), &api)?;
    Ok(Tokens { git: secrets.join("git"), api: secrets.join("api") })
}

fn world(prefix: &Path, folder: &Path, processes: &mut Processes) -> Result<(u16, u16)> {
    let repositories = folder.join("repositories");
    seed(&repositories).context("making the repository")?;
    let program = prefix.join("lib/portcullis/portcullis-demo");
    let tokens = folder.join("secrets/world");
    let words = [text(&program)?, "world", "--repositories", text(&repositories)?, "--tokens", text(&tokens)?];
    let log = log(folder, "world");
    processes.start("the git host and the API", "TERM", &words, &log)?;
    let ports = || -> Option<(u16, u16)> {
        let said = fs::read_to_string(&log).ok()?;
        match said.lines().next()?.split(' ').collect::<Vec<_>>()[..] {
            ["git", git, "api", api] => git.parse().ok().zip(api.parse().ok()),
            _ => None,
        }
    };
    wait_for("the git host", &log, || ports().is_some())?;
    ports().context("the git host's ports")
}

/// `acme/app.git` with one commit on main.
fn seed(repositories: &Path) -> Result<()> {
    let bare = repositories.join("acme/app.git");
    let work = repositories.join("seed");
    let git = |folder: &Path, arguments: &[&str]| -> Result<()> {
        let output = std::process::Command::new("git")
            .current_dir(folder)
            .args(["-c", "user.name=Demo", "-c", "user.email=demo@example.com", "-c", "init.defaultBranch=main"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .context("git does not start")?;
        if !output.status.success() {
            bail!("git {}: {}", arguments.join(" "), portcullis::model::visible::line(&output.stderr, 400));
        }
        Ok(())
    };
    fs::create_dir_all(&work)?;
    git(repositories, &["init", "-q", "--bare", text(&bare)?])?;
    git(&bare, &["config", "http.receivepack", "true"])?;
    git(&work, &["init", "-q"])?;
    fs::write(work.join("README"), "The app.\n")?;
    git(&work, &["add", "."])?;
    git(&work, &["commit", "-q", "-m", "First"])?;
    git(&work, &["push", "-q", text(&bare)?, "main"])?;
    fs::remove_dir_all(&work)?;
    Ok(())
}

fn configure(folder: &Path, git_port: u16, api_port: u16, cluster: &Cluster, tokens: &Tokens) -> Result<()> {
    let config = format!(
        r#"# The demo's credentials. The agent is lent them one command at a time, and never sees these files.

[[credential]]
name = "git-host"
kind = "token"
url = "http://127.0.0.1:{git_port}/"
username = "portcullis"
token_file = "{git}"

[[credential]]
name = "api"
kind = "token"
url = "http://127.0.0.1:{api_port}/"
token_file = "{api}"

[[credential]]
name = "shop"
kind = "postgres"
host = "127.0.0.1"
port = {pg_port}
database = "shop"
role = "portcullis_issuer"
password_file = "{issuer}"
"#,
        git = tokens.git.display(),
        api = tokens.api.display(),
        pg_port = cluster.port,
        issuer = folder.join("secrets/issuer").display(),
    );
    fs::write(folder.join("server.toml"), config).context("server.toml cannot be written")
}

fn server(prefix: &Path, folder: &Path, processes: &mut Processes) -> Result<String> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let listen = format!("127.0.0.1:{port}");
    let program = prefix.join("bin/portcullis-server");
    let (config, data, policy) = (folder.join("server.toml"), folder.join("server"), folder.join("policy"));
    let words = [
        text(&program)?,
        "--dev",
        "--listen",
        &listen,
        "--data",
        text(&data)?,
        "--config",
        text(&config)?,
        "--policy",
        text(&policy)?,
    ];
    processes.start("the server", "TERM", &words, &log(folder, "server"))?;
    let address = format!("https://{listen}");
    let ca = data.join("ca.pem");
    wait_for("the server", &log(folder, "server"), || {
        ca.exists() && Browser::new(&ca).is_ok_and(|b| b.answers(&format!("{address}/readyz")))
    })?;
    Ok(address)
}

fn keeper(prefix: &Path, folder: &Path, server: &str, ca: &Path, processes: &mut Processes) -> Result<()> {
    let config = prefix.join("etc/portcullis/keeper.toml");
    let socket = prefix.join("run/keeper.sock");
    let text_of_config = format!(
        "server = \"{server}\"\nca = \"{}\"\nsocket = \"{}\"\nstate = \"{}\"\n",
        ca.display(),
        socket.display(),
        prefix.join("var/portcullis").display()
    );
    fs::write(&config, text_of_config).context("keeper.toml cannot be written")?;
    let program = prefix.join("bin/portcullis");
    let mut words: Vec<&str> = Vec::new();
    if is_root() {
        words.extend(["setpriv", "--reuid", "portcullis", "--regid", "portcullis", "--init-groups"]);
    }
    words.extend([text(&program)?, "keeper", "--config", text(&config)?]);
    processes.start("the keeper", "TERM", &words, &log(folder, "keeper"))?;
    wait_for("the keeper", &log(folder, "keeper"), || std::os::unix::net::UnixStream::connect(&socket).is_ok())
}

fn wait_for(what: &str, log: &Path, ready: impl Fn() -> bool) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while !ready() {
        if Instant::now() > until {
            let said = fs::read(log).unwrap_or_default();
            let tail = &said[said.len().saturating_sub(600)..];
            bail!("{what} does not answer; it said: {}", portcullis::model::visible::text(tail, 600).trim());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Lines of the child's standard output (and error, where it is a pipe), as they come.
fn lines_of(child: &mut Child) -> Result<mpsc::Receiver<String>> {
    let (send, receive) = mpsc::channel();
    let out: Box<dyn std::io::Read + Send> = Box::new(child.stdout.take().context("no stdout")?);
    let err = child.stderr.take().map(|e| Box::new(e) as Box<dyn std::io::Read + Send>);
    for stream in std::iter::once(out).chain(err) {
        let send = send.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(|line| line.ok()) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
    }
    Ok(receive)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
