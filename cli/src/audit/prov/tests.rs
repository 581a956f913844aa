//! The document refers to nothing it does not declare, and the reader of others takes it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::document;
use crate::audit::tests::story;
use crate::audit::verify;

fn exported() -> Value {
    let story = story();
    let bytes = story.world.bundle(&story.entry).to_bytes();
    let audited = verify(bytes.as_slice(), &story.world.genesis()).expect("a bundle");
    assert!(audited.failed().is_empty());
    document(&audited.story)
}

#[test]
fn every_name_is_declared_and_every_transaction_is_there() {
    let document = exported();
    assert_eq!(document, exported(), "a function of the bundle");
    let object = |kind: &str| document[kind].as_object().cloned().unwrap_or_default();
    let (entities, activities, agents) = (object("entity"), object("activity"), object("agent"));
    assert_eq!(activities.len(), 11);
    assert_eq!(entities.keys().filter(|id| id.starts_with("mulu:receipt/")).count(), 4);
    assert!(!agents.is_empty());
    let relations = document.as_object().expect("an object");
    for (kind, all) in relations.iter().filter(|(_, all)| all.is_object()) {
        for (id, relation) in all.as_object().expect("an object") {
            let Some(relation) = relation.as_object().filter(|_| id.starts_with("_:")) else {
                continue;
            };
            for (role, name) in relation {
                let name = name.as_str().expect("a text");
                let known = match role.as_str() {
                    "prov:activity" => activities.contains_key(name),
                    "prov:agent" | "prov:delegate" | "prov:responsible" => {
                        agents.contains_key(name)
                    }
                    "prov:role" | "prov:time" => true,
                    _ => entities.contains_key(name),
                };
                assert!(known, "{kind} {id}: {role} {name}");
            }
        }
    }
}

/// Python's `prov` reads it, writes it and reads it again, unifies it alone and with a document of
/// its own suite. Where the library is not installed this is skipped, and says so.
#[test]
fn the_prov_library_of_python_takes_it() {
    let python = std::env::var("MULU_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let there = Command::new(&python).args(["-c", "import prov"]).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: {python} has no `prov` (pip install prov, or set MULU_PYTHON)");
        return;
    }
    let script = "\
import sys, os, json
from prov.model import ProvDocument, ProvEntity, ProvActivity, ProvAgent
text = sys.stdin.read()
d = ProvDocument.deserialize(content=text, format='json')
again = ProvDocument.deserialize(content=d.serialize(format='json'), format='json')
assert d == again, 'not the same after a round trip'
raw = json.loads(text)
for kind, cls in (('entity', ProvEntity), ('activity', ProvActivity), ('agent', ProvAgent)):
    assert len(list(d.get_records(cls))) == len(raw[kind]), kind
assert d.unified().unified() == d.unified()
data = os.environ.get('MULU_REFERENCE_DATA')
if data:
    for name in ('activity1', 'agent1', 'association1', 'alternate1'):
        with open(os.path.join(data, 'prov', 'json', name + '.json')) as f:
            other = ProvDocument.deserialize(content=f.read(), format='json')
        other.update(d)
        other.unified()
";
    let mut child = Command::new(&python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it ran a moment ago");
    let text = exported().to_string();
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
