//! The cases of `cases/`: a line and what it means, in a form that a policy author can review.
