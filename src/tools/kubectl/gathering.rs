//! What the agent's side collects of a line's manifests: the files, and what is in the folders.

use std::collections::BTreeMap;

use super::manifests::{DEPTH, PLACES, join, named};
use super::options::Line;
use super::paths::{is_manifest, is_page, is_stdin};
use super::{paths, sources};
use crate::model::{Content, ContentSource};
use crate::tools::World;
use crate::tools::world::{Kind, Look};

/// What the agent's side adds to the contents.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub folders: BTreeMap<String, Vec<String>>,
    pub patterns: BTreeMap<String, Vec<String>>,
}

/// Collects the contents on the agent's side.
pub(super) fn gather(line: &Line, cwd: &[u8], world: &dyn World) -> (Vec<Content>, Listed) {
    let mut gathering = Gathering { world, cwd, contents: Vec::new(), listed: Listed::default(), left: PLACES };
    for path in named(line) {
        match path.as_str() {
            path if is_stdin(path) => {
                let wanted = gathering.contents.iter().all(|c| c.source != ContentSource::Stdin);
                gathering.contents.extend(wanted.then(|| world.stdin()).flatten());
            }
            path if is_page(path) => {}
            path => gathering.named(path, line.on("recursive")),
        }
    }
    // Of several the last one counts.
    if let Some(path) = line.value("kustomize").filter(|folder| !folder.is_empty() && line.command.path != ["run"]) {
        gathering.kustomization(path, 0);
    }
    if line.command.path == ["kustomize"] && line.on("enable-helm") {
        // Only for whether there are charts.
        gathering.kustomization(line.words().first().map_or(".", |word| word), 0);
    }
    if let Some(path) = line.value("patch-file") {
        gathering.file(path);
    }
    gathering.listed.patterns.extend(sources::unfit(line, world).into_iter().map(|path| (path, Vec::new())));
    (gathering.contents, gathering.listed)
}

pub(super) struct Gathering<'a> {
    pub world: &'a dyn World,
    /// The work folder, absolute; empty where it is not known.
    cwd: &'a [u8],
    pub contents: Vec<Content>,
    pub listed: Listed,
    left: usize,
}

impl Gathering<'_> {
    /// Whether one more folder or kustomization may be gone into.
    pub fn goes_on(&mut self) -> bool {
        let on = self.left > 0;
        self.left = self.left.saturating_sub(1);
        on
    }

    /// A file, a folder, or what a pattern stands for.
    fn named(&mut self, path: &str, recursive: bool) {
        if self.is_link(path) && self.world.is_dir(path.as_bytes()) {
            // It is opened as a file then, which it is not.
            self.listed.patterns.insert(path.to_owned(), Vec::new());
            return;
        }
        if self.world.is_dir(path.as_bytes()) {
            return self.folder(path, recursive, 0);
        }
        let bare = path.trim_end_matches('/');
        if bare.len() < path.len() && self.world.is_file(bare.as_bytes()) {
            // No file's name ends so.
            self.listed.patterns.insert(path.to_owned(), Vec::new());
            return;
        }
        let Some(found) = paths::expanded(path, self.world) else { return self.file(path) };
        for path in &found {
            match self.world.is_dir(path.as_bytes()) {
                true => self.folder(path, recursive, 0),
                false => self.file(path),
            }
        }
        self.listed.patterns.insert(path.to_owned(), found);
    }

    /// Go's filepath.Walk goes into no folder that is a link, wherever it stands.
    fn is_link(&self, path: &str) -> bool {
        let look = self.whole(path).map(|path| self.world.look(&path));
        matches!(look, Some(Look::There { kind: Kind::Other, .. }))
    }

    /// Whether links and dots considered a file lies outside of a folder, which kustomize does not take.
    pub fn lies_outside(&self, path: &str, folder: &str) -> bool {
        let real = |path: &str| self.world.real(&self.whole(path)?);
        let (Some(path), Some(folder)) = (real(path), real(folder)) else { return false };
        let rest = path.strip_prefix(folder.strip_suffix(b"/").unwrap_or(&folder));
        !rest.is_some_and(|rest| rest.starts_with(b"/"))
    }

    fn whole(&self, path: &str) -> Option<Vec<u8>> {
        let path = match path.as_bytes() {
            path @ [b'/', ..] => path.to_vec(),
            path => [self.cwd, b"/", path].concat(),
        };
        path.starts_with(b"/").then_some(path)
    }

    pub fn file(&mut self, path: &str) {
        if self.contents.len() < self.world.limits().files {
            self.contents.extend(self.world.file(path.as_bytes()));
        }
    }

    /// Folders in the list end in a slash, so that the reading knows them.
    fn folder(&mut self, path: &str, recursive: bool, depth: usize) {
        if !self.goes_on() {
            return;
        }
        let Some(names) = self.world.list(path.as_bytes()) else { return };
        let Some(names) = names.iter().map(|name| name.text()).collect::<Option<Vec<_>>>() else { return };
        let mut listed = Vec::with_capacity(names.len());
        for name in names {
            let below = join(path, name);
            if self.world.is_dir(below.as_bytes()) && self.is_link(&below) {
                continue;
            }
            if self.world.is_dir(below.as_bytes()) {
                listed.push(format!("{name}/"));
                if recursive && depth < DEPTH {
                    self.folder(&below, recursive, depth + 1);
                }
                continue;
            }
            listed.push(name.to_owned());
            if is_manifest(name) {
                self.file(&below);
            }
        }
        self.listed.folders.insert(path.to_owned(), listed);
    }
}
