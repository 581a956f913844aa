//! The log: lines to standard error, for people or, as JSON, for machines.
//!
//! Where the format and the level come from is [`crate::config`]'s business. A panic is our own
//! bug: it is logged like anything else, then the process aborts, because a node that lost one of
//! its threads must not go on answering as if nothing had happened.

use std::backtrace::Backtrace;
use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::TryInitError;

/// Form of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Checks a level: `info`, or directives such as `info,mulu_node::p2p=debug`.
///
/// # Errors
/// The first directive that cannot be read.
pub fn check_level(level: &str) -> Result<(), ParseError> {
    EnvFilter::try_new(level).map(drop)
}

/// Why logging does not start.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The level cannot be read.
    #[error("cannot read the log level: {0}")]
    Level(#[from] ParseError),
    /// Somebody logs already.
    #[error("logging was started twice: {0}")]
    Twice(#[from] TryInitError),
}

/// The filter of a level. The consensus core tells every vote at `info`; that is our `debug`, and
/// more exact directives in `level` override it.
fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    match level {
        "info" | "warn" => {
            EnvFilter::try_new(format!("arc_malachitebft_core_consensus=warn,{level}"))
        }
        _ => EnvFilter::try_new(level),
    }
}

/// Starts logging; at most once in a process.
///
/// # Errors
/// [`LoggingError`].
pub fn start(format: LogFormat, level: &str) -> Result<(), LoggingError> {
    use tracing_subscriber::util::SubscriberInitExt as _;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(level)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => lines.finish().try_init()?,
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// From now on a panic anywhere is logged and ends the process with SIGABRT.
pub fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        log_panic(panic);
        std::process::abort();
    }));
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("a value that is not text");
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), |l| l.to_string());
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let backtrace = Backtrace::force_capture();
    if tracing::dispatcher::has_been_set() {
        tracing::error!(panic = message, place, thread, %backtrace, "this is a bug, the process aborts");
    } else {
        eprintln!("panic in thread {thread} at {place}: {message}\n{backtrace}");
    }
}
