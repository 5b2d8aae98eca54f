//! Help, manual pages and completions.

use alloc::collections::BTreeMap;
use std::path::Path;

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
    let missing = run(&["completions"]).stderr;
    assert!(missing.contains("Usage: uwsgictl completions <bash|elvish|fish|powershell|zsh>"), "{missing}");
}

const COMMANDS: [&str; 15] = [
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

/// Returns the manual pages of the program in a new directory, by their names.
fn pages(test: &str) -> BTreeMap<String, String> {
    let directory = scratch(test).join("made/on/the/way");
    assert!(run(&["man", "--dir", directory.to_str().unwrap()]).success().is_empty());
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let name = |file: &Path| file.file_name().unwrap().to_str().unwrap().strip_suffix(".1").unwrap().to_owned();
    files.map(|file| (name(&file), std::fs::read_to_string(&file).unwrap())).collect()
}

#[test]
fn every_command_has_a_page() {
    let pages = pages("man");
    let cache = ["get", "set", "update", "del", "exists", "clear"].map(|command| format!("cache-{command}"));
    let mut expected: Vec<_> = COMMANDS.iter().map(ToString::to_string).chain(cache).collect();
    expected.iter_mut().for_each(|name| *name = format!("uwsgictl-{name}"));
    expected.push("uwsgictl".to_owned());
    expected.sort();
    assert_eq!(pages.keys().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    let all = String::from_utf8(run(&["man"]).success()).unwrap();
    for (name, text) in &pages {
        assert!(text.contains(&format!(".TH {name} 1 \"\" \"uwsgictl ")), "{text}");
        for section in [".SH NAME\n", ".SH SYNOPSIS\n\\fBuwsgictl", ".SH \"DESCRIPTION\"\n", ".SH OPTIONS\n"] {
            assert!(text.contains(section), "{name}: {section} in {text}");
        }
        assert!(all.contains(text));
        // What a page names is a page.
        for other in text.split("(1)").filter_map(|before| before.rsplit(['\n', ' ']).next()) {
            let other = other.replace('\\', "");
            assert!(
                other.is_empty() || !other.starts_with("uwsgictl") || pages.contains_key(&other),
                "{name}: {other}"
            );
        }
    }
    assert!(pages["uwsgictl-cache"].contains("uwsgictl\\-cache\\-get(1)"));
    assert!(pages["uwsgictl-cache-get"].contains(".BR uwsgictl\\-cache (1)\n"));
    assert!(pages["uwsgictl-ping"].contains("\\fBUWSGICTL_TO\\fR"));
    assert_eq!(run(&["man", "--dir", "/dev/null/x"]).status, 2);
}

/// A reader copies an example from the help or from the page: neither wraps it, nor changes a character of it.
#[test]
fn examples_can_be_copied() {
    let pages = pages("man-examples");
    for command in COMMANDS {
        let help = String::from_utf8(run(&[command, "--help"]).success()).unwrap();
        let examples = help.split_once("Examples:\n").unwrap().1;
        let examples = examples.lines().map_while(|line| line.strip_prefix("  ")).collect::<Vec<_>>();
        assert!(!examples.is_empty());
        let page = &pages[&format!("uwsgictl-{command}")];
        let kept = page.split_once(".SH \"EXAMPLES\"\n.PP\n.nf\n").unwrap().1.split_once("\n.fi").unwrap().0;
        let plain = [("\\-", "-"), ("\\(aq", "'"), ("\\(ti", "~"), ("\\(ga", "`"), ("\\(ha", "^"), ("\\(rs", "\\")]
            .iter()
            .fold(kept.to_owned(), |text, (escape, character)| text.replace(escape, character));
        assert_eq!(plain.lines().collect::<Vec<_>>(), examples, "{command}");
        for line in examples {
            // A page is indented by 7 columns.
            assert!(line.len() <= 73, "{} columns: {line}", line.len());
            assert!(line.contains("uwsgictl ") || line.starts_with("    "), "{line}");
        }
    }
    // No line that is kept as it is is wider than a terminal.
    for (name, page) in &pages {
        for block in page.split(".nf\n").skip(1).map(|block| block.split(".fi").next().unwrap()) {
            for line in block.replace("\\-", "-").replace("\\(aq", "'").lines() {
                assert!(line.len() <= 73, "{name}: {} columns: {line}", line.len());
            }
        }
    }
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
