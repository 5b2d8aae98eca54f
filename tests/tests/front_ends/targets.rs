//! What an axum router is given of a target with percent signs, dots and slashes in it: the path that the front end has
//! routed, in the spelling of the client where nothing was tidied. What each front end tidies is in its `PATH_INFO`, as the
//! cases `path-*` of the collection show.

use uwsgi_tests::programs::Stage;

use super::matrix::{FrontEnd, SERVERS, Settings};

/// In the order of the columns below.
const FRONT_ENDS: [&str; 4] = ["nginx-tcp", "apache-tcp", "lighttpd-tcp", "uwsgi-http"];

/// A target, and for each front end what the router has: its URI and its path parameter, which is decoded once more; or the
/// status of a refusal.
const TARGETS: &[(&str, [&str; 4])] = &[
    ("/uri/a%20b", ["/uri/a%20b a b"; 4]),
    // One segment for the router, and two for the front end.
    ("/uri/a%2Fb", ["/uri/a%2Fb a/b"; 4]),
    ("/uri/a%252Fb", ["/uri/a%252Fb a%2Fb"; 4]),
    ("/uri/%E2%82%AC", ["/uri/%E2%82%AC \u{20ac}"; 4]),
    ("/uri/a+b?x=%20+%26", ["/uri/a+b?x=%20+%26 a+b"; 4]),
    ("/uri/a/../b", ["/uri/b b"; 4]),
    // uWSGI's router looks for dots before it decodes.
    ("/uri/a/%2E%2E/b", ["/uri/b b", "/uri/b b", "/uri/b b", "/uri/a/%2E%2E/b a/../b"]),
    // uWSGI's router leaves slashes as they are.
    ("/uri/a//b", ["/uri/a/b a/b", "/uri/a/b a/b", "/uri/a/b a/b", "/uri/a//b a//b"]),
    // The spelling is lost with what was tidied.
    ("/uri/a/../b%2Fc", ["/uri/b/c b/c"; 4]),
    // A percent sign that begins nothing stands for itself, where it is let through.
    ("/uri/a%zz", ["400", "400", "/uri/a%25zz a%zz", "400"]),
];

#[test]
fn targets_as_a_router_sees_them() {
    let axum = SERVERS.iter().find(|server| server.name == "axum").expect("the asynchronous server");
    let mut wrong = Vec::new();
    for (column, name) in FRONT_ENDS.into_iter().enumerate() {
        let (stage, front_end) = (Stage::new(), FrontEnd::named(name));
        let listen = front_end.listen(&stage);
        let _server = (axum.start)(&stage, "server", &listen, Settings::default());
        let door = (front_end.start)(&stage, &listen);
        for (target, expected) in TARGETS {
            let answer = door.get(target).expect("an answer");
            let seen = match answer.head.status {
                200 => String::from_utf8_lossy(&answer.body).into_owned(),
                status => status.to_string(),
            };
            if seen != expected[column] {
                wrong.push(format!("{target} through {name}: {seen:?}, not {:?}", expected[column]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
