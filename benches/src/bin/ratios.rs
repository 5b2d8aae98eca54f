//! Times both sides of each pair in turns, and says which bounds hold.

use std::env;
use std::process::ExitCode;

use uwsgi_benches::report::{MARKDOWN_HEAD, Row, sizes, text_head};
use uwsgi_benches::{callgrind, measure, pairs};

const USAGE: &str = "\
ratios [--only PATTERN] [--rounds N] [--callgrind] [--check] [--markdown] [--list]

  --only PATTERN  takes only the pairs whose name contains PATTERN; may be repeated
  --rounds N      times both sides in N rounds (31)
  --callgrind     counts instructions too, with valgrind
  --check         exits with 1 if a bound is missed; needs at least 20 rounds
  --markdown      prints the table for benches/README.md
  --list          prints the names of the pairs
  --help          prints this

  --one NAME --side a|b --iterations K
                  runs one side K times and prints nothing: for profilers";

/// How many rounds `--check` needs at least.
const ENOUGH: usize = 20;

#[derive(Default)]
struct Options {
    only: Vec<String>,
    rounds: Option<usize>,
    callgrind: bool,
    check: bool,
    markdown: bool,
    list: bool,
    one: Option<String>,
    side: Option<String>,
    iterations: Option<u64>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "--only" => options.only.push(value()?),
                "--rounds" => options.rounds = Some(number(&value()?)?),
                "--callgrind" => options.callgrind = true,
                "--check" => options.check = true,
                "--markdown" => options.markdown = true,
                "--list" => options.list = true,
                "--one" => options.one = Some(value()?),
                "--side" => options.side = Some(value()?),
                "--iterations" => options.iterations = Some(number(&value()?)?),
                _ => return Err(format!("{arg} is not known")),
            }
        }
        Ok(options)
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|pattern| name.contains(pattern.as_str()))
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn main() -> ExitCode {
    if env::args().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let done = Options::parse(env::args().skip(1)).and_then(|options| match options.one {
        Some(_) => run_one(&options),
        None => compare(&options),
    });
    match done {
        Ok(code) => code,
        Err(message) => {
            eprintln!("ratios: {message}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Runs one side alone, for callgrind.
fn run_one(options: &Options) -> Result<ExitCode, String> {
    let name = options.one.as_deref().unwrap_or_default();
    let mut pair = pairs::all().into_iter().find(|pair| pair.name == name).ok_or(format!("no pair is named {name}"))?;
    let iterations = options.iterations.unwrap_or(1);
    match options.side.as_deref() {
        Some("a") => (pair.a)(iterations),
        Some("b") => (pair.b)(iterations),
        _ => return Err("--side is a or b".into()),
    }
    Ok(ExitCode::SUCCESS)
}

fn compare(options: &Options) -> Result<ExitCode, String> {
    let rounds = options.rounds.unwrap_or(31);
    if rounds == 0 || (options.check && rounds < ENOUGH) {
        return Err(format!("{rounds} rounds are too few to check a bound"));
    }
    let mut count_instructions = options.callgrind;
    if count_instructions && !callgrind::is_installed() {
        eprintln!("ratios: valgrind is not installed: no instructions are counted");
        count_instructions = false;
    }
    let pairs = pairs::all().into_iter().filter(|pair| options.wants(&pair.name));
    if options.list {
        pairs.for_each(|pair| println!("{}", pair.name));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", if options.markdown { MARKDOWN_HEAD.into() } else { text_head() });
    let (mut bounds, mut missed) = (0, 0);
    for mut pair in pairs {
        let measured = measure::measure(&mut pair, rounds);
        let mut instructions = None;
        if count_instructions {
            let count = |side| callgrind::instructions(&pair.name, side).map_err(|error| error.to_string());
            instructions = Some((count('a')?, count('b')?));
        }
        let row = Row { name: pair.name, bound: pair.bound, measured, instructions };
        bounds += usize::from(row.held().is_some());
        missed += usize::from(row.held() == Some(false));
        println!("{}", if options.markdown { row.markdown() } else { row.text() });
    }
    println!("\n{}", sizes());
    if !options.markdown {
        println!("{} of {bounds} bounds held (median of {rounds} rounds, within 5 percent)", bounds - missed);
    }
    Ok(if options.check && missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
