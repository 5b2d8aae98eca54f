//! The path that an axum router sees, for targets with percent signs, dots and slashes. It is the path that the front end has
//! routed. If the front end has not normalized the path, it has the spelling of the client. The cases `path-*` of the
//! collection show what each front end normalizes in `PATH_INFO`.

use uwsgi_tests::programs::TestDir;

use super::matrix::{FrontEnd, SERVERS, Settings};

/// The front ends, in the order of the columns below.
const FRONT_ENDS: [&str; 4] = ["nginx-tcp", "apache-tcp", "lighttpd-tcp", "uwsgi-http"];

/// A target, and what each front end makes of it: the URI and the path parameter of the router, or the status of a refusal.
/// The router decodes the path parameter once more.
const TARGETS: &[(&str, [&str; 4])] = &[
    ("/uri/a%20b", ["/uri/a%20b a b"; 4]),
    // The router sees one segment, and the front end two.
    ("/uri/a%2Fb", ["/uri/a%2Fb a/b"; 4]),
    ("/uri/a%252Fb", ["/uri/a%252Fb a%2Fb"; 4]),
    ("/uri/%E2%82%AC", ["/uri/%E2%82%AC \u{20ac}"; 4]),
    ("/uri/a+b?x=%20+%26", ["/uri/a+b?x=%20+%26 a+b"; 4]),
    ("/uri/a/../b", ["/uri/b b"; 4]),
    // uWSGI's router looks for dots before it decodes.
    ("/uri/a/%2E%2E/b", ["/uri/b b", "/uri/b b", "/uri/b b", "/uri/a/%2E%2E/b a/../b"]),
    // uWSGI's router leaves slashes as they are.
    ("/uri/a//b", ["/uri/a/b a/b", "/uri/a/b a/b", "/uri/a/b a/b", "/uri/a//b a//b"]),
    // A path that was normalized loses the spelling of the client.
    ("/uri/a/../b%2Fc", ["/uri/b/c b/c"; 4]),
    // A percent sign without two digits stands for itself, if the front end accepts it.
    ("/uri/a%zz", ["400", "400", "/uri/a%25zz a%zz", "400"]),
];

#[test]
fn targets_as_a_router_sees_them() {
    let axum = SERVERS.iter().find(|server| server.name == "axum").expect("the asynchronous server");
    let mut wrong = Vec::new();
    for (column, name) in FRONT_ENDS.into_iter().enumerate() {
        let (test_dir, front_end) = (TestDir::new(), FrontEnd::named(name));
        let listen = front_end.listen(&test_dir);
        let _server = (axum.start)(&test_dir, "server", &listen, Settings::default());
        let running = (front_end.start)(&test_dir, &listen);
        for (target, expected) in TARGETS {
            let answer = running.get(target).expect("an answer");
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
