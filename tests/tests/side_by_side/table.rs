//! The table that people read.

use std::fmt::Write;

use uwsgi_conformance::{Case, Row, Verdict, all};

use crate::Words;

/// What a server of threads does otherwise: it cannot take the thread from an application that works.
const OTHERWISE: [(&str, &str); 1] = [("stop-works-too-long", "hangs")];

/// Which versions the table is of.
pub(crate) fn heading(versions: &[String]) -> String {
    let mut versions = versions.to_vec();
    versions.dedup();
    format!("Of {}.", versions.join(", "))
}

/// What every version of the page says behind its heading: how to read a cell.
pub(crate) const LEGEND: &str = "A cell has the statuses that were answered, in parentheses what the application saw \
    otherwise than it was sent, and how the connection ended if not with the answer. `closes`: without a byte of answer. \
    `hangs`: neither an answer nor a close 13 seconds after the last byte. `kept open`: for 1.5 seconds or more. `resets`: the \
    kernel may take the answer away from whoever is still sending.\n\n\
    Ours is `uwsgi-server`, measured as the others are. `uwsgi-tower` is held to the same verdicts, over the same sockets, by a test of \
    its own, but for one: where an application gives more than its length (`app-long-fails`) what is too much does not leave, and the \
    answer is whole, since a body of `http_body` is not told.\n\n\
    Ours hangs in one place, `stop-works-too-long`: a stop was asked for, and the application works on when the time for it is \
    over. A thread cannot be taken from an application; the server's `run` comes back all the same, and the connection ends with \
    the application, or with the process.\n\n\
    uWSGI has its default limits (4096 bytes and 4 seconds a packet) and one process, gunicorn one worker and `--timeout 7`. \
    Where two versions or two workers differ, the others follow behind a bar; where time and chance decide, `or` stands between. \
    In italics: not played, but read in sources and manuals. An empty cell: not tried.\n";

/// The whole page.
pub(crate) fn table(versions: &[String], ours: &Words, measured: &[Words]) -> String {
    let mut page = String::from(
        "# Malformed and borderline input, side by side\n\n\
         What this project's server, uWSGI and gunicorn do with each case of `uwsgi-conformance`: the same bytes, over \
         loopback TCP, to an application that reads the body and says what it saw. ",
    );
    page.push_str(&heading(versions));
    page.push_str("\n\n");
    page.push_str(LEGEND);
    let (uwsgi, gunicorn) = measured.split_at(2);
    for row in Row::ALL {
        let mut cases = all().filter(|case| case.row == row).peekable();
        if cases.peek().is_none() {
            continue;
        }
        let _ = write!(page, "\n## {row}\n\n| case | sent | ours | uWSGI | gunicorn |\n|---|---|---|---|---|\n");
        for case in cases {
            let bars = |words: String| words.replace('|', "\\|");
            let told = |kinds: &[Words], says: &str| {
                let is_measured = kinds.iter().any(|words| words.contains_key(case.name));
                match says {
                    "not tried" => String::new(),
                    _ if is_measured => bars(says.split_once("; ").map_or(says, |(words, _)| words).to_owned()),
                    _ => format!("*{}*", bars(says.to_owned())),
                }
            };
            let ours = bars(ours.get(case.name).cloned().unwrap_or_default());
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} | {} |",
                case.name,
                case.about.replace('|', "\\|"),
                ours,
                told(uwsgi, case.uwsgi),
                told(gunicorn, case.gunicorn),
            );
        }
    }
    page
}

/// What ours did that its verdict does not say.
pub(crate) fn ours_differs(case: &Case, ours: &Words) -> Option<String> {
    let words = ours.get(case.name)?;
    let otherwise = OTHERWISE.iter().find(|(name, _)| *name == case.name).map(|(_, words)| (*words).to_owned());
    let cut = case.verdict == Verdict::Abort && (words.contains("cut off") || words.contains("resets"));
    let wanted = otherwise.unwrap_or_else(|| case.verdict.to_string());
    (*words != wanted && !cut && words != "nothing to be seen").then(|| format!("{}: {words}, not {wanted}", case.name))
}
