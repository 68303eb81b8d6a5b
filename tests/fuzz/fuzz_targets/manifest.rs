//! Feeds `fuzzing::manifest`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| packd_fuzz::fuzzing::manifest(data));
