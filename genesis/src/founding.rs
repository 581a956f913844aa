//! A checked founding document and the block it makes.

use std::collections::BTreeMap;
use std::fmt;

use mulu_chain::block::{BlockId, HEADER_VERSION, Header, PROTOCOL_VERSION};
use mulu_chain::digest::Digest;
use mulu_chain::log::LogFrontier;
use mulu_chain::state::{key_hash, root_of, value_hash};
use mulu_chain::types::{ChainId, Height, TimeMs};
use mulu_chain::validator::ValidatorSet;
use mulu_contracts::genesis_state::Founding as Records;

use crate::consortium;
use crate::draft::Draft;
use crate::fault::{Faults, FoundingInvalid, Help};
use crate::reader::{self, Node};
use crate::{schema, utc};

/// Largest founding document, in bytes: some 20,000 records.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A checked founding document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Founding {
    block: GenesisBlock,
    summary: Summary,
}

/// Block 0: a header without transactions, and the state that is there before any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenesisBlock {
    /// Its header; nobody proposed it and no certificate vouches for it.
    pub header: Header,
    /// Every record under its state key.
    pub state: BTreeMap<String, Vec<u8>>,
    /// The validators that decide block 1.
    pub validators: ValidatorSet,
}

/// How many of each a document founds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Members.
    pub members: usize,
    /// Offices.
    pub offices: usize,
    /// Keys.
    pub keys: usize,
    /// Validators.
    pub validators: usize,
    /// Duties.
    pub duties: usize,
    /// Information systems.
    pub systems: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { members, offices, keys, validators, duties, systems } = self;
        write!(
            f,
            "{members} members (成员), {offices} offices (处室), {keys} keys (密钥), \
             {validators} validators (验证节点), {duties} duties (职责), {systems} systems (信息系统)"
        )
    }
}

impl Founding {
    /// The chain's name.
    pub fn chain_id(&self) -> &ChainId {
        &self.block.header.chain_id
    }

    /// Block 0.
    pub fn block(&self) -> &GenesisBlock {
        &self.block
    }

    /// The id of block 0: what a member compares with the others and an auditor brings along.
    pub fn digest(&self) -> BlockId {
        self.block.header.id()
    }

    /// How many of each it founds.
    pub fn summary(&self) -> Summary {
        self.summary
    }
}

const TOO_LONG: Help = Help {
    en: "found the chain with fewer records; add the rest by transactions",
    zh: "请减少创世内容，其余以后用交易登记",
};
const TIME: Help = Help {
    en: "write the founding time in UTC: \"2026-01-01T00:00:00Z\"",
    zh: "请写创世时间（协调世界时）：\"2026-01-01T00:00:00Z\"",
};

/// Reads a founding document. `file_name` is only for the faults.
///
/// # Errors
/// [`FoundingInvalid`] with everything that is wrong, up to [`crate::FAULTS_MAX`] faults.
pub fn parse(text: &str, file_name: &str) -> Result<Founding, FoundingInvalid> {
    let mut faults = Faults::new(text, file_name);
    match read(text, &mut faults) {
        Some(founding) if faults.is_empty() => Ok(founding),
        _ => Err(faults.into_invalid()),
    }
}

fn read(text: &str, faults: &mut Faults<'_>) -> Option<Founding> {
    if text.len() > DOCUMENT_BYTES_MAX {
        let message =
            format!("the document has {} bytes, at most {DOCUMENT_BYTES_MAX} are read", text.len());
        faults.report(&(0..0), message, TOO_LONG);
        return None;
    }
    let document = reader::read(text, schema::DOCUMENT, faults)?;
    let chain_id = document.text("chain_id").and_then(|text| text.parse().ok());
    let time_ms = time(&document, faults);
    consortium::check_peers(&document, faults);
    let mut draft = Draft::of(&document, faults);
    let summary = summary(draft.records());
    let state = draft.judge(faults);
    if draft.is_whole("members") && draft.is_whole("keys") {
        consortium::check_administrators(&document, draft.records(), faults);
    }
    let validators = ValidatorSet::new(draft.records().validators.clone()).ok()?;
    let block = genesis_block(chain_id?, time_ms?, state?, validators);
    Some(Founding { block, summary })
}

fn time(document: &Node, faults: &mut Faults<'_>) -> Option<TimeMs> {
    let text = document.text("time")?;
    let time_ms = utc::parse_utc(text);
    if time_ms.is_none() {
        let message = format!("`time` is not a time in UTC: {text:?}");
        faults.report(document.span_of("time"), message, TIME);
    }
    time_ms
}

fn summary(records: &Records) -> Summary {
    Summary {
        members: records.members.len(),
        offices: records.offices.len(),
        keys: records.keys.len(),
        validators: records.validators.len(),
        duties: records.duties.len(),
        systems: records.systems.len(),
    }
}

fn genesis_block(
    chain_id: ChainId,
    time_ms: TimeMs,
    state: BTreeMap<String, Vec<u8>>,
    validators: ValidatorSet,
) -> GenesisBlock {
    let state_root = root_of(state.iter().map(|(key, value)| (key_hash(key), value_hash(value))));
    let header = Header {
        version: HEADER_VERSION,
        chain_id,
        protocol_version: PROTOCOL_VERSION,
        height: Height::GENESIS,
        time_ms,
        parent: Digest::ZERO,
        proposer: None,
        transactions: 0,
        body: mulu_chain::block::body_hash(&[]),
        log_size: 0,
        log_root: LogFrontier::default().root(),
        state_root,
        validator_set_hash: validators.hash(),
        next_validator_set_hash: validators.hash(),
    };
    GenesisBlock { header, state, validators }
}
