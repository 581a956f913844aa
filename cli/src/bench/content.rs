//! What the load says: valid transactions of the development consortium's departments, signed before
//! the clock starts.

use mulu_chain::digest::Digest;
use mulu_chain::signature::SigningKey;
use mulu_chain::transaction::Envelope;
use mulu_chain::types::ChainId;
use mulu_contracts::payload::Payload;
use mulu_contracts::state::{entry_id, entry_key};
use mulu_genesis::devnet::{DEPARTMENTS, Department};
use serde_json::{Value, json};

use super::load::Item;
use super::nodes::Nodes;
use crate::catalog::generate::Prng;
use crate::failure::{Failure, Outcome};
use crate::text;

/// Heights ahead that a transaction stays valid: as far as the founding document allows.
const VALID_HEIGHTS: u64 = 90_000;
/// Most keys remembered to be read.
const KEYS_MAX: usize = 20_000;
/// Items of an entry of realistic size.
const REALISTIC_ITEMS: u64 = 14;

/// A department that submits.
pub struct Submitter {
    department: &'static Department,
    officer: SigningKey,
}

/// Makes transactions.
pub struct Author {
    chain_id: ChainId,
    submitters: Vec<Submitter>,
    /// The height they are valid from; raised now and then.
    pub height: u64,
    next: u64,
    salt: u64,
    random: Prng,
    keys: Vec<String>,
    last_key: String,
    last_department: usize,
}

/// How large an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// One item, a short summary: what makes one record.
    Small,
    /// As in the catalogs of cities: about 2.9 KB.
    Realistic,
}

impl Author {
    /// An author for a consortium whose keys lie in its folder.
    ///
    /// # Errors
    /// Exit 6 when a key cannot be read.
    pub fn new(nodes: &Nodes, chain_id: ChainId, height: u64, salt: u64) -> Outcome<Author> {
        let submitters = DEPARTMENTS.iter().map(|department| {
            let officer = nodes.key(&format!("{}-officer", department.slug))?;
            Ok(Submitter { department, officer })
        });
        Ok(Author {
            chain_id,
            submitters: submitters.collect::<Outcome<_>>()?,
            height,
            next: 0,
            salt,
            random: Prng::new(salt),
            keys: Vec::new(),
            last_key: String::new(),
            last_department: 0,
        })
    }

    /// A transaction that publishes `records` entries, by the departments in turn.
    ///
    /// # Errors
    /// Exit 2 when it is too large.
    pub fn entries(&mut self, records: u64, size: Size) -> Outcome<Item> {
        let index = self.last_department.wrapping_add(1) % self.submitters.len();
        self.last_department = index;
        let actions: Vec<Value> = (0..records).map(|_| self.entry(index, size)).collect();
        let submitter = self.submitter(index)?;
        self.sign(submitter.department, &[&submitter.officer], &actions, records)
    }

    fn entry(&mut self, index: usize, size: Size) -> Value {
        self.next += 1;
        let number = self.next;
        let (salt, random) = (self.salt & 0xff_ffff, self.random.next());
        let department = self.submitters.get(index).map_or(&DEPARTMENTS[0], |s| s.department);
        let office = department.first_office();
        let duty = department.duties.first().map_or("", |duty| duty.code);
        let uscc = department.uscc;
        let many = match size {
            Size::Small => 1,
            Size::Realistic => REALISTIC_ITEMS / 2 + random % REALISTIC_ITEMS,
        };
        let items: Vec<Value> = (0..many)
            .map(|item| match size {
                Size::Small => json!({"item_id": "id", "name": "编号", "type": "C"}),
                Size::Realistic => json!({
                    "item_id": format!("item-{item}"),
                    "name": format!("登记事项第{item}项"),
                    "desc": "由主管处室依法采集、核验并按更新周期维护的登记事项 as registered",
                    "type": "C", "length": 200,
                }),
            })
            .collect();
        let summary = match size {
            Size::Small => "压力测试条目".to_owned(),
            Size::Realistic => {
                "全市各区主管部门依法登记、采集和维护的基本信息，按统一标准汇总后形成的目录条目。\
                 Registered, collected and kept by the departments of all districts by law."
                    .repeat(2)
            }
        };
        let code = format!("307999/{salt:06x}{number:08x}");
        if self.keys.len() < KEYS_MAX {
            self.keys.push(entry_key(&entry_id(&code)));
        }
        self.last_key = entry_key(&entry_id(&code));
        json!({"type": "entry.publish", "entry": {
            "codes": [code],
            "name": format!("压力测试条目 {salt:06x}-{number:08x}"),
            "office": format!("{uscc}:{}", office.code),
            "region": department.region,
            "summary": summary,
            "formats": [{"category": "database", "type": "mysql"}],
            "items": items,
            "share": {"type": "unconditional"},
            "open": {"is_open": false},
            "update_cycle": "daily",
            "published_at": "2026-01-05",
            "level": "general-1",
            "personal_info": "none",
            "responsibilities": [format!("{uscc}:{duty}")],
            "no_system": "压力测试",
        }})
    }

    /// A transaction of these actions by a department; the departments named second sign as well.
    ///
    /// # Errors
    /// Exit 2 when it is too large.
    pub fn act(&self, submitter: usize, also: &[usize], actions: &[Value]) -> Outcome<Item> {
        let first = self.submitter(submitter)?;
        let mut keys = vec![&first.officer];
        for index in also {
            keys.push(&self.submitter(*index)?.officer);
        }
        let records = u64::try_from(actions.len()).unwrap_or(0);
        self.sign(first.department, &keys, actions, records)
    }

    /// Keys of entries published so far, as many as are worth reading.
    pub fn keys(&self) -> Vec<String> {
        self.keys.clone()
    }

    /// Key of the entry published last.
    pub fn last_key(&self) -> String {
        self.last_key.clone()
    }

    /// The department that published it.
    pub fn last_department(&self) -> usize {
        self.last_department
    }

    fn submitter(&self, index: usize) -> Outcome<&Submitter> {
        let missing = || Failure::usage(text!("no such department", "没有该部门"));
        self.submitters.get(index).ok_or_else(missing)
    }

    fn sign(
        &self,
        department: &Department,
        keys: &[&SigningKey],
        actions: &[Value],
        records: u64,
    ) -> Outcome<Item> {
        let office = department.first_office().code;
        let payload = json!({
            "schema_version": 1,
            "chain_id": self.chain_id.as_str(),
            "submitter": {
                "member": department.uscc,
                "office": format!("{}:{office}", department.uscc),
            },
            "valid_until": self.height + VALID_HEIGHTS,
            "actions": actions,
        });
        // As `mulu` itself writes it.
        let payload: Payload = serde_json::from_value(payload).map_err(|e| {
            Failure::usage(text!("the load is no payload: {e}", "负载不是有效载荷：{e}"))
        })?;
        let payload = serde_json::to_vec(&payload).expect("records hold nothing JSON cannot carry");
        let bytes = u64::try_from(payload.len()).unwrap_or(0);
        let envelope =
            Envelope::sign(payload, keys).map_err(|e| Failure::usage(text!("{e}", "{e}")))?;
        Ok(Item {
            id: envelope.id(),
            json: envelope.to_json().to_string().into_bytes(),
            payload_bytes: bytes,
            records,
            lane: None,
        })
    }
}

/// The id of the record that an action of a transaction makes.
pub fn record_id(item: &Item, action: u32) -> Digest {
    mulu_contracts::state::record_id(&item.id, action)
}
