//! Playing many cases against one server, several at once.

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use crate::case::Case;
use crate::cases::all;
use crate::endpoint::{End, Endpoint, Received};
use crate::finding::{Danger, Finding};
use crate::machine::takes;
use crate::outcome::{Application, Outcome, Seen};
use crate::play::{Split, observe};

/// Plays every case that can be played against a server as it is, eight at once, and judges each. Over a socket this takes about
/// 40 seconds, and longer if the server hangs: [`Plan::new`] says how to take less.
///
/// ```
/// use uwsgi_conformance::machine::Machine;
/// use uwsgi_conformance::run;
///
/// let results = run(&Machine)?;
/// assert!(results.played.len() > 350);
/// assert_eq!(results.dangers().count(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// The server takes no connection at the start.
pub fn run(endpoint: &(impl Endpoint + Sync + ?Sized)) -> io::Result<Results<'static>> {
    Plan::new(all()).run(endpoint, |_| {})
}

/// Which cases are played, and how.
///
/// A case that ends without an answer, and not as its verdict says, is played again, alone: while several connections were
/// open, another case may have made the server fail or wait.
///
/// ```no_run
/// use uwsgi_conformance::socket::Server;
/// use uwsgi_conformance::{Plan, Row, all};
///
/// let plan = Plan::new(all().filter(|case| case.row == Row::InvalidLength));
/// let results = plan.run(&Server::tcp("127.0.0.1:3031".parse()?), |played| println!("{played}"))?;
/// println!("{} of {} cases are dangerous", results.dangers().count(), results.played.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plan<'c> {
    cases: Vec<&'c Case>,
    at_once: usize,
    split: Split,
    revival: Duration,
    application: Option<Application>,
}

/// What a server did with many cases.
#[derive(Debug)]
#[non_exhaustive]
pub struct Results<'c> {
    /// What is known about the application of the server.
    pub application: Application,
    /// The cases that were played, in the order of the plan.
    pub played: Vec<Played<'c>>,
    /// The cases that were not played, and why.
    pub left_out: Vec<(&'c Case, String)>,
}

/// What a server did with one case.
#[derive(Debug)]
#[non_exhaustive]
pub struct Played<'c> {
    /// The case.
    pub case: &'c Case,
    /// What the server did.
    pub seen: Seen,
    /// How the outcome compares with the verdict.
    pub finding: Finding,
    /// All that came back.
    pub outcome: Outcome,
}

impl<'c> Plan<'c> {
    /// Returns a plan of these cases: eight at once, one write for each step.
    ///
    /// # How long it takes
    ///
    /// A case waits as long as its deadlines say: [`takes`] returns that time. Against the state machines in memory, all cases
    /// take less than a second. Over a socket, these times were measured with a server of this project on the same machine:
    ///
    /// | plan | server | cases | time |
    /// |---|---|---|---|
    /// | all cases | with its default settings | 320 | 40 s |
    /// | the same, [64 at once](Self::with_at_once) | the same | 320 | 30 s |
    /// | all cases | one with the settings that each case needs | 455 | 2 min 17 s |
    /// | those that take less than a second | with its default settings | 298 | 2 s |
    /// | the same, [byte by byte](Split::ByteByByte) | the same | 298 | 2 min 19 s, because the sender pauses after each byte |
    ///
    /// A server that hangs takes longer: each case in which it hangs waits 10 seconds more
    /// ([`with_patience`](crate::socket::Server::with_patience)).
    ///
    /// For a test that runs often, leave out the cases that wait:
    ///
    /// ```
    /// use core::time::Duration;
    /// use uwsgi_conformance::machine::takes;
    /// use uwsgi_conformance::{Plan, all};
    ///
    /// let plan = Plan::new(all().filter(|case| takes(case) < Duration::from_secs(1)));
    /// # let results = plan.run(&uwsgi_conformance::machine::Machine, |_| {})?;
    /// # assert!(results.played.len() > 350);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn new(cases: impl IntoIterator<Item = &'c Case>) -> Self {
        Self {
            cases: cases.into_iter().collect(),
            at_once: 8,
            split: Split::Whole,
            revival: Duration::from_secs(5),
            application: None,
        }
    }

    /// Sets how many cases are played at once; 8 by default, at least one.
    #[must_use]
    pub fn with_at_once(self, at_once: usize) -> Self {
        Self { at_once: at_once.max(1), ..self }
    }

    /// Sets into which pieces the bytes are cut; [`Split::Whole`] by default.
    #[must_use]
    pub fn with_split(self, split: Split) -> Self {
        Self { split, ..self }
    }

    /// Sets how long the runner waits for a server that has died, in case something starts the server again; 5 seconds by
    /// default.
    #[must_use]
    pub fn with_revival(self, revival: Duration) -> Self {
        Self { revival, ..self }
    }

    /// Sets what is known about the application. By default the runner first sends good requests, to learn it.
    #[must_use]
    pub fn with_application(self, application: Application) -> Self {
        Self { application: Some(application), ..self }
    }

    /// Plays the cases, and calls `each` with each case as soon as it is judged.
    ///
    /// # Errors
    ///
    /// The server takes no connection at the start.
    pub fn run(
        &self,
        endpoint: &(impl Endpoint + Sync + ?Sized),
        mut each: impl FnMut(&Played<'c>),
    ) -> io::Result<Results<'c>> {
        let application = match &self.application {
            Some(application) => application.clone(),
            None => learn(endpoint)?,
        };
        let mut run =
            ActiveRun { plan: self, endpoint, application: &application, played: Vec::new(), left_out: Vec::new() };
        let mut queue = self.cases.clone();
        // The longest cases come first. Otherwise one of them could run alone at the end.
        queue.sort_by_key(|case| core::cmp::Reverse(takes(case)));
        while !queue.is_empty() {
            let (doubtful, refused) = run.play_at_once(&mut queue, &mut each);
            let lives = !refused || run.is_revived();
            let lives = run.play_again(doubtful, lives, &mut each);
            if !lives {
                run.left_out.extend(queue.drain(..).map(|case| (case, HAD_DIED.to_owned())));
            }
        }
        let ActiveRun { mut played, mut left_out, .. } = run;
        let index = |case: &Case| self.cases.iter().position(|other| other.name == case.name);
        played.sort_by_key(|played| index(played.case));
        left_out.sort_by_key(|(case, _)| index(case));
        Ok(Results { application, played, left_out })
    }
}

impl Results<'_> {
    /// Returns the cases with a dangerous outcome.
    pub fn dangers(&self) -> impl Iterator<Item = (&Played<'_>, Danger)> {
        self.played.iter().filter_map(|played| match played.finding {
            Finding::Danger(danger) => Some((played, danger)),
            _ => None,
        })
    }
}

impl fmt::Display for Played<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case.name, self.outcome.in_words(self.case))?;
        match self.finding {
            Finding::AsItShould => Ok(()),
            Finding::Danger(danger) => write!(f, "; should be: {}; {danger}", self.case.verdict),
            Finding::Differs => write!(f, "; should be: {}", self.case.verdict),
            Finding::Unknown => write!(f, "; should be: {}, if the application reads the body", self.case.verdict),
        }
    }
}

/// The state of a run.
struct ActiveRun<'r, 'c, E: ?Sized> {
    plan: &'r Plan<'c>,
    endpoint: &'r E,
    application: &'r Application,
    played: Vec<Played<'c>>,
    left_out: Vec<(&'c Case, String)>,
}

/// A case that has to be played again, alone, and its first result, if there was a connection.
type Doubtful<'c> = (&'c Case, Option<Played<'c>>);

impl<'c, E: Endpoint + Sync + ?Sized> ActiveRun<'_, 'c, E> {
    /// Plays cases from the start of the queue until it is empty, or until the server refuses a connection. Returns the cases
    /// to play again, in the order in which they ended, and whether the server has refused a connection.
    fn play_at_once(
        &mut self,
        queue: &mut Vec<&'c Case>,
        each: &mut impl FnMut(&Played<'c>),
    ) -> (Vec<Doubtful<'c>>, bool) {
        let (next, refused) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (plan, endpoint, application) = (self.plan, self.endpoint, self.application);
        let mut doubtful = Vec::new();
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..plan.at_once.min(queue.len()) {
                let (sender, queue, next, refused) = (sender.clone(), &*queue, &next, &refused);
                scope.spawn(move || {
                    while !refused.load(Ordering::Relaxed) {
                        let Some(case) = queue.get(next.fetch_add(1, Ordering::Relaxed)).copied() else { return };
                        let played = play_one(plan, endpoint, application, case);
                        if played.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Unsupported) {
                            refused.store(true, Ordering::Relaxed);
                        }
                        if sender.send((case, played)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            for (case, played) in receiver {
                match played {
                    Ok(played) if is_doubtful(&played) => doubtful.push((case, Some(played))),
                    Ok(played) => self.keep(played, each),
                    Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                        self.left_out.push((case, error.to_string()));
                    }
                    Err(_) => doubtful.push((case, None)),
                }
            }
        });
        let begun = next.into_inner().min(queue.len());
        queue.drain(..begun);
        (doubtful, refused.into_inner())
    }

    /// Plays cases again, one at a time. Returns whether the server still accepts connections after the last one.
    fn play_again(&mut self, doubtful: Vec<Doubtful<'c>>, mut lives: bool, each: &mut impl FnMut(&Played<'c>)) -> bool {
        let refused = doubtful.iter().position(|(_, played)| played.is_none()).unwrap_or(doubtful.len());
        let suspects = refused.saturating_sub(self.plan.at_once)..refused;
        for (index, (case, before)) in doubtful.into_iter().enumerate() {
            let played = if lives { self.play_alone(case) } else { None };
            match (played, before) {
                (Some(played), _) if is_doubtful(&played) && !self.is_well() => {
                    lives = self.is_revived();
                    self.keep(died(played), each);
                }
                (Some(played), _) => self.keep(played, each),
                // The server has died, so that the case cannot be played again. If the case may have been under way when the
                // server died, the case may be the cause, and counts as the cause.
                (None, Some(before)) => {
                    lives = false;
                    self.keep(if suspects.contains(&index) { died(before) } else { before }, each);
                }
                (None, None) => {
                    lives = false;
                    self.left_out.push((case, HAD_DIED.to_owned()));
                }
            }
        }
        lives
    }

    /// Plays a case alone; `None` without a server.
    fn play_alone(&self, case: &'c Case) -> Option<Played<'c>> {
        let played = || play_one(self.plan, self.endpoint, self.application, case).ok();
        played().or_else(|| if self.is_revived() { played() } else { None })
    }

    fn keep(&mut self, played: Played<'c>, each: &mut impl FnMut(&Played<'c>)) {
        each(&played);
        self.played.push(played);
    }

    /// Returns whether the server answers a good request. An endpoint to which no good request can be sent counts as one that
    /// does.
    fn is_well(&self) -> bool {
        good("ok-get").is_none_or(|case| match observe(case, self.endpoint, Split::Whole) {
            Ok(outcome) => !outcome.answers.is_empty(),
            Err(error) => error.kind() == io::ErrorKind::Unsupported,
        })
    }

    /// Waits until the server answers a good request, at most for as long as the plan says. Returns whether the server does.
    fn is_revived(&self) -> bool {
        let until = Instant::now().checked_add(self.plan.revival);
        loop {
            if self.is_well() {
                return true;
            }
            if until.is_none_or(|until| Instant::now() >= until) {
                return false;
            }
            // A sleep, because there is no event when the server listens again.
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn play_one<'c>(
    plan: &Plan<'c>,
    endpoint: &(impl Endpoint + ?Sized),
    application: &Application,
    case: &'c Case,
) -> io::Result<Played<'c>> {
    let began = Instant::now();
    let outcome = match observe(case, endpoint, plan.split) {
        // The server listens, but its backlog stays full. That counts as a server that hangs.
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            Outcome::of(Received { bytes: Vec::new(), end: End::Open, silence: took, took }, &[])
        }
        other => other?,
    };
    let (seen, finding) = (outcome.seen(application), outcome.finding(case, application));
    Ok(Played { case, seen, finding, outcome })
}

const HAD_DIED: &str = "the server had died";

/// Returns whether another case may be the cause of this outcome.
fn is_doubtful(played: &Played<'_>) -> bool {
    played.finding != Finding::AsItShould && played.outcome.answers.is_empty()
}

fn died(played: Played<'_>) -> Played<'_> {
    Played { seen: Seen::Died, finding: Finding::Danger(Danger::Died), ..played }
}

fn good(name: &str) -> Option<&'static Case> {
    all().find(|case| case.name == name)
}

/// Sends good requests to learn how the application answers. If none can be sent to the endpoint, its application counts as one
/// that reports.
fn learn(endpoint: &(impl Endpoint + ?Sized)) -> io::Result<Application> {
    let mut answers = Vec::new();
    for case in ["ok-get", "ok-post"].into_iter().filter_map(good) {
        match observe(case, endpoint, Split::Whole) {
            Ok(outcome) => answers.extend(outcome.answers),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(Application::reporting()),
            Err(error) => return Err(error),
        }
    }
    Ok(Application::known_by(&answers))
}
