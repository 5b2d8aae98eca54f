//! The form of the payload of a request and of an answer, for every modifier1 and every modifier2.

use uwsgi::PayloadForm::{Array, None, Raw, Vars};
use uwsgi::{Modifier1, PayloadForm};

/// A modifier1, a modifier2 (`None`: all that no earlier row names), the form, source.
const ROWS: &[(u8, Option<u8>, PayloadForm, &str)] = &[
    (22, Option::None, Raw, "Protocol.rst: code to evaluate"),
    (73, Option::None, Raw, "Protocol.rst: a multicast announcement"),
    (74, Option::None, Raw, "Protocol.rst: a multicast message"),
    (96, Option::None, Raw, "Protocol.rst: a log line"),
    (100, Some(1), Raw, "uWSGI 2.0 plugins/ping: a warning in the answer"),
    (101, Option::None, Raw, "uWSGI 2.0 plugins/echo"),
    (109, Option::None, Raw, "uWSGI 2.0 core/legion.c: encrypted"),
    (111, Some(1), Array, "uWSGI 2.0 plugins/cache: set"),
    (111, Some(3), Vars, "uWSGI 2.0 plugins/cache: a key, by name"),
    (111, Some(4), Vars, "uWSGI 2.0 plugins/cache: a key, by name"),
    (111, Some(10), Array, "uWSGI 2.0 core/cache.c: a value that another node stored"),
    (111, Some(11), Array, "uWSGI 2.0 core/cache.c: a key that another node forgot"),
    (111, Some(17), Vars, "uWSGI 2.0 plugins/cache: commands"),
    (111, Option::None, Raw, "uWSGI 2.0 plugins/cache: a key, or a cache's name"),
    (115, Option::None, Raw, "uWSGI 2.0 core/emperor.c: configuration"),
    (173, Some(2), Vars, "uWSGI 2.0 plugins/rpc: a call in PATH_INFO"),
    (173, Some(3), Vars, "uWSGI 2.0 plugins/rpc: a call in the body, as XML-RPC"),
    (173, Option::None, Array, "uWSGI 2.0 core/rpc.c: a name and arguments"),
];

/// The same for answers.
const ANSWERS: &[(u8, Option<u8>, PayloadForm, &str)] = &[
    (35, Option::None, Vars, "uWSGI 2.0 core/fork_server.c: the pid"),
    (99, Option::None, Vars, "Protocol.rst: the configuration"),
    (111, Some(7), Vars, "uWSGI 2.0 plugins/cache: the sizes of a dump"),
    (111, Some(17), Vars, "uWSGI 2.0 plugins/cache: the answer to a command"),
    (173, Some(5), Vars, "uWSGI 2.0 plugins/rpc: the length of a result"),
];

#[test]
fn answer_forms() {
    for modifier1 in 0..=255_u8 {
        for modifier2 in 0..=255_u8 {
            let row = ANSWERS.iter().find(|row| row.0 == modifier1 && row.1.is_none_or(|number| number == modifier2));
            let (want, source) = row.map_or((Raw, "a result, a warning, a value"), |row| (row.2, row.3));
            for datasize in [1, 65535] {
                let form = Modifier1(modifier1).answer_form(modifier2, datasize);
                assert_eq!(form, want, "{modifier1} {modifier2} {datasize} ({source})");
            }
            assert_eq!(Modifier1(modifier1).answer_form(modifier2, 0), None, "{modifier1} {modifier2}");
        }
    }
}

#[test]
fn payload_forms() {
    for modifier1 in 0..=255_u8 {
        for modifier2 in 0..=255_u8 {
            let row = ROWS.iter().find(|row| row.0 == modifier1 && row.1.is_none_or(|number| number == modifier2));
            // All other packets are requests for a plugin.
            let (want, source) = row.map_or((Vars, "uWSGI 2.0 proto/uwsgi.c"), |row| (row.2, row.3));
            for datasize in [1, 4, 255, 256, 65535] {
                let form = Modifier1(modifier1).payload_form(modifier2, datasize);
                assert_eq!(form, want, "{modifier1} {modifier2} {datasize} ({source})");
            }
            assert_eq!(Modifier1(modifier1).payload_form(modifier2, 0), None, "{modifier1} {modifier2}");
        }
    }
}
