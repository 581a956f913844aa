//! `mulu devnet`: a development consortium of four departments on one machine.
//!
//! `init` writes a folder with fresh keys, a founding document and four node homes; `up`, `down`,
//! `start`, `stop` and `status` run and watch the four `mulud` processes. The keys lie unencrypted
//! on the disk and one person holds all of them, so such a chain proves nothing to anybody: it is
//! for trying things out. A production consortium's members generate their own keys.
//!
//! The folder:
//!
//! ```text
//! DIR/genesis.toml               the founding document
//! DIR/profiles.toml              one profile for each department and role
//! DIR/keys/<slug>-<role>.pem     keys of people and applications (PKCS#8 PEM, mode 0600)
//! DIR/<slug>/config.toml         node home; see `mulud --help`
//! DIR/<slug>/genesis.toml
//! DIR/<slug>/keys/{node,validator}.pem
//! DIR/<slug>/mulud.log, mulud.pid
//! ```

mod error;
mod init;
mod layout;
mod probe;
mod process;
mod status;
#[cfg(test)]
mod tests;
mod up;

use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use error::DevnetError;
use layout::Devnet;

/// Run a development consortium of four departments on this machine (开发联盟链)
///
/// For trying things out only: all keys are generated here, unencrypted, and held by one person.
#[derive(Debug, clap::Args)]
pub struct DevnetArgs {
    #[command(subcommand)]
    command: DevnetCommand,
}

#[derive(Debug, clap::Subcommand)]
enum DevnetCommand {
    /// Write a new folder: keys (unencrypted, development only), founding document, four node homes
    Init(InitArgs),
    /// Start the nodes that do not run yet and wait until all are ready
    Up(UpArgs),
    /// Stop the nodes that run
    Down(DirArgs),
    /// Show each node's height and block, and whether their states agree
    Status(DirArgs),
    /// Start one department's node and wait until it is ready
    Start(StartArgs),
    /// Stop one department's node
    Stop(StopArgs),
}

#[derive(Debug, clap::Args)]
struct DirArgs {
    /// The consortium's folder
    #[arg(long, value_name = "DIR", default_value = "devnet")]
    dir: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// The folder to create; it must not exist yet
    #[arg(long, value_name = "DIR", default_value = "devnet")]
    dir: PathBuf,
    /// Name of the chain: 1 to 64 of a-z, 0-9 and '-'
    #[arg(long, value_name = "NAME", default_value = "mulu-devnet")]
    chain_id: String,
    /// IP address the nodes listen on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    host: IpAddr,
    /// The nodes listen to their peers on the four ports after this one
    #[arg(long, value_name = "PORT", default_value_t = 26600, value_parser = clap::value_parser!(u16).range(1..=65_531))]
    p2p_port: u16,
    /// The nodes serve their API on the four ports after this one
    #[arg(long, value_name = "PORT", default_value_t = 26700, value_parser = clap::value_parser!(u16).range(1..=65_531))]
    api_port: u16,
}

#[derive(Debug, clap::Args)]
struct UpArgs {
    #[command(flatten)]
    dir: DirArgs,
    #[command(flatten)]
    launch: LaunchArgs,
}

#[derive(Debug, clap::Args)]
struct StartArgs {
    /// The department, such as market-regulation
    name: String,
    #[command(flatten)]
    dir: DirArgs,
    #[command(flatten)]
    launch: LaunchArgs,
}

#[derive(Debug, clap::Args)]
struct StopArgs {
    /// The department, such as market-regulation
    name: String,
    #[command(flatten)]
    dir: DirArgs,
}

#[derive(Debug, clap::Args)]
struct LaunchArgs {
    /// The node program [default: mulud next to this program]
    #[arg(long, value_name = "PATH")]
    mulud: Option<PathBuf>,
    /// Longest wait for the nodes to become ready
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout_seconds: u64,
}

impl LaunchArgs {
    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }
}

/// Runs one `mulu devnet` command.
///
/// # Errors
/// [`DevnetError`], in one clear sentence with what to do.
pub fn run(args: DevnetArgs) -> Result<(), DevnetError> {
    match args.command {
        DevnetCommand::Init(args) => init::init(&args),
        DevnetCommand::Up(args) => {
            let devnet = Devnet::open(&args.dir.dir)?;
            up::up(devnet.nodes(), args.launch.mulud.as_deref(), args.launch.timeout())
        }
        DevnetCommand::Start(args) => {
            let devnet = Devnet::open(&args.dir.dir)?;
            let node = devnet.node(&args.name)?;
            up::up(std::slice::from_ref(node), args.launch.mulud.as_deref(), args.launch.timeout())
        }
        DevnetCommand::Down(args) => process::stop(Devnet::open(&args.dir)?.nodes()),
        DevnetCommand::Stop(args) => {
            let devnet = Devnet::open(&args.dir.dir)?;
            process::stop(std::slice::from_ref(devnet.node(&args.name)?))
        }
        DevnetCommand::Status(args) => status::status(&Devnet::open(&args.dir)?),
    }
}

/// A node of a development consortium, for those who measure it.
pub(crate) struct NodePlace {
    /// Its home folder.
    pub home: PathBuf,
    /// Where it answers.
    pub api: std::net::SocketAddr,
    node: layout::Node,
}

impl NodePlace {
    /// Its process, if it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        process::running_pid(&self.node)
    }
}

/// The nodes of a consortium's folder.
///
/// # Errors
/// [`DevnetError::NotADevnet`].
pub(crate) fn places(dir: &std::path::Path) -> Result<Vec<NodePlace>, DevnetError> {
    let nodes = Devnet::open(dir)?.into_nodes().into_iter();
    Ok(nodes.map(|node| NodePlace { home: node.home.clone(), api: node.api, node }).collect())
}

/// Prints a line. A reader that went away (`mulu devnet up | head`) is no reason to stop halfway.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
