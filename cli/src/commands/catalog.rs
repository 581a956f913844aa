//! `mulu catalog`: generated catalogs for demonstrations and load.

use std::path::{Path, PathBuf};

use crate::catalog::generate::{self, ENTRIES_MAX};
use crate::catalog::write;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{files, text};

/// Generated catalogs.
#[derive(Debug, clap::Subcommand)]
pub enum CatalogCommand {
    /// Write a believable bilingual catalog for `mulu import` 生成双语示例目录
    #[command(after_help = "\
Examples 示例:
  mulu catalog generate --count 2000 --out catalog.csv
  mulu catalog generate --count 500 --seed 7 --out catalog.json
  mulu import catalog.csv --source-system demo
A .csv file has the columns of the 2017 guide (UTF-8 with a byte order mark, for spreadsheets), a
.json file is a DCAT-US data.json catalog. The same seed and count give the same bytes.")]
    Generate {
        /// Number of entries 条目数
        #[arg(long, default_value_t = 2000, value_name = "N",
              value_parser = clap::value_parser!(u64).range(1..=ENTRIES_MAX))]
        count: u64,
        /// Seed of the generator 随机种子
        #[arg(long, default_value_t = 1, value_name = "S")]
        seed: u64,
        /// The file to write, .csv or .json 输出文件
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// Exit 2.
pub fn run(context: &Context, command: CatalogCommand) -> Outcome<()> {
    let CatalogCommand::Generate { count, seed, out } = command;
    let entries = generate::entries(count, seed);
    let bytes = match extension(&out).as_deref() {
        Some("csv") => write::csv(entries)?,
        Some("json") => write::data_json(entries),
        _ => {
            let shown = out.display();
            return Err(Failure::usage(text!(
                "{shown}: the file name must end in .csv or .json",
                "{shown}：文件名须以 .csv 或 .json 结尾"
            )));
        }
    };
    files::write_output(&out, &bytes)?;
    let (shown, size) = (out.display(), bytes.len());
    context.say(&text!(
        "wrote {count} entries to {shown} ({size} bytes)",
        "已将 {count} 个条目写入 {shown}（{size} 字节）"
    ));
    Ok(())
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}
