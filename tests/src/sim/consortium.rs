//! The simulated consortium: departments, their keys and the founding document, made once for each
//! size and shared by all seeds.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use libp2p::PeerId;
use mulu_chain::signature::{PublicKey, SigningKey};
use mulu_chain::types::ChainId;
use mulu_contracts::params::Params;
use mulu_contracts::state::PARAMS_KEY;
use mulu_contracts::uscc;
use mulu_genesis::Founding;
use mulu_node::keys::identity_of;
use mulu_node::storage::{Batch, Ledger};

use super::kv::SimKv;

/// What a department's keys are for; the number goes into the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Use {
    /// Transport identity.
    Node = 1,
    /// Votes.
    Validator,
    /// Manages offices, keys, duties and systems.
    Administrator,
    /// Publishes and grants.
    Officer,
    /// A program.
    Application,
    /// Admits and revokes; department 0 only.
    Authority,
    /// A second validator key, not in the founding set.
    SpareValidator,
}

/// One department.
#[derive(Debug)]
pub struct Department {
    /// 统一社会信用代码.
    pub uscc: String,
    /// Transport identity.
    pub peer: PeerId,
    /// Validator key.
    pub validator: PublicKey,
}

/// A founding document and who holds which key.
pub struct Consortium {
    /// The departments.
    pub departments: Vec<Department>,
    /// How many of them are validators; the rest are observers.
    pub validators: usize,
    /// The parsed document.
    pub founding: Founding,
    /// What a ledger writes for block 0, worked out once.
    pub block_0: Vec<Batch>,
}

/// The seed of a department's key.
pub fn seed(department: usize, use_: Use) -> [u8; 32] {
    let mut seed = [0x53; 32];
    seed[0] = u8::try_from(department).unwrap_or(u8::MAX);
    seed[1] = use_ as u8;
    seed
}

/// A department's key.
pub fn key(department: usize, use_: Use) -> SigningKey {
    SigningKey::from_seed(&seed(department, use_))
}

/// Office code that every department has.
pub const OFFICE: &str = "data";
/// Duty code that every department has.
pub const DUTY: &str = "d-001";
/// System code that every department has; its table is `t1`.
pub const SYSTEM: &str = "sys-1";

fn uscc_of(department: usize) -> String {
    const SYMBOLS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    let body = format!("11110000MULU{department:05}");
    let code = SYMBOLS.chars().map(|check| format!("{body}{check}"));
    code.into_iter().find(|code| uscc::has_check_symbol(code)).expect("one symbol fits")
}

impl Consortium {
    /// Four validators and an observer, or seven validators and an observer.
    pub fn of(validators: usize) -> &'static Consortium {
        static FOUR: OnceLock<Consortium> = OnceLock::new();
        static SEVEN: OnceLock<Consortium> = OnceLock::new();
        match validators {
            7 => SEVEN.get_or_init(|| Consortium::new(7)),
            _ => FOUR.get_or_init(|| Consortium::new(4)),
        }
    }

    fn new(validators: usize) -> Consortium {
        let departments: Vec<Department> = (0..=validators)
            .map(|department| Department {
                uscc: uscc_of(department),
                peer: identity_of(&key(department, Use::Node)).public().to_peer_id(),
                validator: key(department, Use::Validator).public_key(),
            })
            .collect();
        let text = founding_text(&departments, validators);
        let founding = mulu_genesis::parse(&text, "simulation").expect("a founding document");
        let kv = SimKv::default();
        let ledger = Ledger::over(Arc::new(kv.clone())).expect("an empty ledger");
        ledger.initialize(founding.block()).expect("block 0");
        Consortium { departments, validators, founding, block_0: kv.batches() }
    }

    /// The chain.
    pub fn chain_id(&self) -> &ChainId {
        self.founding.chain_id()
    }

    /// The founding document's parameters.
    pub fn params(&self) -> Params {
        let params = self.founding.block().state.get(PARAMS_KEY);
        let params = params.and_then(|bytes| serde_json::from_slice(bytes).ok());
        params.expect("every founding document has parameters")
    }

    /// Block time of block 0, in milliseconds.
    pub fn start_ms(&self) -> u64 {
        self.founding.block().header.time_ms.0
    }

    /// Most validators that may be faulty.
    pub fn faulty_max(&self) -> usize {
        self.validators.saturating_sub(1) / 3
    }
}

fn founding_text(departments: &[Department], validators: usize) -> String {
    let mut text = String::from(
        "chain_id = \"mulu-simulation\"\ntime = \"2026-01-01T00:00:00Z\"\n\n[params]\n\
         authority_threshold = 1\nheartbeat_ms = 20000\nblock_time_drift_ms = 5000\n",
    );
    for (number, department) in departments.iter().enumerate() {
        let uscc = &department.uscc;
        let roles = if number == 0 {
            "[\"provider\", \"consumer\", \"authority\"]"
        } else {
            "[\"provider\", \"consumer\"]"
        };
        let _ = write!(
            text,
            "\n[[member]]\nuscc = \"{uscc}\"\nname = \"部门{number}\"\nregion = \"110000\"\n\
             roles = {roles}\nnodes = [{{ peer_id = \"{}\" }}]\n\
             [[office]]\nmember = \"{uscc}\"\ncode = \"{OFFICE}\"\nname = \"数据处\"\n\
             [[duty]]\nmember = \"{uscc}\"\ncode = \"{DUTY}\"\noffice = \"{OFFICE}\"\nname = \"登记\"\n\
             category = \"license\"\neffective_from = \"2020-01-01\"\n\
             legal_basis = [{{ kind = \"law\", title = \"登记法\" }}]\n\
             [[system]]\nmember = \"{uscc}\"\ncode = \"{SYSTEM}\"\noffice = \"{OFFICE}\"\n\
             name = \"登记系统\"\nstatus = \"running\"\ntables = [{{ name = \"t1\" }}]\n\
             protection_level = 3\nduties = [\"{DUTY}\"]\n",
            department.peer
        );
        let mut keys = vec![
            (Use::Validator, "validator"),
            (Use::SpareValidator, "validator"),
            (Use::Administrator, "administrator"),
            (Use::Officer, "officer"),
            (Use::Application, "application"),
        ];
        if number == 0 {
            keys.push((Use::Authority, "authority"));
        }
        for (use_, role) in keys {
            let key = key(number, use_).public_key();
            let _ = write!(
                text,
                "[[key]]\nmember = \"{uscc}\"\npublic_key = \"{key}\"\nroles = [\"{role}\"]\n"
            );
        }
        if number < validators {
            let key = &department.validator;
            let _ = write!(
                text,
                "[[validator]]\nmember = \"{uscc}\"\npublic_key = \"{key}\"\npower = 1\n"
            );
        }
    }
    text
}
