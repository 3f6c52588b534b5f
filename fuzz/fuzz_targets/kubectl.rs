//! Any line, environment, files and answers of the tool: the reading of kubectl must come, whole and in bounds.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| portcullis_fuzz::read("kubectl", input));
