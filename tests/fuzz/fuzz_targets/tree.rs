//! Feeds `fuzzing::tree`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| packd_fuzz::fuzzing::tree(data));
