//! Real front ends with the configurations of `docs/front-ends.md`, and real servers behind them.
//!
//! The tests need the programs that `tests/peers` finds or installs. The feature `peers` turns them on.

mod balance;
mod case;
mod collection;
mod configurations;
mod connections;
mod curl;
mod decided;
mod deviations;
mod early;
mod errors;
mod matrix;
mod page;
mod pauses;
mod targets;
mod upgrades;
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

/// A deviation of a case, a server or a front end that does not exist would never be checked.
#[test]
fn deviations_name_cases_servers_and_front_ends_that_exist() {
    for row in deviations::DEVIATIONS {
        assert!(!row.source.is_empty(), "no source: {row:?}");
        let cases = row.cases.iter().all(|name| collection::CASES.iter().any(|case| case.name == *name));
        let servers = row.servers.iter().all(|name| matrix::SERVERS.iter().any(|server| server.name == *name));
        let front_ends = row.front_ends.iter().all(|name| matrix::FRONT_ENDS.iter().any(|one| one.name == *name));
        assert!(cases && servers && front_ends, "{row:?}");
    }
    let mut names: Vec<&str> = collection::CASES.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.windows(2).for_each(|two| assert_ne!(two[0], two[1], "two cases of one name"));
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
