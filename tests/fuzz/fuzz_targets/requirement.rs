//! Feeds `fuzzing::requirement`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| packd_fuzz::fuzzing::requirement(data));
