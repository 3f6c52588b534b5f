//! Objects that a remote promised (git's documentation, partial-clone): whatever command asks for one that is not here
//! fetches it first. An object id that nobody has is asked for too.

use super::facts::{Config, parse_bool};
use super::meaning::{Meaning, Scene};
use super::programs::{blocked, other_end};
use super::remotes::{Way, address, urls};

/// Commands that ask for no object.
const OBJECTLESS: &str = " check-ref-format clone column config count-objects credential credential-cache credential-store help \
    init init-db ls-remote mailinfo mailsplit remote stripspace symbolic-ref var version ";

/// The remotes that are said to have what is not here.
pub fn remotes(config: &Config) -> Vec<&str> {
    let promises = |value: &str| parse_bool(value) != Some(false);
    let promisors = config.middles("remote", "promisor").filter(|(_, value)| promises(value));
    let filtered = config.middles("remote", "partialclonefilter");
    let mut names: Vec<&str> = promisors.chain(filtered).map(|(name, _)| name).collect();
    // That one is read where the repository's format is, and nowhere else.
    let format = config.0.iter().filter(|entry| entry.key == "extensions.partialclone" && entry.scope == "local");
    names.extend(format.filter_map(|entry| entry.value.as_deref()));
    names.sort_unstable();
    names.dedup();
    names
}

/// Where a missing object would be fetched from, and the programs that this would start.
pub fn add(scene: &Scene<'_>, command: &str, meaning: &mut Meaning) {
    let forbidden = scene.variable("GIT_NO_LAZY_FETCH").is_some_and(|value| parse_bool(&value) == Some(true));
    if forbidden || scene.globals.fetches_nothing || OBJECTLESS.contains(&format!(" {command} ")) {
        return;
    }
    for remote in remotes(&scene.config) {
        let of_remote = |key: &str| scene.config.get(&format!("remote.{remote}.{key}"));
        let helper = of_remote("vcs");
        let service =
            of_remote("uploadpack").filter(|program| !matches!(*program, "git-upload-pack" | "git upload-pack"));
        for url in urls(&scene.config, remote, Way::Fetch) {
            let address = address(&url, &scene.top());
            if blocked(scene, "fetch", helper, &url, &address).is_none() {
                other_end(scene, &url, &address, service, false, meaning);
                helper.into_iter().for_each(|helper| meaning.runs(format!("git-remote-{helper}")));
                meaning.besides.push(url);
            }
        }
    }
}
