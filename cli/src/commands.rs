//! One file per noun.

pub mod catalog;
pub mod key;
pub mod profile;

use crate::args::Command;
use crate::context::Context;
use crate::failure::Outcome;

/// Runs a command.
///
/// # Errors
/// What the command says.
pub fn run(context: &Context, command: Command) -> Outcome<()> {
    match command {
        Command::Key(command) => key::run(context, command),
        Command::Profile(command) => profile::run(context, command),
        Command::Catalog(command) => catalog::run(context, command),
    }
}
