//! What the tests of the import share.

use super::convert::Binding;

/// A binding of a test member.
pub fn binding() -> Binding {
    let member = "91350100M000100Y43";
    Binding {
        source_system: "test-list".to_owned(),
        class: "306001".to_owned(),
        office: format!("{member}:data"),
        region: "110000".to_owned(),
        duty: format!("{member}:registration"),
        system: None,
        no_system: "来源目录未登记信息系统".to_owned(),
        today: "2026-11-21".to_owned(),
        fetched_at: "2026-11-21T12:00:00+08:00".to_owned(),
    }
}
