//! Credentials that lie around where the agent's user can read them: the files and variables that the four tools, and
//! what they start, look into on their own.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::PathBuf;

use crate::env;

/// One credential, and the tools it would serve.
pub struct Lying {
    pub seen: String,
    tools: &'static [&'static str],
}

impl Lying {
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
    (".aws/credentials", &["kubectl", "curl"], &["aws_secret_access_key"]),
    (".docker/config.json", &["curl"], &["\"auth\""]),
    (".ssh/id_rsa", &["git"], &[]),
    (".ssh/id_ecdsa", &["git"], &[]),
    (".ssh/id_ed25519", &["git"], &[]),
];

const KUBECONFIG: &[&str] = &["token", "client-key", "password:", "exec:", "auth-provider:"];

/// Files at one place for everybody in a container.
const FIXED: &[(&str, &[&str])] = &[
    ("/var/run/secrets/kubernetes.io/serviceaccount/token", &["kubectl", "curl"]),
    ("/root/.pgpass", &["psql"]),
    ("/etc/git-credentials", &["git"]),
];

const VARIABLES: &[(&str, &[&str])] = &[
    ("PGPASSWORD", &["psql"]),
    ("GITHUB_TOKEN", &["git", "curl"]),
    ("GH_TOKEN", &["git", "curl"]),
    ("GITLAB_TOKEN", &["git", "curl"]),
    ("CI_JOB_TOKEN", &["git", "curl"]),
    ("AWS_SECRET_ACCESS_KEY", &["kubectl", "curl"]),
    ("GIT_ASKPASS", &["git"]),
    ("KUBE_TOKEN", &["kubectl"]),
];

/// Variables that name a file which then counts like the one below the home folder.
const NAMING: &[(&str, &[&str], &[&str])] = &[
    ("PGPASSFILE", &["psql"], &[]),
    ("PGSERVICEFILE", &["psql"], &["password"]),
    ("KUBECONFIG", &["kubectl"], KUBECONFIG),
];

/// Everything that is found, in a fixed order. Values are never shown.
pub fn look() -> Vec<Lying> {
    let mut found = Vec::new();
    if let Some(home) = env::home().map(PathBuf::from) {
        for (name, tools, markers) in FILES {
            file(&mut found, home.join(name), tools, markers, "");
        }
    }
    for (path, tools) in FIXED {
        file(&mut found, PathBuf::from(path), tools, &[], "");
    }
    for (variable, tools, markers) in NAMING {
        for path in env::raw(variable).iter().flat_map(std::env::split_paths) {
            file(&mut found, path, tools, markers, &format!(" (by {variable})"));
        }
    }
    for (variable, tools) in VARIABLES {
        if env::raw(variable).is_some_and(|value| !value.is_empty()) {
            found.push(Lying { seen: format!("the variable {variable}"), tools });
        }
    }
    agent(&mut found);
    found
}

fn file(found: &mut Vec<Lying>, path: PathBuf, tools: &'static [&'static str], markers: &[&str], by: &str) {
    let Ok(bytes) = fs::read(&path) else { return };
    let holds = |marker: &&str| memchr::memmem::find(&bytes, marker.as_bytes()).is_some();
    let counts = if markers.is_empty() { !bytes.trim_ascii().is_empty() } else { markers.iter().any(holds) };
    let seen = format!("{}{by}", path.display());
    if counts && !found.iter().any(|lying| lying.seen == seen) {
        found.push(Lying { seen, tools });
    }
}

/// A running ssh-agent signs for whoever reaches its socket.
fn agent(found: &mut Vec<Lying>) {
    let socket = env::raw("SSH_AUTH_SOCK").map(PathBuf::from);
    if let Some(socket) = socket.filter(|path| fs::metadata(path).is_ok_and(|meta| meta.file_type().is_socket())) {
        found.push(Lying { seen: format!("the ssh-agent at {}", socket.display()), tools: &["git"] });
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
        file(&mut found, folder.path().join("bare"), &["kubectl"], KUBECONFIG, "");
        file(&mut found, folder.path().join("empty"), &["git"], &[], "");
        file(&mut found, folder.path().join("missing"), &["git"], &[], "");
        assert!(found.is_empty());
        file(&mut found, folder.path().join("full"), &["kubectl"], KUBECONFIG, "");
        assert!(found[0].serves("kubectl") && !found[0].seen.contains("hunter2"));
    }
}
