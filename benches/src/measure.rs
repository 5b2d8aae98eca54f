//! Times two sides in turns, so that other work on the machine slows both.

use std::time::{Duration, Instant};

use crate::pairs::{Pair, Side};

/// How long a turn of one side takes: less than a scheduler's time slice.
const TURN: Duration = Duration::from_micros(400);

/// How many turns each side has in a round. Only the fastest turn counts, so that a turn in which another program had the
/// processor has no effect.
const TURNS: usize = 8;

/// The measurement of one pair.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The ratio of each round, sorted.
    ratios: Vec<f64>,
    /// The median time of one operation of side a, in nanoseconds.
    pub a: f64,
    /// The median time of one operation of side b, in nanoseconds.
    pub b: f64,
}

impl Measured {
    /// Returns the ratio below which this part of the rounds lies: 0.5 is the median, 0 the minimum, 1 the maximum.
    pub fn ratio(&self, part: f64) -> f64 {
        quantile(&self.ratios, part)
    }
}

/// Times both sides of a pair in `rounds` rounds. The sides take turns within each round.
pub fn measure(pair: &mut Pair, rounds: usize) -> Measured {
    let (n_a, n_b) = (calibrate(&mut pair.a), calibrate(&mut pair.b));
    let times: Vec<(f64, f64)> = (0..rounds).map(|_| round(pair, n_a, n_b)).collect();
    let sorted = |of: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = times.iter().map(of).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    Measured {
        ratios: sorted(|(a, b)| a / b),
        a: quantile(&sorted(|(a, _)| *a), 0.5),
        b: quantile(&sorted(|(_, b)| *b), 0.5),
    }
}

/// Returns the time of the fastest turn of each side. Each side is first in every other turn.
fn round(pair: &mut Pair, n_a: u64, n_b: u64) -> (f64, f64) {
    let (mut a, mut b) = (f64::INFINITY, f64::INFINITY);
    for turn in 0..TURNS {
        if turn % 2 == 0 {
            a = a.min(time(&mut pair.a, n_a));
            b = b.min(time(&mut pair.b, n_b));
        } else {
            b = b.min(time(&mut pair.b, n_b));
            a = a.min(time(&mut pair.a, n_a));
        }
    }
    (a, b)
}

/// Returns how many operations fill a turn. This also warms up.
fn calibrate(side: &mut Side) -> u64 {
    let turn = TURN.as_nanos() as f64;
    let mut n = 1_u64;
    while time(side, n) * (n as f64) < turn {
        n *= 2;
    }
    let fastest = (0..5).map(|_| time(side, n)).fold(f64::INFINITY, f64::min);
    ((turn / fastest) as u64).max(1)
}

/// Returns the nanoseconds for one operation.
fn time(side: &mut Side, n: u64) -> f64 {
    let start = Instant::now();
    side(n);
    start.elapsed().as_nanos() as f64 / n as f64
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}
