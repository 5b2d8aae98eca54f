//! Answers that a limit of the server cut off.

use core::fmt;
use core::time::Duration;

use crate::server::refusal::Refusal;

/// An answer that a limit of the server cut off. Its text is the line in the log.
///
/// ```
/// use uwsgi::response::ResponseEncoder;
/// use uwsgi::server::{Receive, Respond, Settings, TimeStep};
/// use uwsgi::Time;
///
/// let receive = Receive::new(Settings::default(), Time::ZERO);
/// let mut respond = Respond::queued(&receive, Time::ZERO);
/// respond.started();
/// let mut buffer = [0; 64];
/// let mut head = ResponseEncoder::new(&mut buffer[..], 200, "OK")?;
/// head.push_length(5000)?;
/// respond.head(&head.finish()?);
/// respond.body(5000)?;
/// respond.wrote(1000);
/// respond.blocked(Time::ZERO);
/// assert_eq!(respond.time(Time::from_millis(3_600_000)), TimeStep::Abort);
/// let line = respond.cut().map(|cut| cut.to_string());
/// assert!(line.is_some_and(|line| line.starts_with("an answer was cut off after 1000 of 5000 bytes: the peer took nothing")));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Cut {
    /// The limit.
    pub limit: CutLimit,
    /// How many bytes of the body the connection had taken.
    pub sent: u64,
    /// The length of the body, if its head says it.
    pub length: Option<u64>,
}

/// The limit that cut an answer off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CutLimit {
    /// The application needed the rest of the request, which was refused.
    Request(Refusal),
    /// The grace period of a stop ended: [`stop_grace`](crate::server::Settings::stop_grace).
    StopGrace(Duration),
    /// The peer took no byte for this time: [`write_idle`](crate::server::Settings::write_idle).
    WriteIdle(Duration),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an answer was cut off after {}", self.sent)?;
        if let Some(length) = self.length {
            write!(f, " of {length}")?;
        }
        match self.limit {
            CutLimit::Request(refusal) => write!(f, " bytes, because of its request: {refusal:#}"),
            CutLimit::StopGrace(grace) => write!(
                f,
                " bytes: a stop was asked for, and the answer was not finished within {}; set a longer grace period",
                Spelled(grace)
            ),
            // nginx 1.22 reads nothing while its client reads the temporary file (ngx_event_pipe_read_upstream).
            CutLimit::WriteIdle(idle) => write!(
                f,
                " bytes: the peer took nothing for {}; set a longer write_idle, or uwsgi_max_temp_file_size 0 in nginx",
                Spelled(idle)
            ),
        }
    }
}

impl core::error::Error for Cut {}

/// A time that is printed in seconds, or in milliseconds if it is not a whole number of seconds.
struct Spelled(Duration);

impl fmt::Display for Spelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_millis() {
            0 => write!(f, "{} s", self.0.as_secs()),
            _ => write!(f, "{} ms", self.0.as_millis()),
        }
    }
}
