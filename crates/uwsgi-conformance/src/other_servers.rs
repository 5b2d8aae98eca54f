//! What uWSGI and gunicorn do with the cases, from the file `other_servers.tsv`.
//!
//! A line of the file has three fields with tabs between them: the name of a case, the program, and what the program does. The
//! lines stand in the order of the cases, uWSGI before gunicorn. A case that was not tried has no line.
//! `tests/tests/side_by_side` of the repository writes the file.

use alloc::collections::BTreeMap;
use std::sync::OnceLock;

/// The programs, as the file names them.
pub(crate) const UWSGI: &str = "uWSGI";
pub(crate) const GUNICORN: &str = "gunicorn";

/// The text for a program that has no line in the file.
pub(crate) const NOT_TRIED: &str = "not tried";

const FILE: &str = include_str!("other_servers.tsv");

/// Returns what a program does with the case of this name; `None` if it was not tried.
pub(crate) fn recorded(case: &str, program: &str) -> Option<&'static str> {
    static RECORDED: OnceLock<BTreeMap<(&str, &str), &str>> = OnceLock::new();
    RECORDED
        .get_or_init(|| lines().map(|[case, program, text]| ((case, program), text)).collect())
        .get(&(case, program))
        .copied()
}

/// Returns the fields of each line. Leaves out a line that does not have three fields; the test below finds such a line.
fn lines() -> impl Iterator<Item = [&'static str; 3]> {
    FILE.lines().filter_map(|line| <[&str; 3]>::try_from(line.split('\t').collect::<Vec<_>>()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::all;

    #[test]
    fn each_line_is_about_a_case_in_the_order_of_the_cases() {
        let rank = |case: &str, program: &str| {
            let case = all().position(|other| other.name == case);
            let program = [UWSGI, GUNICORN].iter().position(|other| *other == program);
            case.zip(program)
        };
        let ranks: Vec<_> = lines()
            .map(|[case, program, text]| {
                assert!(!text.is_empty() && text != NOT_TRIED, "{case}: {text:?}");
                rank(case, program).unwrap_or_else(|| panic!("no case and program: {case}, {program}"))
            })
            .collect();
        assert_eq!(ranks.len(), FILE.lines().count(), "a line does not have three fields");
        assert!(
            ranks.is_sorted_by(|one, next| one < next),
            "lines are out of order, or there are two of a case and a program"
        );
    }
}
