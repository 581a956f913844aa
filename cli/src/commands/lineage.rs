//! `mulu lineage`: OpenLineage events in, use receipts out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::lineage::filing::{Filer, RETRY_PAUSE, to_json};
use crate::lineage::mapping::Mapping;
use crate::lineage::queue::Queue;
use crate::lineage::server::{Service, bind, now_ms, serve};
use crate::{submit, text};

/// How often closed windows are looked for.
const LOOK: Duration = Duration::from_secs(5);

/// Lineage.
#[derive(Debug, clap::Subcommand)]
pub enum LineageCommand {
    /// Take events on loopback and file a receipt per grant and window 接收血缘事件并填报使用回执
    #[command(after_help = "\
The mapping file says which runs use which grant:
  window_minutes = 60                        # one receipt per grant and window; 1 to 1440
  [[grant]]
  authorization = \"sha256:…\"                 # finalized, of this member
  input_namespace = \"postgres://registry*\"   # of the dataset read; a final * stands for any rest
  input_name = \"public.enterprises\"
  job = \"nightly-*\"                          # left out means any; also job_namespace

Example 示例:
  mulu lineage serve --mapping lineage.toml --queue /var/lib/mulu-lineage --profile app
  OPENLINEAGE_URL=http://127.0.0.1:5000 python my_job.py
A completed run is one call; rows and bytes are those of the inputStatistics facet. Other events are
taken and count nothing. The application key stays in this program; the node never sees it.")]
    Serve {
        /// Where to listen; loopback only 监听地址（仅本机）
        #[arg(long, default_value = "127.0.0.1:5000", value_name = "ADDRESS")]
        listen: SocketAddr,
        /// The mapping file 映射文件
        #[arg(long, value_name = "FILE")]
        mapping: PathBuf,
        /// Folder that keeps uses until they are filed 队列目录
        #[arg(long, value_name = "DIR")]
        queue: PathBuf,
    },
    /// File what the folder holds, the window under way included, and end 立即填报并结束
    File {
        /// The mapping file 映射文件
        #[arg(long, value_name = "FILE")]
        mapping: PathBuf,
        /// Folder that keeps uses until they are filed 队列目录
        #[arg(long, value_name = "DIR")]
        queue: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// Exit 2, 4 and 6.
pub fn run(context: &Context, command: LineageCommand) -> Outcome<()> {
    match command {
        LineageCommand::Serve { listen, mapping, queue } => {
            let mapping = Mapping::read(&mapping)?;
            let (queue, filer) = open(context, &mapping, &queue)?;
            let listener = bind(listen).map_err(|error| {
                Failure::usage(text!(
                    "cannot listen on {listen}: {error}",
                    "无法监听 {listen}：{error}"
                ))
            })?;
            context.say(&text!(
                "lineage events are taken at http://{listen}/api/v1/lineage",
                "在 http://{listen}/api/v1/lineage 接收血缘事件"
            ));
            let service = Arc::new(Service { mapping, queue: queue.clone() });
            std::thread::spawn(move || serve(&listener, service));
            loop {
                match filer.file(&queue, now_ms()) {
                    Ok(filed) if filed.recorded + filed.refused > 0 => {
                        let (recorded, refused) = (filed.recorded, filed.refused);
                        context.say(&text!(
                            "{recorded} receipt(s) recorded, {refused} refused",
                            "已上链回执 {recorded} 份，被拒 {refused} 份"
                        ));
                    }
                    Ok(_) => {}
                    Err(failure) if failure.exit == Exit::Unreachable => {
                        for line in failure.lines(context.lang) {
                            context.say(&crate::lang::Text::same(line));
                        }
                        std::thread::sleep(RETRY_PAUSE);
                    }
                    Err(failure) => return Err(failure),
                }
                std::thread::sleep(LOOK);
            }
        }
        LineageCommand::File { mapping, queue } => {
            let mapping = Mapping::read(&mapping)?;
            let (queue, filer) = open(context, &mapping, &queue)?;
            let filed = filer.file(&queue, u64::MAX)?;
            if context.is_json() {
                context.print_json(&to_json(&filed));
            } else {
                let (recorded, refused) = (filed.recorded, filed.refused);
                context.say(&text!(
                    "{recorded} receipt(s) recorded, {refused} refused",
                    "已上链回执 {recorded} 份，被拒 {refused} 份"
                ));
            }
            Ok(())
        }
    }
}

fn open(
    context: &Context,
    mapping: &Mapping,
    folder: &std::path::Path,
) -> Outcome<(Arc<Queue>, Filer)> {
    let shown = folder.display();
    let queue = Queue::open(folder, mapping.window_ms()).map_err(|error| {
        Failure::usage(text!(
            "cannot use the folder {shown}: {error}",
            "无法使用目录 {shown}：{error}"
        ))
    })?;
    let filer = Filer {
        node: context.node()?,
        key: context.key()?,
        submitter: submit::submitter(context)?,
    };
    Ok((Arc::new(queue), filer))
}
