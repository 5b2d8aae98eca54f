//! What an axum router is given of a target with percent signs, dots and slashes in it. It is made of `REQUEST_URI`: the front
//! ends agree there, while each has a `PATH_INFO` of its own, as the cases `path-*` of the collection show.

use uwsgi_tests::programs::Stage;

use super::matrix::{FrontEnd, SERVERS, Settings};

/// A target, and what the router's URI is, and its path parameter; nothing where it is as it was sent, and the parameter is that
/// decoded once.
const TARGETS: &[(&str, &str)] = &[
    ("/uri/a%20b", "a b"),
    ("/uri/a%2Fb", "a/b"),
    ("/uri/a%252Fb", "a%2Fb"),
    ("/uri/%E2%82%AC", "\u{20ac}"),
    ("/uri/a/../b", "a/../b"),
    ("/uri/a/%2E%2E/b", "a/../b"),
    ("/uri/a//b", "a//b"),
    ("/uri/a+b?x=%20+%26", "a+b"),
];

/// A percent sign that begins nothing: where the front end lets it through, it stands for itself.
const NO_PERCENT: (&str, &str) = ("/uri/a%zz", "a%zz");

/// Front ends, and whether they do.
const FRONT_ENDS: [(&str, bool); 4] =
    [("nginx-tcp", false), ("apache-tcp", false), ("lighttpd-tcp", true), ("uwsgi-http", false)];

#[test]
fn targets_as_a_router_sees_them() {
    let axum = SERVERS.iter().find(|server| server.name == "axum").expect("the asynchronous server");
    let mut wrong = Vec::new();
    for (name, lets_it_through) in FRONT_ENDS {
        let (stage, front_end) = (Stage::new(), FrontEnd::named(name));
        let listen = front_end.listen(&stage);
        let _server = (axum.start)(&stage, "server", &listen, Settings::default());
        let door = (front_end.start)(&stage, &listen);
        for (target, decoded) in TARGETS.iter().chain([&NO_PERCENT]) {
            let answer = door.get(target).expect("an answer");
            let seen = (answer.head.status, String::from_utf8_lossy(&answer.body).into_owned());
            let passes = *target != NO_PERCENT.0 || lets_it_through;
            if passes && seen != (200, format!("{target} {decoded}")) || !passes && seen.0 != 400 {
                wrong.push(format!("{target} through {name}: {seen:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
