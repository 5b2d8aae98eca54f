//! What users of uWSGI's HTTP router report: each report is a check that the gateway passes.
//!
//! Where the router of uWSGI 2.0.31 can be asked too, the table says how it fails the same check. So the checks are known to be
//! able to fail.

mod big_heads;
mod chunked_uploads;
mod kept;
mod listen_queue;
mod memory;
mod scripted;
mod settings;
mod smuggling;
mod statuses;
mod streamed;
mod timeouts;
mod trust;
mod websockets;
mod workers;

use uwsgi_tests::programs::TestDir;

use crate::front::Front;

/// A check that a report of users asks for. The error says what is wrong.
type Check = fn(&TestDir, Front) -> Result<(), String>;

/// A report.
struct Report {
    name: &'static str,
    /// Where users reported it.
    source: &'static str,
    check: Check,
    /// A part of the error with which uWSGI's router fails, or why it is not asked.
    router: Result<&'static str, &'static str>,
}

const REPORTS: &[Report] = &[
    Report {
        name: "memory at start",
        source: "unbit/uwsgi #2299, #2586, #2658; nautobot #760; linkding #946",
        check: memory::check,
        router: Err("its process is that of the workers too, so that the numbers say little about the router"),
    },
    Report {
        name: "kept connections",
        source: "unbit/uwsgi #1097, #2269, #1051; traefik #615; reana #691",
        check: kept::check,
        router: Ok("failed after 2 requests: invalid HTTP version"),
    },
    Report {
        name: "a setting without its number",
        source: "unbit/uwsgi-docs #445",
        check: settings::check,
        router: Ok("it starts"),
    },
    Report {
        name: "chunked uploads",
        source: "unbit/uwsgi #1428, #1187, #1394, #333, #2140",
        check: chunked_uploads::check,
        router: Ok("the body has 0 bytes instead of 1"),
    },
    Report {
        name: "streamed answers",
        source: "unbit/uwsgi #341, #357, #239",
        check: streamed::check,
        router: Ok("Closed"),
    },
    Report {
        name: "WebSockets",
        source: "unbit/uwsgi #620, #1155, #2515, #1401",
        check: websockets::check,
        router: Ok("half-close: 0 of"),
    },
    Report { name: "timeouts", source: "unbit/uwsgi #2264, #1623", check: timeouts::check, router: Ok("no answer") },
    Report { name: "a killed worker", source: "unbit/uwsgi #2131", check: workers::check, router: Ok("no answer") },
    Report {
        name: "errors have a status",
        source: "unbit/uwsgi #583, #592, #2324",
        check: statuses::check,
        router: Ok("no answer"),
    },
    Report {
        name: "a full listen queue",
        source: "unbit/uwsgi #1804, #1647, #378, #2493",
        check: listen_queue::check,
        router: Ok("no answer"),
    },
    Report { name: "big heads", source: "unbit/uwsgi #1831, #1048", check: big_heads::check, router: Ok("no answer") },
    Report {
        name: "trust in X-Forwarded-For",
        source: "unbit/uwsgi #94, #627, #2443, #1889",
        check: trust::check,
        router: Ok("HTTP_X_FORWARDED_FOR"),
    },
    Report {
        name: "request smuggling",
        source: "unbit/uwsgi #2775, #2560, #2596",
        check: smuggling::check,
        router: Ok("both lengths"),
    },
];

impl Report {
    fn named(name: &str) -> &'static Self {
        REPORTS.iter().find(|report| report.name == name).expect("a report")
    }

    fn holds_for_the_gateway(&self) {
        let (name, source) = (self.name, self.source);
        (self.check)(&TestDir::new(), Front::Gateway).unwrap_or_else(|error| panic!("{name} ({source}): {error}"));
    }

    fn fails_for_the_router(&self) {
        let wanted = self.router.expect("the router is asked");
        let error = (self.check)(&TestDir::new(), Front::Router).expect_err("the router does not fail this any more");
        assert!(error.contains(wanted), "{}: {error:?} instead of {wanted:?}", self.name);
    }
}

macro_rules! reports {
    ($(gateway $test:ident = $name:literal,)* $(router $of_router:ident = $name_of_router:literal,)*) => {
        mod gateway {
            $(
                #[test]
                fn $test() {
                    super::Report::named($name).holds_for_the_gateway();
                }
            )*
        }

        mod router {
            $(
                #[test]
                fn $of_router() {
                    super::Report::named($name_of_router).fails_for_the_router();
                }
            )*
        }

        #[test]
        fn every_report_has_its_tests() {
            assert!(REPORTS.iter().map(|report| report.name).eq([$($name),*]));
            let asked = REPORTS.iter().filter(|report| report.router.is_ok());
            assert!(asked.map(|report| report.name).eq([$($name_of_router),*]));
        }
    };
}

reports! {
    gateway memory = "memory at start",
    gateway kept = "kept connections",
    gateway settings = "a setting without its number",
    gateway chunked_uploads = "chunked uploads",
    gateway streamed = "streamed answers",
    gateway websockets = "WebSockets",
    gateway timeouts = "timeouts",
    gateway workers = "a killed worker",
    gateway statuses = "errors have a status",
    gateway listen_queue = "a full listen queue",
    gateway big_heads = "big heads",
    gateway trust = "trust in X-Forwarded-For",
    gateway smuggling = "request smuggling",
    router kept = "kept connections",
    router settings = "a setting without its number",
    router chunked_uploads = "chunked uploads",
    router streamed = "streamed answers",
    router websockets = "WebSockets",
    router timeouts = "timeouts",
    router workers = "a killed worker",
    router statuses = "errors have a status",
    router listen_queue = "a full listen queue",
    router big_heads = "big heads",
    router trust = "trust in X-Forwarded-For",
    router smuggling = "request smuggling",
}
