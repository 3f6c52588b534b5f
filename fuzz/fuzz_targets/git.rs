//! Any line, environment, files and answers of the tool: the reading of git must come, whole and in bounds.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| portcullis_fuzz::read("git", input));
