//! Lines that nobody thought of: a command, options drawn at random from those that this very git says it has, operands
//! drawn from the world's names. The seed is fixed; `DIFFERENTIAL_LINES=2000` tries more, `DIFFERENTIAL_SEED` others.

use super::super::dice::Dice;
use super::deeds::differences;
use super::machine;

/// A command and the operands that it may get; each is there or not.
const COMMANDS: &[(&str, &[&str])] = &[
    ("push", &["origin", "main", "+main", ":feature", "HEAD:refs/heads/x", "v1"]),
    ("push", &["other", "refs/heads/*:refs/heads/*", "feature"]),
    ("fetch", &["origin", "main:copied"]),
    ("branch", &["feature", "main"]),
    ("tag", &["v1", "HEAD"]),
    ("checkout", &["feature", "--", "a.txt"]),
    ("switch", &["feature"]),
    ("restore", &["a.txt"]),
    ("reset", &["HEAD~1"]),
    ("clean", &["."]),
    ("rm", &["a.txt"]),
    ("stash", &["push", "a.txt"]),
    ("status", &["."]),
    ("commit", &["-mx", "--allow-empty"]),
    ("merge", &["origin/old"]),
    ("config", &["a.b", "c"]),
    ("update-ref", &["refs/heads/feature", "HEAD"]),
    ("remote", &["show", "-n", "origin"]),
    ("log", &["-1", "HEAD"]),
    ("diff", &["HEAD~1"]),
    ("ls-remote", &["origin"]),
    ("gc", &[]),
    ("send-pack", &["../origin.git", "main"]),
];

/// Options that wait for somebody, or for a server.
const LEFT_OUT: &[&str] =
    &["patch", "interactive", "edit", "edit-description", "help-all", "receive-pack", "exec", "upload-pack"];

/// The long options of a command, as this git completes them.
pub fn options(command: &str) -> Vec<String> {
    let machine = machine();
    let words: Vec<String> = command.split(' ').chain(["--git-completion-helper-all"]).map(str::to_owned).collect();
    let output = machine.run(&words);
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().filter(|word| word.starts_with("--") && *word != "--").map(str::to_owned).collect()
}

fn line(dice: &mut Dice, options: &[Vec<String>]) -> String {
    let at = dice.below(COMMANDS.len());
    let (command, operands) = COMMANDS[at];
    let mut words = vec![command.to_owned()];
    for _ in 0..dice.below(4) {
        let Some(option) = options[at].get(dice.below(options[at].len())) else { continue };
        let name = option.trim_start_matches("--").trim_end_matches('=');
        if LEFT_OUT.contains(&name) {
            continue;
        }
        // Also shortened, and sometimes to something that stands for several.
        let kept = if dice.below(4) == 0 { name.len().min(3 + dice.below(6)) } else { name.len() };
        let value = if option.ends_with('=') { "=1" } else { "" };
        words.push(format!("--{}{value}", &name[..kept]));
    }
    let kept = operands.iter().filter(|_| dice.below(4) != 0);
    words.extend(kept.map(|operand| (*operand).to_owned()));
    shell_words::join(words)
}

#[test]
fn lines_drawn_at_random_leave_behind_what_their_readings_say() {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let options: Vec<Vec<String>> = COMMANDS.iter().map(|(command, _)| options(command)).collect();
    let mut dice = Dice::new(number("DIFFERENTIAL_SEED", 0x5eed));
    let lines: Vec<String> = (0..number("DIFFERENTIAL_LINES", 40)).map(|_| line(&mut dice, &options)).collect();
    let wrong = differences(&lines);
    assert!(wrong.is_empty(), "{} of {} lines differ:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}
