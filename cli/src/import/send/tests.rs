use serde_json::json;

use super::*;

#[test]
fn the_fate_of_a_transaction_is_read() {
    let accepted =
        json!({ "status": "committed", "height": 9, "outcome": { "result": "accepted" } });
    assert!(matches!(fate(&accepted), Ok(Fate::Accepted { height: 9 })));
    let refused = json!({ "status": "committed", "height": 9,
        "outcome": { "result": "rejected", "rule": "ENT-07", "action": 3, "title": "t" } });
    assert!(matches!(fate(&refused), Ok(Fate::Refused { action: 3, .. })));
    let late =
        json!({ "status": "committed", "outcome": { "result": "rejected", "rule": "TX-10" } });
    assert!(matches!(fate(&late), Ok(Fate::Expired)));
    assert!(matches!(fate(&json!({ "status": "expired" })), Ok(Fate::Expired)));
    assert!(fate(&json!({ "status": "lost" })).is_err());
}
