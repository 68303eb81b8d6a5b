//! Feeds `fuzzing::index`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| packd_fuzz::fuzzing::index(data));
