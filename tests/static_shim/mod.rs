//! The shim as install.sh builds it, made once for all tests of a binary.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The shim as it is installed: linked against nothing.
pub fn static_shim() -> PathBuf {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static");
    let features = ["--no-default-features", "--features", "shim", "--bin", "portcullis-shim"];
    let built = Command::new(env!("CARGO"))
        .args(["build", "-q", "--locked", "--target", &target])
        .args(features)
        .arg("--target-dir")
        .arg(&folder)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    folder.join(target).join("debug/portcullis-shim")
}
