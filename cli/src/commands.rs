//! One file per noun.

pub mod audit;
pub mod audit_show;
pub mod authorization;
pub mod catalog;
pub mod entry;
pub mod import;
pub mod key;
pub mod list;
pub mod lookup;
pub mod moment;
pub mod profile;
pub mod receipt;
pub mod registry;
pub mod rules;
pub mod show;
pub mod status;
pub mod tx;

use crate::args::Command;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{devnet, text};

/// Runs a command.
///
/// # Errors
/// What the command says.
pub fn run(context: &Context, command: Command) -> Outcome<()> {
    match command {
        Command::Key(command) => key::run(context, command),
        Command::Profile(command) => profile::run(context, command),
        Command::Status => status::run(context),
        Command::Show(args) => show::show(context, &args),
        Command::List(args) => list::run(context, &args),
        Command::History(args) => show::history(context, &args),
        Command::Rules(args) => rules::run(context, &args),
        Command::Entry(command) => entry::run(context, command),
        Command::Authorization(command) => authorization::run(context, command),
        Command::Receipt(command) => receipt::run(context, command),
        Command::Member(command) => registry::member(context, command),
        Command::Office(command) => registry::office(context, command),
        Command::Duty(command) => registry::duty(context, command),
        Command::System(command) => registry::system(context, command),
        Command::Tx(command) => tx::run(context, command),
        Command::Import(args) => import::run(context, &args),
        Command::Catalog(command) => catalog::run(context, command),
        Command::Audit(command) => audit::run(context, command),
        Command::Devnet(args) => {
            devnet::run(args).map_err(|error| Failure::usage(text!("{error}", "{error}")))
        }
    }
}
