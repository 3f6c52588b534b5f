//! Instructions of a shim from its start to its end, as callgrind counts them, those of the tool apart: a number that
//! repeats on a busy machine.

use std::path::Path;
use std::process::Command;

use super::support::site::Site;
use super::tool;

pub fn run(site: &Site) {
    if !Path::new("/usr/bin/valgrind").exists() {
        return println!("skipped: valgrind is not installed");
    }
    for words in [&["--version"][..], &["status"]] {
        let out = site.path("callgrind.out");
        let gated = tool(site, "git", true);
        let mut command = Command::new("/usr/bin/valgrind");
        command.args(["--tool=callgrind", "--trace-children=no"]);
        command.arg(format!("--callgrind-out-file={}", out.display())).arg(gated.get_program()).args(words);
        command.current_dir(site.path("work")).env_clear();
        command.envs(gated.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let done = command.output().unwrap();
        let text = done.stderr.escape_ascii().to_string();
        let counted = text.split("Collected : ").nth(1).and_then(|rest| rest.split("\\n").next());
        println!("git {}: {} instructions of the shim", words.join(" "), counted.unwrap_or("not counted"));
    }
}
