//! One file per noun.

pub mod audit;
pub mod authorization;
pub mod call_lines;
pub mod catalog;
pub mod complaint;
pub mod consortium;
pub mod delegation;
pub mod entry;
pub mod events;
pub mod evidence;
pub mod export;
pub mod extent;
pub mod import;
pub mod key;
pub mod key_registry;
pub mod lineage;
pub mod list;
pub mod lookup;
pub mod membership;
pub mod moment;
pub mod operation;
pub mod profile;
pub mod receipt;
pub mod registry;
pub mod report;
pub mod rules;
pub mod search;
pub mod show;
pub mod status;
pub mod tx;
pub mod tx_receipt;
pub mod versions;

use crate::args::Command;
use crate::context::Context;
use crate::devnet::{self, DevnetError};
use crate::failure::{Exit, Failure, Outcome};
use crate::text;
use crate::witness;

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
        Command::Lineage(command) => lineage::run(context, command),
        Command::Versions(args) => versions::versions(context, &args),
        Command::Diff(args) => versions::diff(context, &args),
        Command::Events(args) => events::run(context, &args),
        Command::Search(args) => search::run(context, &args),
        Command::Report(args) => report::run(context, &args),
        Command::Rules(args) => rules::run(context, &args),
        Command::Entry(command) => entry::run(context, command),
        Command::Authorization(command) => authorization::run(context, command),
        Command::Receipt(command) => receipt::run(context, command),
        Command::Member(command) => registry::member(context, command),
        Command::Office(command) => registry::office(context, command),
        Command::Duty(command) => registry::duty(context, command),
        Command::System(command) => registry::system(context, command),
        Command::Delegation(command) => delegation::delegation(context, command),
        Command::Class(command) => delegation::class(context, command),
        Command::Region(command) => delegation::region(context, command),
        Command::Correction(command) => complaint::correction(context, command),
        Command::Objection(command) => complaint::objection(context, command),
        Command::Operation(command) => operation::run(context, command),
        Command::Params(command) => consortium::params(context, command),
        Command::Validator(command) => consortium::validator(context, command),
        Command::Evidence(command) => evidence::run(context, command),
        Command::Tx(command) => tx::run(context, command),
        Command::Import(args) => import::run(context, &args),
        Command::Export(args) => export::run(context, &args),
        Command::Catalog(command) => catalog::run(context, command),
        Command::Audit(command) => audit::run(context, command),
        Command::Witness(args) => witness::run(context, &args),
        Command::Bench(args) => crate::bench::run(context, &args),
        Command::Devnet(args) => devnet::run(args).map_err(|error| devnet_failure(&error)),
    }
}

fn devnet_failure(error: &DevnetError) -> Failure {
    let exit = match error {
        DevnetError::NotReady { .. } | DevnetError::StillRunning { .. } => Exit::Unreachable,
        DevnetError::Disagree { .. } => Exit::VerificationFailed,
        DevnetError::Key { .. } => Exit::Permission,
        _ => Exit::Usage,
    };
    Failure::new(exit, text!("{error}", "{error}"))
}
