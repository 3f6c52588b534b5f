//! The table of lines and readings, run.
