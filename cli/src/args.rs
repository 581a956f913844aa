//! The command tree.

use clap::{Parser, Subcommand};

use crate::commands::{catalog, key, profile};
use crate::context::Globals;

/// Mulu: the command line of a department, an application and an auditor.
#[derive(Debug, Parser)]
#[command(name = "mulu", version)]
pub struct Cli {
    /// Global options.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Key files 密钥文件
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Profiles: who I am, which node I ask 配置档
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    /// Generated catalogs 示例目录
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
}
