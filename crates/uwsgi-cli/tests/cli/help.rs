//! Help, manual pages and completions.

use crate::{run, scratch};

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = String::from_utf8(run(&["completions", shell]).success()).unwrap();
        for word in ["uwsgictl", "decode", "encode", "payload", "data-binary", "gateway", "http-keepalive"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
    assert_eq!(run(&["completions", "tcsh"]).status, 2);
}

#[test]
fn every_command_has_a_page() {
    let directory = scratch("man").join("made/on/the/way");
    let commands = [
        "decode",
        "encode",
        "serve",
        "gateway",
        "check",
        "bench",
        "request",
        "ping",
        "rpc",
        "cache",
        "spool",
        "signal",
        "subscribe",
        "completions",
        "man",
    ];
    let mut pages: Vec<_> = commands.iter().map(|command| format!("uwsgictl-{command}")).collect();
    pages.push("uwsgictl".to_owned());
    assert!(run(&["man", "--dir", directory.to_str().unwrap()]).success().is_empty());
    let all = String::from_utf8(run(&["man"]).success()).unwrap();
    for page in &pages {
        let text = std::fs::read_to_string(directory.join(format!("{page}.1"))).unwrap();
        assert!(text.contains(&format!(".TH {page} 1")), "{text}");
        assert!(text.contains(".SH NAME") && all.contains(&text));
    }
    assert_eq!(std::fs::read_dir(directory).unwrap().count(), pages.len());
    assert_eq!(run(&["man", "--dir", "/dev/null/x"]).status, 2);
}

#[test]
fn help_has_examples() {
    for arguments in [
        &["--help"][..],
        &["decode", "--help"],
        &["encode", "--help"],
        &["serve", "--help"],
        &["gateway", "--help"],
        &["check", "--help"],
        &["bench", "--help"],
        &["man", "-h"],
        &["help", "completions"],
        &["request", "--help"],
        &["ping", "--help"],
        &["rpc", "--help"],
        &["cache", "--help"],
        &["spool", "--help"],
        &["signal", "--help"],
        &["subscribe", "--help"],
    ] {
        let text = String::from_utf8(run(arguments).success()).unwrap();
        assert!(text.contains("Examples:\n  uwsgictl "), "{text}");
        assert!(text.contains("\nUsage: "), "{text}");
    }
    let version = String::from_utf8(run(&["--version"]).success()).unwrap();
    assert_eq!(version, concat!("uwsgictl ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_wrong_command_line_has_status_2() {
    for arguments in [
        &[][..],
        &["x"],
        &["decode", "--payload", "x"],
        &["decode", "--answer", "--payload", "raw"],
        &["decode", "--payload", "answer"],
        &["decode", "--what"],
        &["encode"],
        &["encode", "--modifier1", "256", "A=B"],
    ] {
        let result = run(arguments);
        assert_eq!(result.status, 2, "{arguments:?}");
        assert!(!result.stderr.is_empty() && result.stdout.is_empty());
    }
}
