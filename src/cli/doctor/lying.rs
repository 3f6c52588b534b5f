//! Credentials that lie around where the agent's user can read them: the files and variables that the four tools, and
//! what they start, look into on their own.

use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::env;
use crate::model::visible;

/// One credential, and the tools it would serve.
pub struct Lying {
    pub seen: String,
    pub tools: &'static [&'static str],
    /// The variable that names it, where one does.
    pub by: Option<&'static str>,
}

impl Lying {
    pub fn new(seen: String, tools: &'static [&'static str]) -> Self {
        Lying { seen, tools, by: None }
    }

    pub fn serves(&self, tool: &str) -> bool {
        self.tools.contains(&tool)
    }
}

/// Files below the home folder. A marker is text that only a file with a credential in it holds; without one any
/// content counts.
const FILES: &[(&str, &[&str], &[&str])] = &[
    (".pgpass", &["psql"], &[]),
    (".pg_service.conf", &["psql"], &["password"]),
    (".netrc", &["git", "curl"], &["password"]),
    (".curlrc", &["curl"], &["user", "oauth2-bearer", "uthorization", "cert", "key"]),
    (".git-credentials", &["git"], &[]),
    (".config/git/credentials", &["git"], &[]),
    (".config/gh/hosts.yml", &["git"], &["oauth_token"]),
    (".kube/config", &["kubectl"], KUBECONFIG),
    (".aws/credentials", AWS, &["aws_secret_access_key"]),
    (".aws/sso/cache", AWS, &[]),
    (".config/gcloud/application_default_credentials.json", AWS, &[]),
    (".config/gcloud/credentials.db", AWS, &[]),
    (".azure/msal_token_cache.json", AWS, &[]),
    (".docker/config.json", &["curl"], &["\"auth\"", "\"identitytoken\""]),
    (".npmrc", &["curl"], &["_authToken", "_password", "_auth="]),
    (".pypirc", &["curl"], &["password"]),
    (".cargo/credentials.toml", &["curl"], &["token"]),
    (".config/glab-cli/config.yml", &["git"], &["token:"]),
    (".vault-token", &["curl"], &[]),
    (".ssh/id_rsa", &["git"], &[]),
    (".ssh/id_ecdsa", &["git"], &[]),
    (".ssh/id_ed25519", &["git"], &[]),
];

const AWS: &[&str] = &["kubectl", "curl"];

const KUBECONFIG: &[&str] = &["token", "client-key", "password:", "exec:", "auth-provider:"];

/// Files at one place for everybody in a container.
const FIXED: &[(&str, &[&str])] = &[
    ("/var/run/secrets/kubernetes.io/serviceaccount/token", &["kubectl", "curl"]),
    ("/root/.pgpass", &["psql"]),
    ("/etc/git-credentials", &["git"]),
];

/// Variables whose value is a credential.
pub const VARIABLES: &[(&str, &[&str])] = &[
    ("PGPASSWORD", &["psql"]),
    ("GITHUB_TOKEN", &["git", "curl"]),
    ("GH_TOKEN", &["git", "curl"]),
    ("GITLAB_TOKEN", &["git", "curl"]),
    ("CI_JOB_TOKEN", &["git", "curl"]),
    ("AWS_SECRET_ACCESS_KEY", &["kubectl", "curl"]),
    ("GIT_ASKPASS", &["git"]),
    ("KUBE_TOKEN", &["kubectl"]),
];

/// A variable that names a file, or a folder of one, which then counts like the one below the home folder.
pub struct Naming {
    pub variable: &'static str,
    /// Below what it names; nothing where it names the file itself.
    below: &'static str,
    tools: &'static [&'static str],
    markers: &'static [&'static str],
}

const fn naming(
    variable: &'static str,
    below: &'static str,
    tools: &'static [&'static str],
    markers: &'static [&'static str],
) -> Naming {
    Naming { variable, below, tools, markers }
}

pub const NAMING: &[Naming] = &[
    naming("PGPASSFILE", "", &["psql"], &[]),
    naming("PGSERVICEFILE", "", &["psql"], &["password"]),
    naming("KUBECONFIG", "", &["kubectl"], KUBECONFIG),
    naming("CURL_HOME", ".curlrc", &["curl"], &["user", "oauth2-bearer", "uthorization", "cert", "key"]),
    naming("NETRC", "", &["git", "curl"], &["password"]),
    naming("XDG_CONFIG_HOME", "git/credentials", &["git"], &[]),
    naming("AWS_SHARED_CREDENTIALS_FILE", "", AWS, &["aws_secret_access_key"]),
    naming("GOOGLE_APPLICATION_CREDENTIALS", "", AWS, &[]),
    naming("DOCKER_CONFIG", "config.json", &["curl"], &["\"auth\"", "\"identitytoken\""]),
    naming("NPM_CONFIG_USERCONFIG", "", &["curl"], &["_authToken", "_password", "_auth="]),
];

/// Everything that is found, in a fixed order. Values are never shown.
pub fn look() -> Vec<Lying> {
    let mut found = Vec::new();
    let homes = [env::home().map(PathBuf::from), own_home()];
    for home in homes.into_iter().flatten() {
        for (name, tools, markers) in FILES {
            file(&mut found, home.join(name), tools, markers, None);
        }
    }
    for (path, tools) in FIXED {
        file(&mut found, PathBuf::from(path), tools, &[], None);
    }
    for Naming { variable, below, tools, markers } in NAMING {
        for path in env::raw(variable).iter().flat_map(std::env::split_paths) {
            let path = if below.is_empty() { path } else { path.join(below) };
            file(&mut found, path, tools, markers, Some(variable));
        }
    }
    for (variable, tools) in VARIABLES {
        if env::raw(variable).is_some_and(|value| !value.is_empty()) {
            found.push(Lying::new(format!("the variable {variable}"), tools));
        }
    }
    agent(&mut found);
    found
}

/// What passwd(5) says, whatever HOME is.
fn own_home() -> Option<PathBuf> {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let text = fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (*fields.get(2)? == uid).then(|| fields.get(5).map(PathBuf::from))?
    })
}

/// The most that is read of a file in search of a marker.
const MOST: u64 = 1 << 20;

fn file(
    found: &mut Vec<Lying>,
    path: PathBuf,
    tools: &'static [&'static str],
    markers: &[&str],
    by: Option<&'static str>,
) {
    let Some(bytes) = beginning(&path) else { return };
    let holds = |marker: &&str| memchr::memmem::find(&bytes, marker.as_bytes()).is_some();
    let counts = if markers.is_empty() { !bytes.trim_ascii().is_empty() } else { markers.iter().any(holds) };
    let seen = visible::line(path.as_os_str().as_bytes(), 200);
    let seen = by.map_or_else(|| seen.clone(), |by| format!("{seen} (by {by})"));
    if counts && !found.iter().any(|lying| lying.seen == seen) {
        found.push(Lying { seen, tools, by });
    }
}

/// Never waits: what is named may be a pipe, or a device that has no end.
fn beginning(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    if fs::metadata(path).ok()?.is_dir() {
        // One with files in it stands for them.
        return Some(fs::read_dir(path).ok()?.flatten().next()?.file_name().into_vec());
    }
    let flags = i32::try_from((rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY).bits()).ok()?;
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    file.take(MOST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A running ssh-agent signs for whoever reaches its socket.
fn agent(found: &mut Vec<Lying>) {
    let socket = env::raw("SSH_AUTH_SOCK").map(PathBuf::from);
    if let Some(socket) = socket.filter(|path| fs::metadata(path).is_ok_and(|meta| meta.file_type().is_socket())) {
        found.push(Lying::new(format!("the ssh-agent at {}", socket.display()), &["git"]));
    }
}

#[cfg(test)]
mod tests {
    use super::{KUBECONFIG, file};

    #[test]
    fn a_file_counts_when_a_credential_is_in_it_and_its_value_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let mut found = Vec::new();
        for (name, text) in
            [("bare", "clusters: []\n"), ("full", "users:\n- user:\n    token: hunter2\n"), ("empty", "\n")]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        file(&mut found, folder.path().join("bare"), &["kubectl"], KUBECONFIG, None);
        file(&mut found, folder.path().join("empty"), &["git"], &[], None);
        file(&mut found, folder.path().join("missing"), &["git"], &[], None);
        assert!(found.is_empty());
        file(&mut found, folder.path().join("full"), &["kubectl"], KUBECONFIG, None);
        assert!(found[0].serves("kubectl") && !found[0].seen.contains("hunter2"));
    }
}
