use clap::{CommandFactory as _, Parser as _};

use super::*;

#[test]
fn the_command_tree_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_explains_itself() {
    fn walk(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(!about.is_empty(), "{path} has no description");
        for argument in command.get_arguments().filter(|a| !a.is_hide_set()) {
            let id = argument.get_id().as_str();
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty(), "{path} {id} has no help");
        }
        for inner in command.get_subcommands() {
            walk(inner, &path);
        }
    }
    let mut command = Cli::command();
    command.build();
    for inner in command.get_subcommands().filter(|c| c.get_name() != "help") {
        walk(inner, "mulu");
    }
}

#[test]
fn global_options_stand_anywhere() {
    let cli = Cli::try_parse_from(["mulu", "status", "--node", "http://x", "--lang", "zh"]);
    let cli = cli.expect("parses");
    assert_eq!(cli.globals.node.as_deref(), Some("http://x"));
    for line in [
        "mulu entry publish - --no-wait",
        "mulu entry withdraw 307001/1 --reason x --yes",
        "mulu authorization request --entry e --basis b --scenario s --scope o --method platform-api \
         --from 2026-01-01 --to 2026-12-31 --calls 5",
        "mulu authorization finalize ID --out f.json --profile p",
        "mulu receipt record A --kind used --calls 1 --records 2",
        "mulu tx status sha256:00 --wait",
        "mulu import f.csv --format csv --class 307001 --dry-run",
        "mulu list entries --source-system x --limit 5",
        "mulu search 企业 登记 --share conditional --limit 5",
        "mulu events --follow --mine --kind authorization,receipt.record",
        "mulu events --from-height 0 --entry 307017/demo0001",
        "mulu diff 307017/demo0001 --from 12 --to sha256:00",
        "mulu versions 307017/demo0001",
        "mulu lineage serve --mapping m.toml --queue q",
    ] {
        let parsed = Cli::try_parse_from(line.split_whitespace());
        assert!(parsed.is_ok(), "{line}: {:?}", parsed.err().map(|e| e.to_string()));
    }
    for line in [
        "mulu import f.csv --class 06",
        "mulu receipt record A --kind stolen",
        "mulu authorization request --entry e",
        "mulu list nothing",
        "mulu events --from-height 1 --after 1/0",
        "mulu lineage serve",
        "mulu key register f.pem --role king",
    ] {
        assert!(Cli::try_parse_from(line.split_whitespace()).is_err(), "{line}");
    }
}
