//! The table of `decode`.

use crate::{capture, command, run, run_with};

const GET: &str = "\
packet at 0
  modifier1  0 wsgi a request for a Python WSGI application, and the default of every front end
  modifier2  0
  datasize   355
  vars       16
         4  QUERY_STRING     x=1&y=2
        27  REQUEST_METHOD   GET
        48  CONTENT_TYPE
        64  CONTENT_LENGTH
        82  REQUEST_URI      /hello?x=1&y=2
       111  PATH_INFO        /hello
       130  DOCUMENT_ROOT    /var/www/html
       160  SERVER_PROTOCOL  HTTP/1.1
       187  REQUEST_SCHEME   http
       209  REMOTE_ADDR      127.0.0.1
       233  REMOTE_PORT      50362
       253  SERVER_PORT      18080
       273  SERVER_NAME      lab.test
       296  HTTP_HOST        lab.test
       317  HTTP_USER_AGENT  lab/1
       341  HTTP_ACCEPT      */*
  body       none (content-length)
";

#[test]
fn a_get_of_nginx_is_a_table_of_its_vars() {
    let file = capture("nginx/get.bin");
    assert_eq!(run(&["decode", &file]).text(), GET);
    assert_eq!(run_with(&["decode"], &std::fs::read(&file).unwrap()).text(), GET);
    assert_eq!(run_with(&["decode", "-"], &std::fs::read(&file).unwrap()).text(), GET);
}

#[test]
fn colours_are_only_for_terminals() {
    let file = capture("nginx/get.bin");
    assert_eq!(run(&["decode", &file]).text(), GET);
    // CLICOLOR_FORCE=1 turns colours on for a pipe.
    let forced = command(&["decode", &file]).env("CLICOLOR_FORCE", "1").output().unwrap().stdout;
    let text = String::from_utf8(forced).unwrap();
    assert!(text.starts_with("\x1b[1mpacket at 0\x1b[0m\n"), "{text:?}");
    let plain = command(&["decode", &file]).env("NO_COLOR", "1").env("TERM", "xterm").output().unwrap().stdout;
    assert_eq!(String::from_utf8(plain).unwrap(), GET);
    let bad = command(&["decode", "/nowhere"]).env("NO_COLOR", "1").output().unwrap().stderr;
    assert!(!bad.contains(&0x1b));
}

#[test]
fn several_files_have_headings() {
    let (ping, get) = (capture("uwsgi-client/ping.bin"), capture("nginx/get.bin"));
    let text = String::from_utf8(run(&["decode", &ping, &get]).success()).unwrap();
    assert!(text.starts_with(&format!("{ping}, 4 bytes\n\npacket at 0\n  modifier1  100 ping ping, and ")), "{text}");
    assert!(
        text.contains(&format!("  payload    none\n  body       none (content-length)\n\n{get}, 359 bytes\n\n")),
        "{text}"
    );
    assert!(text.ends_with(GET));
}

#[test]
fn every_form_of_payload_is_shown() {
    let array = b"\xad\x0b\x00\x00\x05\x00hello\x00\x00\x00\x00";
    let text = String::from_utf8(run_with(&["decode"], array).success()).unwrap();
    assert!(
        text.ends_with(
            "  items      3\n         4  hello\n        11\n        13\n  body       none (content-length)\n"
        ),
        "{text}"
    );
    let raw = b"\xad\x04\x00\x00a \xff body";
    let text = String::from_utf8(run_with(&["decode", "--payload", "raw", "--body", "rest"], raw).success()).unwrap();
    assert!(
        text.contains(
            "  payload    raw\n         4  a \\xff\\x20\n  body       4 bytes at 8 (rest), sha256 230d8358dc8e"
        ),
        "{text}"
    );
    let text = String::from_utf8(run_with(&["decode"], b"\x4d\x00\x00\x07").success()).unwrap();
    assert_eq!(
        text,
        "packet at 0\n  modifier1  77 no meaning known\n  modifier2  7\n  datasize   0\n  payload    none\n  body       none (content-length)\n"
    );
    assert_eq!(run_with(&["decode"], b"").text(), "no packets: the input is empty\n");
    assert_eq!(run_with(&["decode", "--json"], b"").text(), "[]\n");
    let empty = run_with(&["decode", "--json", "--payload", "vars"], b"\0\0\0\0").success();
    let empty: serde_json::Value = serde_json::from_slice(&empty).unwrap();
    assert_eq!((&empty[0]["payload"], &empty[0]["vars"]), (&"vars".into(), &serde_json::json!([])));
}

/// The packet, the arguments, and a part of the table. The modifiers are those of uWSGI 2.0 (plugins/rpc, plugins/ping,
/// plugins/cache), the bytes those of `docs/protocol.md`.
#[test]
fn the_direction_decides_the_form() {
    let rows: &[(&[u8], &[&str], &str)] = &[
        (b"\xad\x06\0\0\x04\0call", &[], "  items      1\n         4  call\n"),
        (b"\xad\x06\0\0\x04\0call", &["--answer"], "  payload    raw\n         4  \\x04\\x00call\n"),
        (b"\xad\x02\0\x0042", &["--answer"], "  payload    raw\n         4  42\n"),
        (
            b"\xad\x13\0\x05\x0e\0CONTENT_LENGTH\x01\x003abc",
            &["--answer"],
            "  vars       1\n         4  CONTENT_LENGTH  3\n  body       3 bytes at 23",
        ),
        (b"\x6f\x0c\0\x11\x06\0status\x02\0ok", &["--answer"], "  vars       1\n         4  status  ok\n"),
        (b"\x64\x04\0\x01full", &["--answer"], "  payload    raw\n         4  full\n"),
        (b"\xff\0\0\x01", &["--answer"], "  payload    none\n"),
    ];
    for (bytes, arguments, part) in rows {
        let text = String::from_utf8(run_with(&[&["decode"], *arguments].concat(), bytes).success()).unwrap();
        assert!(text.contains(part), "{text}");
    }
    // A result is read as a call, and a call as the length of a result. Each error has a hint.
    let result = run_with(&["decode"], b"\xad\x02\0\x0042");
    assert_eq!(result.status, 1);
    assert!(result.stderr.contains("if a server sent it, add --answer"), "{}", result.stderr);
    let result = run_with(&["decode", "--answer"], b"\xad\x03\0\x05abc");
    assert!(result.status == 1 && result.text().contains("0 before the fault"), "{}", result.text());
    assert!(result.stderr.contains("use --payload raw in place of --answer"), "{}", result.stderr);
}

#[test]
fn hex_text_is_read_and_written() {
    let hex = b"# a ping\n64 0 0 00 # datasize\r\n\t00\n00 0600 00  0100 41 0100 42";
    let json = run_with(&["decode", "--hex", "--json"], hex).success();
    let packets: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&packets[0]["modifier1"], &packets[1]["vars"]), (&100.into(), &serde_json::json!([["A", "B"]])));
    let result = run_with(&["decode", "--hex"], b"00 00\n00 0g");
    assert_eq!((result.status, result.text()), (1, ""));
    assert!(
        result.stderr.starts_with("error: standard input: line 2, column 5: 'g' is not a hex digit"),
        "{}",
        result.stderr
    );
    let packet = run(&["encode", "A=B"]).success();
    let text = run(&["encode", "--hex", "A=B"]).success();
    assert_eq!(text, b"00 06 00 00 01 00 41 01 00 42\n");
    assert_eq!(run_with(&["decode", "--hex"], &text).stdout, run_with(&["decode"], &packet).stdout);
}

#[test]
fn control_characters_of_values_are_escaped() {
    let packet = run(&["encode", "A=\x1b]0;title\x07\u{202e}", "B\n=C:\\ä"]).success();
    let text = String::from_utf8(run_with(&["decode"], &packet).success()).unwrap();
    assert!(text.contains("  A      \\x1b]0;title\\x07\\xe2\\x80\\xae\n"), "{text}");
    assert!(text.contains("  B\\x0a  C:\\\\ä\n"), "{text}");
}

/// U+009B introduces control sequences on terminals that know the control characters of C1 (ECMA-48).
#[test]
fn json_escapes_the_control_characters_of_c1() {
    let packet = b"\x00\x09\x00\x00\x01\x00A\x04\x00\x9b2J\xe9";
    let text = String::from_utf8(run_with(&["decode", "--json"], packet).success()).unwrap();
    assert!(text.contains("\"\\u009b2J\u{e9}\""), "{text}");
    assert_eq!(run_with(&["encode", "--json", "-"], text.as_bytes()).success(), packet);
}
