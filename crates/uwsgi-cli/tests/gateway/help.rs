//! The help, on a terminal of 80 columns.

use std::process::Command;

#[test]
fn the_help_fits_on_80_columns() {
    let output = Command::new(env!("CARGO_BIN_EXE_uwsgictl"))
        .args(["gateway", "--help"])
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    // The options are in groups.
    let headings: Vec<_> = text.lines().filter(|line| !line.starts_with(' ') && line.ends_with(':')).collect();
    let expected = [
        "Options:",
        "Listeners:",
        "Backend:",
        "Headers of clients and proxies:",
        "Bodies:",
        "The longest waits:",
        "Operation:",
        "Examples:",
    ];
    assert_eq!(headings, expected);
    // What a user of another gateway would look for in vain.
    let words: Vec<_> = text.split_whitespace().collect();
    let text = words.join(" ");
    for missing in ["no TLS", "no HTTP/2", "no compression", "no rate limits", "no cache", "no static files"] {
        assert!(text.contains(missing), "{missing}");
    }
}
