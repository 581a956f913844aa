//! A witness of logs (C2SP tlog-witness): it cosigns a checkpoint only after it has verified that
//! the log it cosigned before is a prefix of this one, and it remembers before it answers. Whoever
//! asks for a witness's line cannot be shown another history than everybody else.
//!
//! `judge` decides and touches nothing, `store` remembers, `http` speaks; this file puts them
//! together. One request is judged at a time, so that nothing happens between looking up what was
//! cosigned and remembering the next.

mod http;
mod judge;
mod log;
mod store;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use mulu_chain::note::{Note, NoteKey, NoteKeyKind, is_name};
use mulu_chain::signature::SigningKey;
use serde_json::json;

use self::judge::{Answer, Judged};
use self::log::TrustedLog;
use self::store::Store;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::text;

/// Options of `mulu witness`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu key generate --out witness.pem
  mulu witness --name witness.example/w1 --key witness.pem --data witness --log genesis.toml
POST /add-checkpoint answers as C2SP tlog-witness says: 200 with the cosignature, 404 unknown log,
403 not signed by a quorum of the log's validators, 400 malformed, 409 with the size cosigned last,
422 not consistent. A log is a founding document, or a file of the validators' note keys, one a line,
of which more than two thirds must have signed. What was cosigned
is in the data folder: lose it, and the witness may be shown another history. Run it on loopback, and
behind a TLS proxy if others are to reach it.
见证者仅在旧日志确为新日志前缀时联署检查点，且在应答前落盘。")]
pub struct WitnessArgs {
    /// The name in its lines, such as witness.example/w1 见证者名称
    #[arg(long)]
    name: String,
    /// Where what was cosigned is kept 数据目录
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Founding document, or file of note keys, of a log; repeat it for several 日志
    #[arg(long, value_name = "FILE", required = true)]
    log: Vec<PathBuf>,
    /// Where it listens 监听地址
    #[arg(long, default_value = "127.0.0.1:26790", value_name = "ADDRESS")]
    listen: SocketAddr,
}

/// A witness at work.
#[derive(Debug)]
struct Witness {
    key: NoteKey,
    secret: SigningKey,
    logs: Vec<TrustedLog>,
    store: Mutex<Store>,
}

/// Runs until the process is stopped; a stop at any moment is safe.
///
/// # Errors
/// Exit 2 for options that cannot be used, exit 6 for a missing key.
pub fn run(context: &Context, args: &WitnessArgs) -> Outcome<()> {
    let secret = context.key()?;
    let witness = Witness::new(&args.name, secret, &args.log, &args.data)?;
    let address = args.listen;
    let listener = TcpListener::bind(address).map_err(|e| {
        Failure::new(
            Exit::Usage,
            text!("cannot listen on {address}: {e}", "无法监听 {address}：{e}"),
        )
        .help(text!("pass another --listen ADDRESS", "请用 --listen 指定其他地址"))
    })?;
    let address = listener.local_addr().unwrap_or(address);
    let key = witness.key.to_string();
    let origins: Vec<&str> = witness.logs.iter().map(|log| log.origin.as_str()).collect();
    if context.is_json() {
        context.print_json(&json!({ "listen": address, "key": key, "logs": origins }));
    } else {
        context.print(&key);
    }
    let logs = origins.join(", ");
    context.say(&text!(
        "witness of {logs}, listening on http://{address}",
        "正在见证 {logs}，监听 http://{address}"
    ));
    http::serve(&listener, &|body: &[u8]| witness.add_checkpoint(body, now_s()));
    Ok(())
}

impl Witness {
    fn new(name: &str, secret: SigningKey, logs: &[PathBuf], data: &Path) -> Outcome<Witness> {
        if !is_name(name) {
            return Err(Failure::usage(text!(
                "`{name}` is no name of a witness: no blank and no `+`, at most 128 bytes",
                "`{name}` 不能作为见证者名称：不得含空白或 `+`，最长 128 字节"
            ))
            .help(text!(
                "the custom is a host name and a path: witness.example/w1",
                "惯例为主机名加路径：witness.example/w1"
            )));
        }
        let logs = logs.iter().map(|path| TrustedLog::read(path)).collect::<Outcome<Vec<_>>>()?;
        for (at, log) in logs.iter().enumerate() {
            let origin = &log.origin;
            if logs.iter().take(at).any(|earlier| earlier.origin == *origin) {
                return Err(Failure::usage(text!("{origin} is given twice", "{origin} 重复指定"))
                    .help(text!("name each log once", "每个日志只需指定一次")));
            }
        }
        let key = NoteKey {
            name: name.to_owned(),
            kind: NoteKeyKind::Cosignature,
            key: secret.public_key(),
        };
        Ok(Witness { key, secret, logs, store: Mutex::new(Store::open(data)?) })
    }

    /// Judges a request and, if it is good, remembers it and then cosigns.
    fn add_checkpoint(&self, body: &[u8], time_s: u64) -> Answer {
        let Ok(mut store) = self.store.lock() else { return Answer::broken() };
        let known = |origin: &str| store.known(origin);
        let (checkpoint, note) = match judge::judge(body, &self.logs, known) {
            Ok(Judged { checkpoint, note }) => (checkpoint, note),
            Err(answer) => return answer,
        };
        let line = self.key.sign(&self.secret, &note.text, time_s);
        let kept = Note { text: note.text, signatures: vec![line.clone()] };
        if let Err(failure) = store.remember(&checkpoint, &kept) {
            eprintln!("{}", failure.lines(crate::lang::Lang::En).join("\n"));
            return Answer::broken();
        }
        Answer::text(200, format!("{line}\n"))
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
