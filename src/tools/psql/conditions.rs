//! The stack of `\if`, `\elif`, `\else` and `\endif`, with a third answer: nobody can tell.

/// One open `\if`.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// Whether the branch being read is taken; `None` where nobody can tell.
    taken: Option<bool>,
    /// Whether an earlier branch was taken.
    done: Option<bool>,
    /// The statement so far when the branch began.
    mark: Mark,
    /// What held of those around it when it began, so that nobody has to go through them again: whether all may be, and
    /// whether all are, taken.
    around: (bool, bool),
    /// Its `\else` was there: psql takes no other branch after it, and goes on with this one.
    last: bool,
}

/// How far a statement is: the length of its text, and the parentheses that are open in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    pub length: usize,
    pub parentheses: u32,
}

/// What to do with the text of the branch that ends here.
pub struct Branch {
    /// `None` where nobody can tell.
    pub taken: Option<bool>,
    pub mark: Mark,
}

#[derive(Debug, Default)]
pub struct Conditions {
    open: Vec<Open>,
    /// The script itself is included in a branch of which nobody can tell whether it is taken.
    pub doubtful: bool,
}

impl Conditions {
    /// Whether what is read now may be run.
    pub fn active(&self) -> bool {
        self.open.last().is_none_or(|open| open.around.0 && open.taken != Some(false))
    }

    /// Whether it will be run, if anything is.
    pub fn certain(&self) -> bool {
        self.open.last().map_or(!self.doubtful, |open| open.around.1 && open.taken == Some(true))
    }

    pub fn begin(&mut self, truth: Option<bool>, mark: Mark) {
        let around = (self.active(), self.certain());
        self.open.push(Open { taken: truth, done: Some(false), mark, around, last: false });
    }

    /// Whether the condition of an `\elif` here would be looked at.
    pub fn wants_next(&self) -> bool {
        self.open.last().is_some_and(|open| open.around.0 && open.done != Some(true) && open.taken != Some(true))
    }

    /// Whether another branch may begin here; psql complains of one without `\if` or after `\else` and changes nothing.
    pub fn takes_branch(&self) -> bool {
        self.open.last().is_some_and(|open| !open.last)
    }

    /// `\elif` with this truth, and `\else` with true.
    pub fn otherwise(&mut self, truth: Option<bool>, mark: Mark) {
        if let Some(open) = self.open.last_mut() {
            open.done = match (open.done, open.taken) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (None, _) | (_, None) => None,
                (Some(false), Some(false)) => Some(false),
            };
            open.taken = match (open.done, truth) {
                (Some(true), _) | (_, Some(false)) => Some(false),
                (Some(false), truth) => truth,
                (None, _) => None,
            };
            open.mark = mark;
        }
    }

    pub fn close_last(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.last = true;
        }
    }

    /// False where nothing was open.
    pub fn end(&mut self) -> bool {
        self.open.pop().is_some()
    }

    pub fn current(&self) -> Option<Branch> {
        self.open.last().map(|open| Branch { taken: open.taken, mark: open.mark })
    }
}
