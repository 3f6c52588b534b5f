//! A real API server with an etcd of its own, one a run: its audit log says each call as authorization sees it.
//!
//! Both end with this process: they have a pipe as standard input whose other end we hold, and a shell that waits on it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;

/// Of the administrator, whom everything is allowed.
pub const TOKEN: &str = "administrator-of-this-run";

/// How long a program may take to get ready, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct ApiServer {
    pub port: u16,
    pub folder: PathBuf,
    log: Arc<Mutex<Log>>,
    _shell: Child,
}

/// The audit log: a pipe that is read without waiting, and what came out of it.
struct Log {
    pipe: fs::File,
    unread: Vec<u8>,
    requests: BTreeMap<String, Request>,
    order: Vec<String>,
}

/// One request, as the audit log has it.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub verb: String,
    pub uri: String,
    pub resource: String,
    pub subresource: String,
    pub name: String,
    pub namespace: String,
    /// Whom it was to act as: user, groups, uid.
    pub acting: Option<(String, Vec<String>, String)>,
    pub code: Option<u64>,
    answered: bool,
}

/// The server of this run; `None`, said once, where it cannot be had.
pub fn server() -> Option<&'static ApiServer> {
    static SERVER: OnceLock<Option<ApiServer>> = OnceLock::new();
    SERVER
        .get_or_init(|| match program() {
            Ok(program) => Some(start(&program)),
            Err(why) => {
                eprintln!("skipped: kubectl against a real API server: {why}");
                None
            }
        })
        .as_ref()
}

/// A ready one (`KUBEBUILDER_ASSETS`), or the one that tests/run.sh built.
fn program() -> Result<PathBuf, String> {
    for proof in ["etcd", "kubectl", "strace", "openssl"] {
        let found =
            std::env::var("PATH").unwrap_or_default().split(':').any(|folder| Path::new(folder).join(proof).exists());
        if !found {
            return Err(format!("there is no {proof}"));
        }
    }
    if let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS") {
        return Ok(Path::new(&assets).join("kube-apiserver"));
    }
    let cache = match std::env::var_os("PORTCULLIS_TEST_CACHE") {
        Some(cache) => PathBuf::from(cache),
        None => Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cache/portcullis-tests"),
    };
    let mut built: Vec<PathBuf> = fs::read_dir(&cache)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("kube-apiserver-1.")))
        .filter(|path| path.extension().is_none_or(|ending| ending != "part"))
        .collect();
    built.sort();
    if let Some(program) = built.pop() {
        return Ok(program);
    }
    Err("it is not built; tests/run.sh builds it".to_owned())
}

const POLICY: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";

/// etcd, keys, the server. Loopback only.
const SCRIPT: &str = r#"
cd "$1" || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -days 2 \
    -subj /CN=test-ca >/dev/null 2>&1 || exit 1
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout server.key -out server.csr -subj /CN=apiserver >/dev/null 2>&1
printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >san
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem >/dev/null 2>&1 || exit 1
openssl genrsa -out accounts.key 2048 >/dev/null 2>&1 || exit 1
etcd --data-dir etcd --listen-client-urls "http://127.0.0.1:$4" --advertise-client-urls "http://127.0.0.1:$4" \
    --listen-peer-urls http://127.0.0.1:0 --unsafe-no-fsync >etcd.log 2>&1 &
etcd=$!
"$2" --etcd-servers="http://127.0.0.1:$4" --bind-address=127.0.0.1 --secure-port="$3" --advertise-address=127.0.0.1 \
    --tls-cert-file=server.pem --tls-private-key-file=server.key --cert-dir=. \
    --token-auth-file=tokens.csv --authorization-mode="$5" \
    --service-account-issuer=https://127.0.0.1 --service-account-key-file=accounts.key \
    --service-account-signing-key-file=accounts.key --service-cluster-ip-range=10.0.0.0/24 \
    --disable-admission-plugins=ServiceAccount --endpoint-reconciler-type=none \
    --audit-policy-file=policy.yaml --audit-log-path=- --audit-log-mode=blocking \
    --max-requests-inflight=400 --watch-cache=false 2>apiserver.log &
server=$!
read -r _
kill "$server" "$etcd"
wait
cd / && rm -rf "$1"
"#;

fn start(program: &Path) -> ApiServer {
    let folder = std::env::temp_dir().join(format!("portcullis-apiserver-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("policy.yaml"), POLICY).unwrap();
    fs::write(folder.join("tokens.csv"), format!("{TOKEN},administrator,1,system:masters\n")).unwrap();
    let free = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (one, other) = (free(), free());
    let (port, etcd) = (one.local_addr().unwrap().port(), other.local_addr().unwrap().port());
    drop((one, other));
    let mut command = Command::new("sh");
    command
        .args(["-c", SCRIPT, "sh"])
        .arg(&folder)
        .arg(program)
        .arg(port.to_string())
        .arg(etcd.to_string())
        .arg("AlwaysAllow");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut shell = command.spawn().unwrap();
    let pipe = fs::File::from(OwnedFd::from(shell.stdout.take().unwrap()));
    rustix::io::ioctl_fionbio(&pipe, true).unwrap();
    let log = Log { pipe, unread: Vec::new(), requests: BTreeMap::new(), order: Vec::new() };
    let log = Arc::new(Mutex::new(log));
    let server = ApiServer { port, folder, log: Arc::clone(&log), _shell: shell };
    // Someone must always read: the server waits for its log.
    std::thread::spawn(move || {
        let pipe = log.lock().unwrap().pipe.try_clone().unwrap();
        while wait(&pipe) {
            log.lock().unwrap().take();
        }
    });
    server.ready();
    server
}

/// Until the log goes on, or for a while; false where it has ended.
fn wait(pipe: &fs::File) -> bool {
    let mut wanted = [PollFd::new(pipe, PollFlags::IN)];
    poll(&mut wanted, Some(&Timespec { tv_sec: 1, tv_nsec: 0 })).unwrap();
    !wanted[0].revents().contains(PollFlags::HUP)
}

impl ApiServer {
    pub fn address(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// kubectl as the administrator, from outside of every line's world.
    pub fn kubectl(&self, args: &[&str]) -> std::process::Output {
        let mut command = Command::new("kubectl");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &self.folder);
        command.args(["--server", &self.address(), "--token", TOKEN, "--certificate-authority"]).arg(self.ca());
        command.args(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Ready when it says so and its first namespaces are there.
    fn ready(&self) {
        let until = Instant::now() + PATIENCE;
        loop {
            let output = self.kubectl(&["get", "namespace", "default", "kube-system", "-o", "name"]);
            if output.status.success() {
                return;
            }
            let log = || fs::read_to_string(self.folder.join("apiserver.log")).unwrap_or_default();
            assert!(Instant::now() < until, "the API server does not start: {}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Every request since the last time, in order; all of them were answered. Blocking audit writes a request down
    /// before it is served, so those of a client that has ended are in the pipe.
    pub fn requests(&self) -> Vec<Request> {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut log = self.log.lock().unwrap();
            log.take();
            if log.requests.values().all(|request| request.answered) {
                let order = std::mem::take(&mut log.order);
                let mut requests = std::mem::take(&mut log.requests);
                return order.iter().filter_map(|id| requests.remove(id)).collect();
            }
            assert!(Instant::now() < until, "requests stay without answer: {:?}", log.requests);
            let pipe = log.pipe.try_clone().unwrap();
            drop(log);
            wait(&pipe);
        }
    }
}

impl Log {
    fn take(&mut self) {
        let mut chunk = [0; 1 << 16];
        while let Ok(n @ 1..) = self.pipe.read(&mut chunk) {
            self.unread.extend_from_slice(&chunk[..n]);
        }
        let end = self.unread.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole: Vec<u8> = self.unread.drain(..end).collect();
        for line in whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Ok(event) = serde_json::from_slice::<Value>(line) {
                self.note(&event);
            }
        }
    }

    /// One stage of a request: a name that the client left to its body is known only later.
    fn note(&mut self, event: &Value) {
        let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = text("/auditID");
        // The server asks itself, too.
        if id.is_empty() || text("/userAgent").starts_with("apiserver/") || text("/user/username") == "system:apiserver"
        {
            return;
        }
        let stage = text("/stage");
        if !self.requests.contains_key(&id) {
            if stage != "RequestReceived" {
                return;
            }
            self.order.push(id.clone());
        }
        let request = self.requests.entry(id).or_default();
        request.verb = text("/verb");
        request.uri = text("/requestURI");
        request.resource = text("/objectRef/resource");
        request.subresource = text("/objectRef/subresource");
        for (field, path) in [(&mut request.name, "/objectRef/name"), (&mut request.namespace, "/objectRef/namespace")]
        {
            let value = text(path);
            if !value.is_empty() {
                *field = value;
            }
        }
        if let Some(acting) = event.get("impersonatedUser") {
            let groups = acting["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
            let word = |key: &str| acting[key].as_str().unwrap_or_default().to_owned();
            request.acting = Some((word("username"), groups.collect(), word("uid")));
        }
        request.code = event.pointer("/responseStatus/code").and_then(Value::as_u64).or(request.code);
        let lasting = request.verb == "watch"
            || matches!(request.subresource.as_str(), "exec" | "attach" | "portforward" | "log");
        request.answered |= matches!(stage.as_str(), "ResponseComplete" | "Panic") || lasting;
    }
}
