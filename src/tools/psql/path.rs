//! Which schemas names without a schema refer to, as SET moves the search_path through transactions that may fail.
//!
//! A SET counts for what stands behind it in its own text and transaction, because the server runs nothing more there
//! once a statement failed. Past the end of either, it counts or was taken back: names may mean both.

/// What the names without a schema refer to.
#[derive(Debug, Clone, PartialEq)]
pub enum Path {
    /// Whatever the server has for this user.
    Default,
    /// One of these, whichever has the name first; the empty name is what the server has for this user.
    These(Vec<String>),
    Unclear,
}

/// More schemas than these are not followed.
const MOST: usize = 30;

impl Path {
    pub fn of(values: &[String]) -> Self {
        match values {
            [user, public] if user == "$user" && public == "public" => Path::Default,
            [] => Path::Unclear,
            _ if values.len() > MOST || values.iter().any(|name| name == "$user") => Path::Unclear,
            // The server's own schema is always there; an empty name is none.
            _ if values.iter().all(String::is_empty) => Path::These(vec!["pg_catalog".into()]),
            _ => Path::These(values.iter().filter(|name| !name.is_empty()).cloned().collect()),
        }
    }

    /// This one or that one.
    fn or(self, other: Path) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Path::Unclear, _) | (_, Path::Unclear) => Path::Unclear,
            (one, other) => {
                let mut names = one.names();
                names.extend(other.names());
                names.sort();
                names.dedup();
                if names.len() > MOST { Path::Unclear } else { Path::These(names) }
            }
        }
    }

    fn names(self) -> Vec<String> {
        match self {
            Path::These(names) => names,
            Path::Default | Path::Unclear => vec![String::new()],
        }
    }
}

/// Whether another schema comes before the server's own names: `lower()` may then be anybody's (CREATE FUNCTION in the
/// manual, "Writing SECURITY DEFINER Functions Safely"). Where pg_catalog is not listed it is searched first.
pub fn shadows(path: &[String]) -> bool {
    path.iter().skip(1).any(|schema| schema == "pg_catalog")
}

/// The path of a session.
#[derive(Debug, Clone)]
pub struct Paths {
    now: Path,
    /// As the session began, where RESET goes back to.
    first: Path,
    /// Any that was set since.
    ever: Path,
    /// What holds behind the transaction that is open.
    after: Option<Path>,
    /// A transaction is open for certain.
    certain: bool,
    /// `set_config` was called, or prepared.
    configured: bool,
}

impl Paths {
    /// A new session.
    pub fn new(first: Path) -> Self {
        Paths { now: first.clone(), first: first.clone(), ever: first, after: None, certain: false, configured: false }
    }

    pub fn now(&self) -> &Path {
        &self.now
    }

    /// `None` goes back to what the session began with.
    pub fn set(&mut self, path: Option<Path>, local: bool) {
        let path = path.unwrap_or_else(|| self.first.clone());
        let before = self.now.clone();
        self.ever = self.ever.clone().or(path.clone());
        let after = self.after.take().unwrap_or_else(|| before.clone());
        self.after = Some(if local { after } else { after.or(path.clone()) });
        // Outside of a transaction SET LOCAL does nothing.
        self.now = if local && !self.certain { before.or(path) } else { path };
    }

    pub fn begins(&mut self) {
        self.certain = true;
    }

    /// COMMIT, ROLLBACK: what was set may have been taken back, or never taken.
    pub fn ends(&mut self) {
        self.now = match (self.after.take(), self.certain) {
            (Some(after), true) => after,
            (None, true) => self.now.clone(),
            (_, false) => self.ever.clone(),
        };
        self.certain = false;
    }

    /// ROLLBACK TO a savepoint.
    pub fn goes_back(&mut self) {
        if self.after.is_some() || !self.certain {
            self.now = self.ever.clone();
        }
    }

    /// AND CHAIN: another transaction begins where one ends.
    pub fn chains(&mut self) {
        let certain = self.certain;
        self.ends();
        self.certain = certain;
    }

    /// DISCARD, which may be DISCARD ALL.
    pub fn discards(&mut self) {
        self.now = self.now.clone().or(self.first.clone());
    }

    /// `set_config`: wherever it is evaluated, if it is, and for as long.
    pub fn may_be(&mut self, path: Path) {
        self.configured = true;
        self.ever = self.ever.clone().or(path.clone());
        let after = self.after.take().unwrap_or_else(|| self.now.clone());
        self.after = Some(after.or(path.clone()));
        self.now = self.now.clone().or(path);
    }

    /// EXECUTE of what may call `set_config`.
    pub fn runs_prepared(&mut self) {
        if self.configured {
            self.may_be(self.ever.clone());
        }
    }

    /// A text ends, before which it was `before`: of `several` statements, or one that `maybe` was not sent.
    pub fn text_ends(&mut self, before: &Paths, several: bool, maybe: bool) {
        if (several && !before.certain) || maybe {
            self.certain = false;
        }
        // Alone, a SET is a transaction of its own and does not fail.
        if !self.certain
            && let Some(after) = self.after.take()
            && several
        {
            self.now = self.now.clone().or(after);
        }
        if several || maybe {
            self.now = self.now.clone().or(before.now.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What names mean at the end of these texts, a statement by its first letter: Begin, Commit, Rollback, Set, Local.
    fn behind(texts: &[&str]) -> String {
        let mut paths = Paths::new(Path::Default);
        for text in texts {
            let (before, maybe) = (paths.clone(), text.ends_with('?'));
            let statements: Vec<char> = text.chars().filter(|letter| *letter != '?').collect();
            for letter in &statements {
                let new = || Some(Path::These(vec!["new".into()]));
                match letter {
                    'B' => paths.begins(),
                    'C' | 'R' => paths.ends(),
                    'A' => paths.chains(),
                    'T' => paths.goes_back(),
                    'S' => paths.set(new(), false),
                    'L' => paths.set(new(), true),
                    'D' => paths.set(None, false),
                    _ => {}
                }
            }
            paths.text_ends(&before, statements.len() > 1, maybe);
        }
        match paths.now() {
            Path::Default => "old".into(),
            Path::These(names) if names.len() == 1 => names[0].clone(),
            Path::These(_) => "both".into(),
            Path::Unclear => "?".into(),
        }
    }

    #[test]
    fn what_a_failed_transaction_takes_back_is_not_relied_on() {
        for (texts, expect) in [
            (&["S"][..], "new"),
            (&["S", "D"], "old"),
            (&["S?"], "both"),
            (&["xS"], "both"),
            (&["L"], "both"),
            (&["B", "L"], "new"),
            (&["B", "L", "C"], "old"),
            (&["B", "S"], "new"),
            (&["B", "S", "C"], "both"),
            (&["B", "x", "R"], "old"),
            (&["S", "B", "x", "C"], "new"),
            (&["BLxC"], "old"),
            (&["BLx"], "both"),
            (&["xB", "L"], "both"),
            (&["B", "xC", "S", "R"], "both"),
            (&["B", "L", "A"], "old"),
            (&["B", "L", "A", "L"], "new"),
            (&["B", "L", "T"], "both"),
            (&["B?", "L"], "both"),
        ] {
            assert_eq!(behind(texts), expect, "{texts:?}");
        }
    }
}
