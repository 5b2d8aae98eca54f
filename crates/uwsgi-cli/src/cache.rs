//! `uwsgictl cache`.

use core::time::Duration;
use std::ffi::OsString;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Subcommand;

use crate::output::{self, Failure, Sink, Status};
use crate::to::{self, To};

/// Read and write the cache of a uWSGI server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
uWSGI answers what it did, and otherwise closes without a word: no such key, no such cache and no room look alike. The exit \
status is 0 when it was done, 1 when it was not, and 2 when the server could not be asked.

Examples:
  uwsgictl cache set --to 127.0.0.1:3031 greeting 'hello world' --expires 60
  uwsgictl cache get --to 127.0.0.1:3031 greeting
  uwsgictl cache update --to /run/app.sock --cache pages /index --file index.html
  uwsgictl cache exists --to @app greeting && uwsgictl cache del --to @app greeting")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the value of a key
    Get {
        /// The key
        key: OsString,
        #[command(flatten)]
        cache: Where,
        /// Write the value to this file
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Store a value, unless the key has one
    Set(Store),
    /// Store a value, in place of the one that the key has
    Update(Store),
    /// Forget a key
    Del {
        /// The key
        key: OsString,
        #[command(flatten)]
        cache: Where,
    },
    /// Ask whether there is such a key
    Exists {
        /// The key
        key: OsString,
        #[command(flatten)]
        cache: Where,
    },
    /// Forget all keys
    Clear {
        #[command(flatten)]
        cache: Where,
    },
}

/// Which cache.
#[derive(Debug, clap::Args)]
struct Where {
    #[command(flatten)]
    to: To,

    /// The cache's name [default: the server's first]
    #[arg(long, value_name = "NAME")]
    cache: Option<String>,
}

/// What is stored.
#[derive(Debug, clap::Args)]
struct Store {
    /// The key
    key: OsString,

    /// The value
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    value: Option<OsString>,

    #[command(flatten)]
    cache: Where,

    /// Take the value from this file; - is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// For how many seconds the value is good, a whole number [default: for ever]
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u32).range(1..))]
    expires: Option<u32>,
}

impl Store {
    fn expires(&self) -> Option<Duration> {
        self.expires.map(|seconds| Duration::from_secs(seconds.into()))
    }

    fn value(&self) -> Result<Vec<u8>, Failure> {
        match (&self.file, &self.value) {
            (Some(file), _) => output::read(file),
            (None, value) => Ok(value.as_ref().map(|value| value.as_encoded_bytes().to_vec()).unwrap_or_default()),
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    match &args.command {
        Command::Get { key, cache, output } => get(key.as_encoded_bytes(), cache, output.as_deref()),
        Command::Set(store) => {
            let value = store.value()?;
            let mut client = store.cache.to.client()?;
            let set = client.cache(store.cache.cache.as_deref()).set(
                store.key.as_encoded_bytes(),
                &value,
                store.expires(),
            )?;
            Ok(answer(
                set,
                &store.cache,
                "it was not stored: the key has a value, or there is no room, or no such cache",
            ))
        }
        Command::Update(store) => {
            let value = store.value()?;
            let mut client = store.cache.to.client()?;
            let mut cache = client.cache(store.cache.cache.as_deref());
            cache.update(store.key.as_encoded_bytes(), &value, store.expires())?;
            Ok(Status::Done)
        }
        Command::Del { key, cache } => {
            let mut client = cache.to.client()?;
            let deleted = client.cache(cache.cache.as_deref()).delete(key.as_encoded_bytes())?;
            Ok(answer(deleted, cache, "there is no such key, or no such cache"))
        }
        Command::Exists { key, cache } => {
            let mut client = cache.to.client()?;
            let exists = client.cache(cache.cache.as_deref()).exists(key.as_encoded_bytes())?;
            Ok(if exists { Status::Done } else { Status::No })
        }
        Command::Clear { cache } => {
            cache.to.client()?.cache(cache.cache.as_deref()).clear()?;
            Ok(Status::Done)
        }
    }
}

fn get(key: &[u8], from: &Where, output: Option<&std::path::Path>) -> Result<Status, Failure> {
    let mut client = from.to.client()?;
    let mut cache = client.cache(from.cache.as_deref());
    let Some(value) = cache.get(key)? else {
        return Ok(answer(false, from, "there is no such key, or no such cache"));
    };
    let mut out = Sink::open(output)?;
    to::copy(&mut BufReader::new(value), &mut out, |value, error| value.get_ref().explain(error))?;
    Ok(Status::Done)
}

/// Says what no means.
fn answer(done: bool, cache: &Where, no: &str) -> Status {
    if done {
        return Status::Done;
    }
    output::complain(&format!("{}: {no}", cache.to.to));
    Status::No
}
