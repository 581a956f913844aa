//! The layout on disk, pinned: one digest per column after fixed blocks. A change of one of these
//! is a change of the schema and needs a new [`SCHEMA_VERSION`](crate::storage::ledger::SCHEMA_VERSION).

use mulu_chain::digest::Digest;

use super::chain::{Chain, Random, genesis, random_plan};
use super::rocks;
use crate::storage::{Column, Kv, Ledger, MemoryKv};

fn digest(kv: &dyn Kv, column: Column) -> String {
    let mut bytes = Vec::new();
    for (key, value) in kv.scan(column, &[], None, usize::MAX).unwrap() {
        for part in [key, value] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part);
        }
    }
    Digest::sha256(&bytes).to_hex()[..16].to_owned()
}

#[test]
fn the_columns_of_a_fixed_chain_do_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [std::sync::Arc<dyn Kv>; 2] =
        [std::sync::Arc::new(MemoryKv::default()), rocks(folder.path())];
    for kv in stores {
        let ledger = Ledger::over(kv.clone()).unwrap();
        let state = [("params".to_owned(), b"{}".to_vec())].into();
        let mut chain = Chain::new(genesis("mulu-layout", state));
        chain.start(&ledger);
        let mut random = Random(2026);
        for _ in 0..12 {
            chain.commit(&ledger, random_plan(&mut random));
        }
        let found = Column::ALL.map(|column| (column.name(), digest(&*kv, column)));
        let found: Vec<_> = found.iter().map(|(name, digest)| (*name, digest.as_str())).collect();
        assert_eq!(found, EXPECTED);
    }
}

const EXPECTED: [(&str, &str); 13] = [
    ("meta", "851b8b7f06988722"),
    ("headers", "6fa8101fc928a1d7"),
    ("certificates", "7cd75405cd9de965"),
    ("bodies", "416b9f10d7f3cab0"),
    ("transactions", "6ff96157964c9ba0"),
    ("state_nodes", "623927c3f4b5d39a"),
    ("state_values", "050e269d4fbea520"),
    ("records", "aa4611aa5c71a7ef"),
    ("history", "8013ddf37427204f"),
    ("log_nodes", "96bd82727e1a68b7"),
    ("log_entries", "20e59750257233fc"),
    ("validators", "3a5f543451df22f6"),
    ("stale_nodes", "f2c361d11b948a7f"),
];
