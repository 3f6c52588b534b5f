//! Every option that the installed git completes is one that the reader knows, with or without a value as git has it.

use std::collections::BTreeMap;

use portcullis::model::Facts;
use portcullis::tools::{Tool, by_name};

use super::generated::options;
use super::machine;

/// git completes these two as if they had no value.
const WITH_A_VALUE: &[(&str, &str)] = &[("merge", "--file"), ("update-index", "--cacheinfo")];

#[test]
fn every_option_that_git_has_is_in_the_table() {
    let machine = machine();
    let said = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        String::from_utf8(machine.run(&words).stdout).unwrap()
    };
    let version = said(&["--version"]).split_whitespace().nth(2).map(str::to_owned);
    let facts = Facts { version, facts: BTreeMap::new(), contents: Vec::new() };
    let git: &dyn Tool = by_name("git").unwrap();
    let mut unknown = Vec::new();
    for command in said(&["--list-cmds=builtins"]).split_whitespace() {
        for option in options(command).into_iter().filter(|o| !WITH_A_VALUE.contains(&(command, o.as_str()))) {
            let word = if option.ends_with('=') { format!("{option}1") } else { option };
            let reading = git.read(&machine.invocation(git, &[command.to_owned(), word.clone()]), &facts);
            let details = reading.operations.iter().filter_map(|o| o.context.get("detail")?.as_str());
            let about_it =
                |why: &&str| ["unknown option", "lacks its value", "takes no value"].iter().any(|w| why.contains(w));
            unknown.extend(details.filter(about_it).map(|why| format!("{command} {word}: {why}")));
        }
    }
    assert!(unknown.is_empty(), "{} options are read otherwise:\n{}", unknown.len(), unknown.join("\n"));
}
