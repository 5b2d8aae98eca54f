//! Real front ends before real servers: the configurations of `docs/front-ends.md` at work.
//!
//! They need the programs that `tests/peers` finds or installs, and so the feature `peers`.

mod case;
mod collection;
mod curl;
mod deviations;
mod matrix;
mod verdict;

use matrix::FrontEnd;

macro_rules! every_case_through {
    ($($test:ident = $front_end:literal,)*) => {
        $(
            #[test]
            fn $test() {
                FrontEnd::named($front_end).run();
            }
        )*

        #[test]
        fn every_front_end_has_a_test() {
            let tested = [$($front_end),*];
            assert!(matrix::FRONT_ENDS.iter().map(|front_end| front_end.name).eq(tested));
        }
    };
}

every_case_through! {
    nginx_tcp = "nginx-tcp",
    nginx_unix = "nginx-unix",
    nginx_streaming = "nginx-streaming",
    nginx_tls = "nginx-tls",
    apache_tcp = "apache-tcp",
    apache_unix = "apache-unix",
    lighttpd_tcp = "lighttpd-tcp",
    lighttpd_unix = "lighttpd-unix",
    uwsgi_http = "uwsgi-http",
    uwsgi_http_chunked = "uwsgi-http-chunked",
    uwsgi_curl = "uwsgi_curl",
}
