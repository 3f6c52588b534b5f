//! npm's `oidc-provider`, certified by the OpenID Foundation, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

const VERSION: &str = "9.13.3";
pub const SECRET: &str = "secret/with+odd%characters of the client";

pub struct Provider {
    pub issuer: String,
    _node: Child,
}

impl Provider {
    /// A provider that knows one client, `gate`, whose people come back to `redirect_uri`.
    pub fn start(redirect_uri: &str) -> Provider {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/oidc_provider.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(modules()).arg(redirect_uri).arg(SECRET);
        let mut node = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut issuer = String::new();
        // It warns on stdout too, about being no set-up for production.
        let mut lines = BufReader::new(node.stdout.take().unwrap());
        while !issuer.starts_with("http://") {
            issuer.clear();
            assert_ne!(lines.read_line(&mut issuer).unwrap(), 0, "node ended");
        }
        // What it says later is read, so that it never blocks.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Provider { issuer: issuer.trim_end().to_owned(), _node: node }
    }
}

/// The folder that npm installed into: kept between runs, outside of the checkout's files. Installed by one test, while the
/// others wait.
fn modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(install)
}

fn install() -> PathBuf {
    let cache = std::env::var_os("PORTCULLIS_TEST_CACHE");
    let cache = cache.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let folder = cache.join(format!("oidc-provider-{VERSION}"));
    if !folder.join("node_modules/oidc-provider/package.json").exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"]).arg(&folder);
        let done = npm.arg(format!("oidc-provider@{VERSION}")).stdin(Stdio::null()).status();
        assert!(done.expect("npm (Debian: npm)").success(), "npm cannot install oidc-provider");
    }
    folder
}
