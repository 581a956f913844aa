#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mulu_fuzz::run("certificate", data));
