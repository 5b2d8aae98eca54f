//! `uwsgictl cache`.

use core::time::Duration;
use std::ffi::OsString;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Subcommand;

use crate::exit::{Failure, Status};
use crate::files::{self, Output};
use crate::messages;
use crate::options::ServerArgs;

/// Read and write the cache of a uWSGI server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
uWSGI answers if it did what it was asked, and otherwise closes the connection without an answer. A missing key, a missing \
cache and a full cache look alike. The exit status is 0 on success, 1 if the server did not do it, and 2 for any other \
failure.

Examples:
  uwsgictl cache set --to 127.0.0.1:3031 greeting 'hello' --expires 60
  uwsgictl cache get --to 127.0.0.1:3031 greeting
  uwsgictl cache update --to @app --cache pages /index --file index.html
  uwsgictl cache exists --to @app greeting && echo it is there
  uwsgictl cache del --to @app greeting")]
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
        cache: CacheArgs,
        /// Write the value to this file
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Store a value, unless the key has a value
    Set(StoreArgs),
    /// Store a value, and replace the value that the key may have
    Update(StoreArgs),
    /// Delete a key
    Del {
        /// The key
        key: OsString,
        #[command(flatten)]
        cache: CacheArgs,
    },
    /// Ask whether the key exists
    Exists {
        /// The key
        key: OsString,
        #[command(flatten)]
        cache: CacheArgs,
    },
    /// Delete all keys
    Clear {
        #[command(flatten)]
        cache: CacheArgs,
    },
}

/// The server and the name of the cache.
#[derive(Debug, clap::Args)]
struct CacheArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The cache's name [default: the server's first]
    #[arg(long = "cache", value_name = "NAME")]
    name: Option<String>,
}

/// The options of `set` and `update`.
#[derive(Debug, clap::Args)]
struct StoreArgs {
    /// The key
    key: OsString,

    /// The value
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    value: Option<OsString>,

    #[command(flatten)]
    cache: CacheArgs,

    /// Take the value from this file; - is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// How many whole seconds the value is kept [default: for ever]
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u32).range(1..))]
    expires: Option<u32>,
}

impl StoreArgs {
    fn expires(&self) -> Option<Duration> {
        self.expires.map(|seconds| Duration::from_secs(seconds.into()))
    }

    fn value(&self) -> Result<Vec<u8>, Failure> {
        match (&self.file, &self.value) {
            (Some(file), _) => files::read(file),
            (None, value) => Ok(value.as_ref().map(|value| value.as_encoded_bytes().to_vec()).unwrap_or_default()),
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<Status, Failure> {
    match &args.command {
        Command::Get { key, cache, output } => get(key.as_encoded_bytes(), cache, output.as_deref()),
        Command::Set(store) => {
            let value = store.value()?;
            let mut client = store.cache.server.client()?;
            let set =
                client.cache(store.cache.name.as_deref()).set(store.key.as_encoded_bytes(), &value, store.expires())?;
            Ok(status(
                set,
                &store.cache,
                "the value was not stored: the key has a value, or the cache is full or does not exist",
            ))
        }
        Command::Update(store) => {
            let value = store.value()?;
            let mut client = store.cache.server.client()?;
            let mut cache = client.cache(store.cache.name.as_deref());
            cache.update(store.key.as_encoded_bytes(), &value, store.expires())?;
            Ok(Status::Success)
        }
        Command::Del { key, cache } => {
            let mut client = cache.server.client()?;
            let deleted = client.cache(cache.name.as_deref()).delete(key.as_encoded_bytes())?;
            Ok(status(deleted, cache, "the key or the cache does not exist"))
        }
        Command::Exists { key, cache } => {
            let mut client = cache.server.client()?;
            let exists = client.cache(cache.name.as_deref()).exists(key.as_encoded_bytes())?;
            Ok(if exists { Status::Success } else { Status::Negative })
        }
        Command::Clear { cache } => {
            cache.server.client()?.cache(cache.name.as_deref()).clear()?;
            Ok(Status::Success)
        }
    }
}

fn get(key: &[u8], from: &CacheArgs, output: Option<&std::path::Path>) -> Result<Status, Failure> {
    let mut client = from.server.client()?;
    let mut cache = client.cache(from.name.as_deref());
    let Some(value) = cache.get(key)? else {
        return Ok(status(false, from, "the key or the cache does not exist"));
    };
    let mut out = Output::open(output)?;
    out.copy(&mut BufReader::new(value), |value, error| value.get_ref().explain(error))?;
    Ok(Status::Success)
}

/// Returns the status. If uWSGI did not do what it was asked, prints what that can mean.
fn status(done: bool, cache: &CacheArgs, meaning: &str) -> Status {
    if done {
        return Status::Success;
    }
    messages::error(&format!("{}: {meaning}", cache.server.address));
    Status::Negative
}
