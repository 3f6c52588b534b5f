//! Repositories on this machine that a push would go to: they run hooks of their own, as the same user.

use crate::model::{Facts, Invocation};
use crate::tools::World;

use super::facts::{Config, Known, Place, parse_number};
use super::gather::{executable_hooks, join};
use super::line::Line;
use super::options::{self, Words};
use super::remotes::local_path;
use super::{meaning, scene};

/// path.c, `enter_repo`: what may stand behind the path that names a repository, in this order.
const ENDINGS: &[&str] = &["/.git", "", ".git/.git", ".git"];

/// The hooks that lie in the repositories of this machine to which the line pushes.
pub fn hooks(invocation: &Invocation, world: &dyn World, facts: &Facts, line: &Line) -> Vec<String> {
    let known = &Known::of(facts);
    let scene = scene(invocation, known, line, facts.version.as_deref());
    let top = scene.top();
    let urls = meaning(&scene, line).urls;
    let folders = urls.iter().filter_map(|url| git_folder(&local_path(url, &top)?, world));
    let mut names: Vec<String> = folders.flat_map(|folder| hooks_of(&folder, world, known)).collect();
    names.sort();
    names.dedup();
    names
}

fn git_folder(path: &str, world: &dyn World) -> Option<String> {
    let candidates = ENDINGS.iter().map(|ending| format!("{path}{ending}"));
    let is_one = |folder: &String| {
        let below = |name: &str| format!("{folder}/{name}").into_bytes();
        let link = folder.ends_with(".git") && world.is_file(folder.as_bytes());
        link || (world.is_file(&below("HEAD")) && world.is_dir(&below("objects")) && world.is_dir(&below("refs")))
    };
    candidates.into_iter().find(is_one)
}

fn hooks_of(folder: &str, world: &dyn World, known: &Known) -> Vec<String> {
    let own = format!("{folder}/hooks");
    let question: &[&[u8]] = &[b"rev-parse", b"--git-path", b"hooks"];
    let answer = world.ask_tool(&[&[format!("--git-dir={folder}").as_bytes()], question].concat());
    let configured = answer.map(|out| {
        let path = out.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or(out);
        join(folder.as_bytes(), &path)
    });
    // Settings of the line's own do not reach the other end, but they reach a question about it.
    let ours = known.config.as_ref().is_some_and(|c| c.0.iter().any(|e| e.scope == "command"));
    let mut folders: Vec<Vec<u8>> = configured.into_iter().collect();
    if ours || folders.is_empty() {
        folders.push(own.into_bytes());
    }
    folders.iter().flat_map(|folder| executable_hooks(world, folder)).collect()
}

/// The hooks that a clone starts out with: those of its template, or of the folder that `core.hooksPath` names.
pub fn clone_hooks(world: &dyn World, words: &Words, known: &Known, line: &Line) -> Vec<String> {
    let mut config = known.config.clone().unwrap_or_default();
    line.globals.settings.iter().for_each(|setting| config.add_command(setting));
    words.values("config").for_each(|setting| config.add_command(&setting));
    let home = world.home().map(|home| options::text(&home)).unwrap_or_default();
    let full = |path: &str| path.strip_prefix("~/").map_or_else(|| path.to_owned(), |rest| format!("{home}/{rest}"));
    let hooks = match config.get("core.hookspath") {
        Some(path) => full(path),
        None => {
            let by_variable = || world.variable("GIT_TEMPLATE_DIR").map(|path| options::text(&path));
            let template = words.value("template").or_else(by_variable);
            let template = template.or_else(|| config.get("init.templatedir").map(full));
            // git's own template brings samples only, which are no hooks.
            let Some(template) = template.filter(|path| !path.is_empty()) else { return Vec::new() };
            format!("{template}/hooks")
        }
    };
    let start = line.globals.folders.iter().fold(Vec::new(), |folder, next| match folder.is_empty() {
        true => next.to_vec(),
        false => join(&folder, next),
    });
    let folder = if start.is_empty() { hooks.into_bytes() } else { join(&start, hooks.as_bytes()) };
    executable_hooks(world, &folder)
}

/// Whether `gc --auto` would find enough to do (gc.c, `need_to_gc`): loose objects, by those of one folder, or packs.
pub fn collects(world: &dyn World, place: &Place, config: Option<&Config>) -> bool {
    let number = |key: &str, default: i64| {
        let value = config.and_then(|config| config.get(key));
        value.map_or(Some(default), parse_number)
    };
    let (Some(loose), Some(packs)) = (number("gc.auto", 6_700), number("gc.autopacklimit", 50)) else { return true };
    let count = |folder: &str, is: &dyn Fn(&[u8]) -> bool| {
        let folder = [place.git_dir.as_slice(), folder.as_bytes()].concat();
        let names = world.list(&folder).unwrap_or_default();
        i64::try_from(names.iter().filter(|name| is(name.as_slice())).count()).unwrap_or(i64::MAX)
    };
    let known = world.is_dir(&[place.git_dir.as_slice(), b"/objects"].concat());
    loose > 0
        && (!known
            || count("/objects/17", &|name| name.len() >= 38) > (loose + 255) / 256
            || packs > 0 && count("/objects/pack", &|name| name.ends_with(b".pack")) > packs)
}
