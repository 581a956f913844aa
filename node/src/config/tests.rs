use super::*;
use crate::explain::{Explain as _, Language};

const MEMBER: &str = "11370000MB0000001A";
const PEER: &str =
    "/ip4/10.1.2.3/tcp/26601/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(&text.replace("MEMBER", MEMBER).replace("PEER", PEER), "config.toml", |_| None)
}

#[test]
fn what_is_written_is_read() {
    let mut config = Config::new("市场监管 \"一号\"", MEMBER);
    assert_eq!(parse(&config.to_toml()).expect("defaults"), config);
    config.p2p.peers = vec![PEER.parse().expect("address"); 2];
    config.log = LogSection { format: LogFormat::Json, level: "info,mulu_node=debug".to_owned() };
    config.consensus.block_interval_ms_min = 0;
    config.storage.bodies = BodyPolicy::Archive;
    config.storage.archive = "/srv/归档 \"1\"".to_owned();
    config.storage.state_heights = 0;
    config.storage.keep_old_values = false;
    assert_eq!(parse(&config.to_toml()).expect("others"), config);
}

#[test]
fn a_member_is_enough() {
    assert_eq!(parse("member = \"MEMBER\"").expect("usable"), Config::new(MEMBER, MEMBER));
}

#[test]
fn mistakes_are_named_with_their_place() {
    let rows = [
        // text, line:column, part of the message, part of the help
        ("", ":1:1:", "missing field `member`", "add this setting"),
        ("member = 7", ":1:10:", "expected a string", "double quotes"),
        ("member = \"MEMBER\"\nmonicker = \"a\"", ":2:1:", "unknown field `monicker`", "spelling"),
        (
            "member = \"MEMBER\"\n[p2p]\nlistne = \"a\"",
            ":3:1:",
            "unknown field `listne`",
            "spelling",
        ),
        (
            "member = \"MEMBER\"\n[storage]\nbodies = \"forget\"",
            ":3:10:",
            "`forget` is not a policy",
            "keep, archive or drop",
        ),
        (
            "member = \"MEMBER\"\n[storage]\narchive_blocks = 0",
            ":3:18:",
            "`0` is out of range",
            "1 to 65536",
        ),
        ("member = \"123\"", ":1:10:", "`123` is not a unified", "18 characters"),
        ("member = \"MEMBER\"\nmoniker = \"\"", ":2:11:", "0 characters", "1 to 64"),
        (
            "member = \"MEMBER\"\n[p2p]\nlisten = \"127.0.0.1:1\"",
            ":3:10:",
            "not a multiaddr",
            "/ip4/",
        ),
        (
            "member = \"MEMBER\"\n[p2p]\nlisten = \"/dns4/a/tcp/1\"",
            ":3:10:",
            "not an address to listen on",
            "not resolved",
        ),
        (
            "member = \"MEMBER\"\n[p2p]\npeers = [\n  \"PEER\",\n  \"/ip4/1.2.3.4/tcp/1\",\n]",
            ":5:3:",
            "not the full address of a peer",
            "show-node-id",
        ),
        (
            "member = \"MEMBER\"\napi.listen = \"localhost:1\"",
            ":2:14:",
            "not an IP address",
            "127.0.0.1",
        ),
        (
            "member = \"MEMBER\"\napi.hosts = [\"https://a.gov\"]",
            ":2:14:",
            "not a host name",
            "without scheme",
        ),
        ("member = \"MEMBER\"\nlog.format = \"xml\"", ":2:14:", "`xml`", "text or json"),
        ("member = \"MEMBER\"\nlog.level = \"a=b=c\"", ":2:13:", "not a log level", "info"),
        (
            "member = \"MEMBER\"\nconsensus.vote_timeout_ms = 0",
            ":2:29:",
            "0 milliseconds",
            "10 to 60000",
        ),
        (
            "member = \"MEMBER\"\nconsensus.timeout_ms_max = 20",
            ":2:28:",
            "less than a first wait",
            "1000 or more",
        ),
        ("member = \"MEMBER", ":1:", "", "double quotes"),
        ("member = \"MEMBER\"\nmember = \"MEMBER\"", ":2:1:", "duplicate key", ""),
    ];
    for (text, place, message, help) in rows {
        let error = parse(text).expect_err(text);
        let shown = error.to_string();
        for part in [&format!("config.toml{place}"), message, help, "^", "help: "] {
            assert!(shown.contains(part), "{text}\nshows\n{shown}\nwithout `{part}`");
        }
        let chinese = error.explain(Language::Chinese);
        assert!(chinese.starts_with("错误：配置不可用\nconfig.toml 第 "), "{chinese}");
    }
}

#[test]
fn the_caret_stands_under_the_value() {
    let error = parse("member = \"MEMBER\"\nlog = { level = \"信息\", format = \"表\" } # 日志");
    let shown = error.expect_err("a format").to_string();
    let line = "2 | log = { level = \"信息\", format = \"表\" } # 日志";
    assert!(shown.contains(line), "{shown}");
    // Chinese characters are two columns wide on a terminal.
    let caret = format!("  | {}^^^^", " ".repeat("log = { level = \"xxxx\", format = ".len()));
    assert!(shown.contains(&caret), "{shown}");
}

#[test]
fn all_mistakes_are_named_at_once() {
    let error =
        parse("member = \"1\"\n[api]\nlisten = \"a\"\n[p2p]\nlisten = \"b\"").expect_err("three");
    let ConfigError::Invalid { faults } = error else { panic!("{error}") };
    assert_eq!(faults.iter().map(|located| located.fault.line).collect::<Vec<_>>(), [1, 3, 5]);
}

#[test]
fn environment_over_file_and_flag_over_environment() {
    let text = format!("member = \"{MEMBER}\"\nlog.level = \"warn\"");
    let environment = |name: &str| match name {
        "MULU_P2P_LISTEN" => Some("/ip6/::/tcp/1".to_owned()),
        "MULU_API_LISTEN" => Some("[::1]:2".to_owned()),
        "MULU_LOG_FORMAT" => Some("json".to_owned()),
        "MULU_LOG_LEVEL" => Some("debug".to_owned()),
        "MULU_FREE_MIB_MIN" => Some("7".to_owned()),
        other => panic!("{other} is asked for"),
    };
    let mut config = Config::parse(&text, "config.toml", environment).expect("usable");
    assert_eq!(config.p2p.listen.to_string(), "/ip6/::/tcp/1");
    assert_eq!(config.api.listen.to_string(), "[::1]:2");
    assert_eq!((config.log.format, config.log.level.as_str()), (LogFormat::Json, "debug"));

    assert_eq!(config.storage.free_mib_min, 7);

    let flags =
        Overrides { log_format: Some(LogFormat::Text), log_level: Some("trace".to_owned()) };
    config.override_with(flags).expect("usable");
    assert_eq!((config.log.format, config.log.level.as_str()), (LogFormat::Text, "trace"));

    let wrong = |name: &str| (name == "MULU_API_LISTEN").then(|| "26701".to_owned());
    let error = Config::parse(&text, "config.toml", wrong).expect_err("no address");
    assert!(error.to_string().contains("MULU_API_LISTEN is not usable: `26701`"), "{error}");
}

#[test]
fn a_missing_file_says_what_writes_it() {
    let home = tempfile::tempdir().expect("a folder");
    let error = Config::load(home.path()).expect_err("no file");
    assert!(error.to_string().contains("`mulud init` writes one"), "{error}");
    assert!(error.chinese().contains("用 `mulud init` 生成"), "{}", error.chinese());
}

#[test]
fn webhooks_are_local_named_once_and_filtered() {
    let table = |name: &str, rest: &str| format!("[[webhooks]]\nname = \"{name}\"\n{rest}\n");
    let good = "url = \"http://127.0.0.1:9000/x\"\nkind = \"receipt.record, authorization\"\nfrom_height = 7";
    let parse = |tables: &str| parse(&format!("member = \"MEMBER\"\n{tables}"));
    let config = parse(&(table("a", good) + &table("b-2", good))).expect("two webhooks");
    let names: Vec<_> = config.webhooks.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(names, ["a", "b-2"]);
    assert_eq!(config.webhooks[0].from_height, Some(mulu_chain::types::Height(7)));
    for wrong in [
        table("a", good) + &table("a", good),
        table("A", good),
        table("a", "url = \"https://127.0.0.1/x\""),
        table("a", "url = \"http://10.0.0.1/x\""),
        table("a", "url = \"http://user@localhost/x\""),
        table("a", "url = \"http://localhost/x\"\nkind = \"Receipt\""),
        table("a", "url = \"http://localhost/x\"\nevents = \"all\""),
    ] {
        assert!(matches!(parse(&wrong), Err(ConfigError::Invalid { .. })), "{wrong}");
    }
}
