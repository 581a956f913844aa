//! How the plan's faults strike, and how everything becomes quiet again.

use std::path::Path;

use super::node::VOTES;
use super::plan::{Damage, Fault};
use super::random::Random;
use super::world::{Event, Happened, World};

/// Blocks that every honest node must commit after the quiet began.
const HEIGHTS_AFTER_QUIET: u64 = 3;
/// About what a validator logs of one height, in bytes.
const NEWEST_BYTES: u64 = 1_500;
/// Between two transactions of clients after the quiet began, in milliseconds.
const QUIET_CLIENT_MS: u64 = 1_500;

impl World {
    /// A fault strikes. After the quiet began none does.
    pub(super) fn strike(&mut self, fault: &Fault) -> Happened {
        if self.is_quiet() {
            return Ok(());
        }
        self.count(fault);
        self.trace.say(self.now, || format!("fault: {fault:?}"));
        match fault {
            Fault::Kill { node, down_ms } => self.kill(*node, *down_ms),
            Fault::KillAtEffect { node, effects, down_ms } => {
                self.nodes[*node].down_ms = *down_ms;
                self.nodes[*node].kill_after = Some(*effects);
                Ok(())
            }
            Fault::PowerCut { node, down_ms } => {
                self.kill(*node, *down_ms)?;
                self.nodes[*node].disk.crash();
                Ok(())
            }
            Fault::PowerCutInDisk { node, operations, down_ms } => {
                let own = &mut self.nodes[*node];
                own.down_ms = *down_ms;
                own.disk_may_fail = true;
                own.disk.power_off_after(*operations);
                Ok(())
            }
            Fault::Blackout { down_ms } => {
                for node in 0..self.nodes.len() {
                    let later = self.random.below(3_000);
                    self.kill(node, down_ms + later)?;
                    self.nodes[node].disk.crash();
                }
                Ok(())
            }
            Fault::DiskFull { node, for_ms } => {
                let own = &mut self.nodes[*node];
                own.disk_may_fail = true;
                own.down_ms = 1_000;
                own.disk.set_full(true);
                own.kv.set_full(true);
                self.at(*for_ms, Event::DiskFree(*node));
                Ok(())
            }
            Fault::SyncFails { node, down_ms } => {
                let own = &mut self.nodes[*node];
                own.disk_may_fail = true;
                own.down_ms = *down_ms;
                own.disk.fail_next_sync();
                Ok(())
            }
            Fault::Damage { node, damage, effects, down_ms } => {
                let own = &mut self.nodes[*node];
                own.down_ms = *down_ms;
                own.kill_after = Some(*effects);
                own.damage_then = Some(*damage);
                Ok(())
            }
            Fault::Cut { links, for_ms, noticed } => {
                let here = |(from, to): &&(usize, usize)| *from.max(to) < self.nodes.len();
                let links: Vec<_> = links.iter().filter(here).copied().collect();
                for (from, to) in &links {
                    self.network.cut(*from, *to);
                    if *noticed {
                        self.at(1_000, Event::Disconnected { node: *from, peer: *to });
                        self.at(1_000, Event::Disconnected { node: *to, peer: *from });
                    }
                }
                self.at(*for_ms, Event::Heal { links, noticed: *noticed });
                Ok(())
            }
            Fault::Clock { node, by_ms } => {
                // One clock may be hours off, the others seconds: a wrong clock is a faulty node.
                let far = by_ms.unsigned_abs() > 4_000;
                let seed = usize::try_from(self.plan.seed % 1_000).unwrap_or(0);
                let node = if far { seed % self.plan.validators } else { *node };
                self.nodes[node].skew_ms = *by_ms;
                Ok(())
            }
        }
    }

    fn kill(&mut self, node: usize, down_ms: u64) -> Happened {
        if self.nodes[node].running.is_none() {
            return Ok(());
        }
        self.nodes[node].down_ms = down_ms;
        self.die(node, true)
    }

    /// What happens to the files of a stopped node.
    pub(super) fn damage(&mut self, node: usize, damage: Damage) {
        let mut random: Random = self.random.fork();
        let own = &mut self.nodes[node];
        let folder = Path::new(VOTES);
        let files: Vec<_> =
            own.disk.files().into_iter().filter(|path| path.starts_with(folder)).collect();
        let file = random.pick(&files).cloned();
        let length = file.as_ref().and_then(|file| own.disk.bytes(file)).map_or(0, |b| b.len());
        match (damage, file) {
            (Damage::FlipBit, Some(file)) if length > 0 => {
                let from = newest(&mut random, length);
                own.disk.flip_bit(&file, 8 * from + random.below(8 * (length as u64 - from)));
            }
            (Damage::Truncate, Some(file)) if length > 0 => {
                let from = newest(&mut random, length);
                own.disk.truncate(&file, from + random.below(length as u64 - from));
            }
            (Damage::WipeLog, _) => files.iter().for_each(|file| own.disk.erase(file)),
            (Damage::WipeAll, _) => {
                files.iter().for_each(|file| own.disk.erase(file));
                own.kv.wipe();
                own.forgot = true;
            }
            (Damage::Rollback, _) => {
                if let Some((disk, kv)) = own.image.clone() {
                    own.disk.restore(&disk);
                    own.kv.restore(&kv);
                    own.forgot = true;
                    own.forgetful = true;
                }
            }
            _ => {}
        }
    }

    /// Takes an image of every damaged department's stopped or running machine.
    pub(super) fn take_images(&mut self) {
        for node in self.plan.damaged.clone() {
            let own = &mut self.nodes[node];
            own.image = Some((own.disk.snapshot(), own.kv.snapshot()));
        }
    }

    /// Heals a cut.
    pub(super) fn heal(&mut self, links: &[(usize, usize)], noticed: bool) {
        if self.is_quiet() {
            return;
        }
        for (from, to) in links {
            self.network.heal(*from, *to);
        }
        if noticed {
            for (from, to) in links {
                self.reconnect(*from, *to);
            }
        }
    }

    fn reconnect(&mut self, node: usize, peer: usize) {
        let both = [node, peer].iter().all(|n| self.nodes[*n].running.is_some());
        if both && self.nodes[node].department != self.nodes[peer].department {
            let after = self.random.between(5, 1_000);
            self.connect(node, peer, after);
        }
    }

    /// The faults end: whole network, sound disks, right clocks, everybody up. Liars go on lying.
    pub(super) fn calm(&mut self) -> Happened {
        self.quiet_since = Some(self.now);
        self.goal = self.oracles.agreement.height();
        self.goal.0 += HEIGHTS_AFTER_QUIET;
        self.trace.say(self.now, || "quiet".to_owned());
        self.network.calm();
        for node in 0..self.nodes.len() {
            let own = &mut self.nodes[node];
            own.skew_ms = 0;
            own.kill_after = None;
            if own.running.is_none() && own.disk.is_off() {
                own.disk.crash();
            }
            own.disk.calm();
            own.kv.set_full(false);
            if own.running.is_none() {
                let incarnation = own.incarnation;
                self.at(10, Event::Restart { node, incarnation });
            }
        }
        for node in 0..self.nodes.len() {
            for peer in 0..node {
                self.reconnect(node, peer);
            }
        }
        for turn in 1..80 {
            self.at(turn * QUIET_CLIENT_MS, Event::Client);
        }
        Ok(())
    }
}

/// Where damage to a file of this many bytes may begin: half of the time near its end, where the
/// height under way is written.
fn newest(random: &mut Random, length: usize) -> u64 {
    let near_end = random.chance(1, 2);
    if near_end { (length as u64).saturating_sub(NEWEST_BYTES) } else { 0 }
}
