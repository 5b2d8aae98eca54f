//! `docs/front-ends.md` shows the configurations of `tests/front-ends` byte for byte; the tests of the feature `peers`
//! start real programs with these files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_page_shows_every_configuration_unchanged() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(tests.join("../docs/front-ends.md")).expect("the page");
    let mut shown = BTreeSet::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        // A line with only a link to a file, an empty line, and the file in a fence.
        let Some(name) = line.strip_prefix("[`").and_then(|rest| rest.split_once("`](../tests/front-ends/")) else {
            continue;
        };
        let (name, target) = name;
        assert_eq!(target, format!("{name}):"), "the link of {name}");
        assert_eq!(lines.next(), Some(""), "after the link of {name}");
        assert!(lines.next().is_some_and(|fence| fence.starts_with("```")), "no fence after the link of {name}");
        let mut text = String::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            text.push_str(line);
            text.push('\n');
        }
        let file = fs::read_to_string(tests.join("front-ends").join(name)).expect("a file");
        assert_eq!(text, file, "{name} differs on the page");
        assert!(shown.insert(name.to_owned()), "{name} is shown twice");
    }
    let files = fs::read_dir(tests.join("front-ends")).expect("the directory");
    let files: BTreeSet<String> =
        files.map(|file| file.expect("a file").file_name().into_string().expect("a name")).collect();
    assert_eq!(shown, files);
}
