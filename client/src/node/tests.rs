use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, retry_after: Some(2), body: body.as_bytes().to_vec() }
}

#[test]
fn problems_become_exit_codes() {
    let body = r#"{"title":"名称重复","detail":"x","code":"ENT-07","help":"改名","action":3}"#;
    let failure = problem(&answer(422, body), "http://n");
    assert_eq!(failure.exit, Exit::Rejected);
    assert_eq!(failure.rule.as_deref(), Some("ENT-07"));
    assert_eq!(failure.action, Some(3));
    assert_eq!(failure.text.expect("a text").zh, "ENT-07 名称重复: x");
    for (status, exit) in [
        (404, Exit::NotFound),
        (429, Exit::Unreachable),
        (503, Exit::Unreachable),
        (403, Exit::Permission),
        (400, Exit::Usage),
    ] {
        let failure = problem(&answer(status, "not json"), "http://n");
        assert_eq!(failure.exit, exit, "{status}");
        assert_eq!(failure.retry_after, Some(2));
    }
}

#[test]
fn paths_are_percent_encoded() {
    assert_eq!(encode_path("/v1/records/office/11:处 a"), "/v1/records/office/11:%E5%A4%84%20a");
}

#[test]
fn only_plain_http_is_spoken() {
    let timeout = Duration::from_secs(1);
    assert_eq!(Node::new("https://x", timeout, Lang::En).expect_err("tls").exit, Exit::Usage);
    assert!(Node::new("http://127.0.0.1:26701/", timeout, Lang::En).is_ok());
}

#[test]
fn a_dead_node_is_unreachable() {
    // Port 9 (discard) is closed on any sane machine.
    let node = Node::new("http://127.0.0.1:9", Duration::from_secs(2), Lang::En).expect("a URL");
    assert_eq!(node.get("/v1/status", &[]).expect_err("nobody there").exit, Exit::Unreachable);
}
