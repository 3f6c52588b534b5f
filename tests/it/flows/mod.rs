//! Flows: the real server on a free port, and what comes of using it.

mod login;
