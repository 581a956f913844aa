//! The one-page ledger of a night, for machines and for people. Its keys never change their meaning,
//! so that ledgers can be summed for ever.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use super::{Night, Plan};
use crate::sim::plan::Profile;

/// A night in numbers.
#[derive(Debug, Clone)]
pub struct Ledger(pub Value);

pub(super) fn commit() -> String {
    let arguments = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude", "*"];
    let output = Command::new("git").args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "unknown".to_owned())
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores, {model}")
}

impl Ledger {
    /// Sums a night.
    pub fn of(plan: &Plan, night: &Night) -> Ledger {
        let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
        for report in [&night.core, &night.application] {
            for (kind, count) in &report.faults {
                *faults.entry(kind).or_default() += count;
            }
        }
        let profiles = [(Profile::Core, &night.core), (Profile::Application, &night.application)];
        let sum = |of: fn(&crate::sim::campaign::Report) -> u64| -> u64 {
            profiles.iter().map(|(_, report)| of(report)).sum()
        };
        let mut replay: Vec<Value> = Vec::new();
        for (profile, report) in profiles {
            replay
                .extend(report.to_json(profile)["replay"].as_array().cloned().unwrap_or_default());
        }
        let kills = |of: fn(&crate::processes::kills::KillReport) -> u64| -> u64 {
            night.kills.iter().map(of).sum()
        };
        let files: Vec<_> = night.flips.kinds.values().collect();
        let fuzz: BTreeMap<&str, Value> = night
            .fuzz
            .iter()
            .map(|(name, runs, crashes)| (*name, json!({"executions": runs, "crashes": crashes})))
            .collect();
        let planted = night.planted.clone().unwrap_or(Value::Null);
        let bugs = planted["bugs"].as_array().cloned().unwrap_or_default();
        let found = bugs.iter().filter(|bug| !bug["seeds_to_find"].is_null()).count();
        let not_run = night.full_disk.not_run.as_ref().map_or(0, |(rounds, _)| *rounds)
            + night.chaos.iter().filter_map(|c| c.not_run.as_ref()).map(|(n, _)| n).sum::<u64>();
        Ledger(json!({
            "commit": night.commit,
            "machine": machine(),
            "first_seed": plan.seed,
            "wall_seconds": night.seconds.round(),
            "seeds": sum(|r| r.seeds),
            "simulated_hours": sum(|r| r.simulated_ms) as f64 / 3_600_000.0,
            "faults": faults,
            "violations": sum(|r| r.violations.len() as u64 + r.differed.len() as u64),
            "stalls": sum(|r| r.stalls.len() as u64),
            "kills": kills(|r| r.kills),
            "acknowledged": kills(|r| r.verdict.acknowledged),
            "acknowledged_lost": kills(|r| r.verdict.lost + r.verdict.contradictions),
            "bit_flips": night.damage.tried + files.iter().map(|c| c.tried).sum::<u64>(),
            "silent_flips": night.damage.silent + files.iter().map(|c| c.silent).sum::<u64>(),
            "fuzz_executions": night.fuzz.iter().map(|(_, runs, _)| runs).sum::<u64>(),
            "fuzz_crashes": night.fuzz.iter().map(|(_, _, crashes)| crashes).sum::<u64>(),
            "planted_bugs": bugs.len(),
            "planted_found": found,
            "planted_not_run": plan.planted && night.planted.is_none(),
            "full_disks": night.full_disk.rounds,
            "chaos_scenarios": night.chaos.iter().map(|c| c.scenarios).sum::<u64>(),
            "chaos_stalls": night.chaos.iter().map(|c| c.stalls).sum::<u64>(),
            "not_run": not_run,
            "replay": replay,
            "core": night.core.to_json(Profile::Core),
            "application": night.application.to_json(Profile::Application),
            "kills_detail": {
                "restarts": kills(|r| r.restarts),
                "restarts_failed": kills(|r| r.restarts_failed),
                "stalls": kills(|r| r.stalls),
                "equivocations": kills(|r| r.equivocations),
                "recovery_ms_max":
                    night.kills.iter().map(|r| r.max_recovery_ms).max().and_then(|ms| u64::try_from(ms).ok()),
            },
            "fuzz": fuzz,
            "planted": planted,
        }))
    }

    /// Whether nothing failed.
    pub fn is_clean(&self) -> bool {
        let zero = |key: &str| self.0[key].as_u64() == Some(0);
        [
            "violations",
            "stalls",
            "acknowledged_lost",
            "silent_flips",
            "fuzz_crashes",
            "chaos_stalls",
        ]
        .into_iter()
        .all(zero)
            && self.0["planted_bugs"] == self.0["planted_found"]
            // A table that is missing finds all of its no bugs.
            && self.0["planted_not_run"] == false
    }

    /// One page for people.
    pub fn markdown(&self) -> String {
        let Ledger(all) = self;
        let mut page = String::from("# What was tried, and what came of it\n\n");
        let text = |key: &str| all[key].as_str().unwrap_or_default();
        let number = |key: &str| match &all[key] {
            Value::Number(number) if number.is_u64() => number.to_string(),
            other => format!("{:.1}", other.as_f64().unwrap_or(0.0)),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(page, "Commit `{}`, {}.\n", text("commit"), text("machine"));
        let _ = writeln!(page, "| what | tried | failed |\n|---|---:|---:|");
        let rows = [
            ("simulated seeds (core and application)", "seeds", "violations"),
            ("the same, for progress after the faults end", "seeds", "stalls"),
            ("kills of real nodes; acknowledged transactions lost", "kills", "acknowledged_lost"),
            ("transactions acknowledged under kills", "acknowledged", "acknowledged_lost"),
            ("bit flips and truncations of durable files; silent", "bit_flips", "silent_flips"),
            ("fuzz executions; crashes", "fuzz_executions", "fuzz_crashes"),
            ("bad networks between real nodes; stalls", "chaos_scenarios", "chaos_stalls"),
        ];
        for (what, tried, failed) in rows {
            let _ = writeln!(page, "| {what} | {} | {} |", number(tried), number(failed));
        }
        let _ = writeln!(page, "| disks that ran full | {} | |", number("full_disks"));
        let _ = writeln!(
            page,
            "| planted bugs; found | {} | {} found |",
            number("planted_bugs"),
            number("planted_found")
        );
        let _ = writeln!(page, "| not run on this machine | {} | |", number("not_run"));
        let _ = writeln!(page, "\nSimulated hours: {}.\n", number("simulated_hours"));
        let _ =
            writeln!(page, "## Faults that struck in simulation\n\n| kind | times |\n|---|---:|");
        for (kind, count) in all["faults"].as_object().into_iter().flatten() {
            let _ = writeln!(page, "| {kind} | {count} |");
        }
        for profile in ["core", "application"] {
            let report = &all[profile];
            let _ = writeln!(
                page,
                "\n{profile}: {} seeds, {:.1} seeds/s, {} blocks committed, {} transactions \
                 acknowledged, {} accusations on the chain, {} of {} messages lost, longest recovery \
                 {:.1} s, {} of {} repeated runs differed.",
                report["seeds"],
                report["seeds_per_second"].as_f64().unwrap_or(0.0),
                report["commits"],
                report["acknowledged"],
                report["accusations"],
                report["messages_lost"],
                report["messages"],
                report["recovery_ms_max"].as_f64().unwrap_or(0.0) / 1_000.0,
                report["differed"],
                report["repeated"],
            );
        }
        let bugs = all["planted"]["bugs"].as_array().cloned().unwrap_or_default();
        if !bugs.is_empty() {
            let _ = writeln!(
                page,
                "\n## Planted bugs\n\n| bug | found by | seeds to find |\n|---|---|---:|"
            );
            for bug in bugs {
                let _ = writeln!(
                    page,
                    "| {} | {} | {} |",
                    bug["name"].as_str().unwrap_or_default(),
                    bug["found_by"].as_str().unwrap_or("not found"),
                    bug["seeds_to_find"]
                );
            }
        }
        let replay = all["replay"].as_array().cloned().unwrap_or_default();
        if !replay.is_empty() {
            let _ = writeln!(page, "\n## To replay what failed\n");
            for line in replay {
                let _ = writeln!(page, "    {}", line.as_str().unwrap_or_default());
            }
        }
        page
    }
}
