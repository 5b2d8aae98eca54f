//! What came back, in a few words.

use core::fmt;

use uwsgi::server::Receive;

use crate::case::{After, Case, Row, Verdict};
use crate::endpoint::End;
use crate::outcome::{Answer, Outcome};
use crate::report::{contradicted, line};

impl Outcome {
    /// Returns what came back in a few words: the statuses, what the application saw otherwise than it should, and how the
    /// connection ended.
    ///
    /// ```
    /// use uwsgi_conformance::machine::Machine;
    /// use uwsgi_conformance::{Split, all, observe};
    ///
    /// let words = |name| {
    ///     let case = all().find(|case| case.name == name).unwrap();
    ///     observe(case, &Machine, Split::Whole).map(|outcome| outcome.in_words(case)).unwrap()
    /// };
    /// assert_eq!(words("datasize-0"), "400");
    /// assert_eq!(words("keepalive-two"), "200 + 200, kept open");
    /// assert_eq!(words("connect-wait"), "closes");
    /// ```
    #[must_use]
    pub fn in_words(&self, case: &Case) -> String {
        let cut = self.answers.last().is_some_and(|answer| !answer.whole);
        if matches!(self.end, End::Gone) {
            return "nothing to be seen".into();
        }
        if self.answers.is_empty() && self.rest.is_empty() {
            return match self.end {
                End::Open => "hangs".into(),
                End::Reset => "resets".into(),
                _ => "closes".into(),
            };
        }
        let mut words = Runs::default();
        for (index, answer) in self.answers.iter().enumerate() {
            words.push(in_words(answer, case, index));
        }
        if self.rest == Receive::PONG {
            words.push("pong".into());
        } else if !self.rest.is_empty() {
            words.push("stray bytes".into());
        }
        let end = match self.end {
            End::Open if cut => ", hangs",
            End::Reset => ", resets",
            _ if self.closes() || cut => "",
            _ => ", kept open",
        };
        format!("{words}{end}")
    }
}

fn in_words(answer: &Answer, case: &Case, index: usize) -> String {
    let mut words = answer.status.to_string();
    if !answer.whole {
        words.push_str(" cut off");
    }
    let mut seen: Vec<_> = match case.verdict.expected().get(index) {
        Some(expected) if expected.status < 400 => {
            contradicted(&answer.body, expected).into_iter().map(|(_, actual)| actual).collect()
        }
        // The length of the body that the application read, although the announced length is wrong.
        _ if is_about_lengths(case.row) => line(&answer.body, "body ").into_iter().collect(),
        _ => Vec::new(),
    };
    seen.dedup();
    if !seen.is_empty() {
        words.push_str(&format!(" ({})", seen.join(", ")));
    }
    words
}

const fn is_about_lengths(row: Row) -> bool {
    matches!(row, Row::InvalidLength | Row::LengthOverLimit | Row::BodyEndsEarly)
}

/// A list of words. Equal words in a row are counted.
#[derive(Default)]
struct Runs(Vec<(String, usize)>);

impl Runs {
    fn push(&mut self, word: String) {
        match self.0.last_mut() {
            Some((last, count)) if *last == word => *count = count.saturating_add(1),
            _ => self.0.push((word, 1)),
        }
    }
}

impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (word, count)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" + ")?;
            }
            match count {
                1 => f.write_str(word)?,
                2 => write!(f, "{word} + {word}")?,
                _ => write!(f, "{word} ×{count}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abort => f.write_str("cut off"),
            Self::Close => f.write_str("closes"),
            Self::Gone => f.write_str("nothing to be seen"),
            Self::Pong => f.write_str("pong"),
            Self::Answer(_, after) | Self::Answers(_, after) => {
                let mut words = Runs::default();
                self.expected().iter().for_each(|expected| words.push(expected.status.to_string()));
                write!(f, "{words}{}", if *after == After::StaysOpen { ", kept open" } else { "" })
            }
        }
    }
}
