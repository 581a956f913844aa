//! The mapping file: which runs use which grant.
//!
//! ```toml
//! window_minutes = 60            # one receipt per grant and window; 1 to 1440
//!
//! [[grant]]
//! authorization = "sha256:…"     # the finalized authorization
//! input_namespace = "postgres://registry*"
//! input_name = "public.enterprises"
//! job_namespace = "*"            # left out means any; a final * stands for any rest
//! job = "nightly-*"
//! ```

use std::path::Path;

use mulu_chain::digest::Digest;
use serde::Deserialize;

use super::event::Run;
use crate::failure::{Failure, Outcome};
use crate::{files, text};

/// Largest mapping file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Most grants of a file.
const GRANTS_MAX: usize = 1_000;
/// Window unless the file says otherwise, in minutes.
const WINDOW_MINUTES: u64 = 60;
/// Longest window, in minutes.
const WINDOW_MINUTES_MAX: u64 = 24 * 60;

/// A mapping.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    #[serde(default = "window_minutes")]
    window_minutes: u64,
    #[serde(default)]
    grant: Vec<Grant>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    authorization: Digest,
    input_namespace: Option<String>,
    input_name: Option<String>,
    job_namespace: Option<String>,
    job: Option<String>,
}

/// What a run used of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// The grant.
    pub authorization: Digest,
    /// Rows.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
}

fn window_minutes() -> u64 {
    WINDOW_MINUTES
}

impl Mapping {
    /// Reads a file.
    ///
    /// # Errors
    /// Exit 2 with the place and what to write.
    pub fn read(path: &Path) -> Outcome<Mapping> {
        let bytes = files::read_bounded(path, FILE_BYTES_MAX)?;
        let shown = path.display();
        Mapping::parse(&String::from_utf8_lossy(&bytes)).map_err(|why| {
            Failure::usage(text!("{shown}: {why}", "{shown}：{why}")).help(text!(
                "`mulu lineage serve --help` shows a mapping file",
                "`mulu lineage serve --help` 给出映射文件示例"
            ))
        })
    }

    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Mapping, String> {
        let mapping: Mapping = toml::from_str(text).map_err(|error| error.to_string())?;
        if !(1..=WINDOW_MINUTES_MAX).contains(&mapping.window_minutes) {
            return Err(format!("window_minutes is 1 to {WINDOW_MINUTES_MAX}"));
        }
        if mapping.grant.is_empty() || mapping.grant.len() > GRANTS_MAX {
            return Err(format!("there are 1 to {GRANTS_MAX} [[grant]] tables"));
        }
        let all = |g: &Grant| g.input_namespace.is_none() && g.input_name.is_none();
        if mapping.grant.iter().any(all) {
            return Err("each [[grant]] names input_namespace or input_name".to_owned());
        }
        Ok(mapping)
    }

    /// Length of a window in milliseconds.
    pub fn window_ms(&self) -> u64 {
        self.window_minutes.saturating_mul(60_000)
    }

    /// What a run used: each grant once, with the rows and bytes of all inputs tied to it.
    pub fn uses(&self, run: &Run) -> Vec<Use> {
        let uses = self.grant.iter().filter_map(|grant| {
            if !fits(&grant.job_namespace, &run.job_namespace) || !fits(&grant.job, &run.job) {
                return None;
            }
            let mut inputs = run.inputs.iter().filter(|input| {
                fits(&grant.input_namespace, &input.namespace)
                    && fits(&grant.input_name, &input.name)
            });
            let first = inputs.next()?;
            let sum = inputs.fold((first.records, first.bytes), |(records, bytes), input| {
                (records.saturating_add(input.records), bytes.saturating_add(input.bytes))
            });
            Some(Use { authorization: grant.authorization, records: sum.0, bytes: sum.1 })
        });
        uses.collect()
    }
}

/// Whether a text is the wanted one; a final `*` stands for any rest.
fn fits(wanted: &Option<String>, found: &str) -> bool {
    match wanted.as_deref() {
        None => true,
        Some(wanted) => match wanted.strip_suffix('*') {
            Some(beginning) => found.starts_with(beginning),
            None => found == wanted,
        },
    }
}
