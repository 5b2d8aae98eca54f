//! The page `docs/malformed.md`.

use std::fmt::Write;

use uwsgi_conformance::{Case, Row, Verdict, all};

use crate::Outcomes;
use crate::recorded::{NOT_TRIED, without_remark};

/// The cases in which our server does not do what the verdict says, and what it does. It cannot take a thread from an
/// application that works.
const EXCEPTIONS: [(&str, &str); 1] = [("stop-works-too-long", "hangs")];

/// Returns the sentence that names the versions of the measured servers.
pub(crate) fn heading(versions: &[String]) -> String {
    let mut versions = versions.to_vec();
    versions.dedup();
    format!("The versions: {}.", versions.join(", "))
}

/// How to read a cell of the page. It stands after the versions.
pub(crate) const LEGEND: &str = "\
    Each cell shows the statuses of the responses. In parentheses it shows what the application saw differently from what was \
    sent. Then it says how the connection ended, unless the server closed it after the response. `closes`: the server closed \
    without a byte of a response. `hangs`: there was no response and no close within 13 seconds after the last byte. `kept \
    open`: the connection stayed open for at least 1.5 seconds. `resets`: the kernel may discard the response while the sender \
    still sends.\n\n\
    Ours is `uwsgi-server`, measured like the others. Another test plays the same cases against `uwsgi-tower`, over the same \
    sockets and with the same verdicts. There is one exception: an application that gives more bytes than its length \
    (`app-long-fails`). A body of `http_body` does not learn that it is too long, so that the response is whole and the extra \
    bytes are not sent.\n\n\
    A third test plays them against `uwsgi-wsgi`, which accepts nothing while all its threads are busy. So it has no response \
    to a request without a free worker, and no time limit for a connection that was not accepted. Where the front end sends no \
    `PATH_INFO`, its applications get the path that the other vars tell (`one-variable`, `no-path-info`, \
    `target-only-script-name`).\n\n\
    Ours hangs in one case, `stop-works-too-long`: the server is asked to stop, and the application works on after the grace \
    period. The server cannot end the application's thread. The server's `run` returns all the same, and the connection ends \
    with the application or with the process.\n\n\
    uWSGI has its default limits (4096 bytes and 4 seconds a packet) and one process. gunicorn has one worker and \
    `--timeout 7`. Where two versions or two kinds of worker differ, a bar separates their results. `or` separates results \
    that differ from run to run. Text in italics was not played, but read in sources and manuals. An empty cell was not \
    tried.\n";

/// Returns the whole page.
pub(crate) fn page(versions: &[String], ours: &Outcomes, measured: &[Outcomes]) -> String {
    let mut page = String::from(
        "# Malformed and borderline input, side by side\n\n\
         This page shows what this project's server, uWSGI and gunicorn do with each case of `uwsgi-conformance`. All get the \
         same bytes over loopback TCP, and have an application that reads the body and reports what it saw. ",
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
            let cell = |kinds: &[Outcomes], recorded: &str| {
                let is_measured = kinds.iter().any(|outcomes| outcomes.contains_key(case.name));
                match recorded {
                    NOT_TRIED => String::new(),
                    _ if is_measured => escaped(without_remark(recorded)),
                    _ => format!("*{}*", escaped(recorded)),
                }
            };
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} | {} |",
                case.name,
                escaped(case.about),
                escaped(ours.get(case.name).map_or("", String::as_str)),
                cell(uwsgi, case.uwsgi()),
                cell(gunicorn, case.gunicorn()),
            );
        }
    }
    page
}

/// Returns an error if our server does not do what the verdict of the case says.
pub(crate) fn ours_differs(case: &Case, ours: &Outcomes) -> Option<String> {
    let outcome = ours.get(case.name)?;
    let exception = EXCEPTIONS.iter().find(|(name, _)| *name == case.name).map(|(_, outcome)| (*outcome).to_owned());
    let is_cut = case.verdict == Verdict::Abort && (outcome.contains("cut off") || outcome.contains("resets"));
    let expected = exception.unwrap_or_else(|| case.verdict.to_string());
    (*outcome != expected && !is_cut && outcome != "nothing to be seen")
        .then(|| format!("{}: {outcome}, not {expected}", case.name))
}

/// Escapes the bars of a text, which would end its cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
