#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| uwsgi_tests::fuzz::http_to_vars(data));
