//! A file's bytes in the page cache and on the platter, and an open file.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mulu_node::disk::{DiskFile, Site};

use super::super::random::Random;
use super::world::{FileId, World};

/// A change that is in the page cache only.
#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*offset..end].copy_from_slice(bytes);
            }
            Change::Length(length) => to.resize(*length, 0),
        }
    }
}

/// A file's bytes.
#[derive(Debug, Clone, Default)]
pub struct Content {
    platter: Vec<u8>,
    cache: Vec<u8>,
    unsynced: Vec<Change>,
}

impl Content {
    /// A file at rest.
    pub fn at_rest(bytes: Vec<u8>) -> Content {
        Content { platter: bytes.clone(), cache: bytes, unsynced: Vec::new() }
    }

    /// What a program reads.
    pub fn seen(&self) -> &[u8] {
        &self.cache
    }

    /// Changes the file at rest.
    pub fn edit(&mut self, mut edit: impl FnMut(&mut Vec<u8>)) {
        edit(&mut self.cache);
        self.platter.clone_from(&self.cache);
        self.unsynced.clear();
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.cache);
        self.unsynced.push(change);
    }

    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.platter);
        }
    }

    /// Lets each change in the cache reach the platter whole, torn, or not at all; counts the last
    /// two. The cache stays as it is.
    pub fn lose(&mut self, random: &mut Random) -> (u64, u64) {
        let (mut torn, mut lost) = (0, 0);
        for change in self.unsynced.drain(..) {
            match (random.below(3), change) {
                (0, change) => change.apply(&mut self.platter),
                (1, Change::Write { offset, mut bytes }) if !bytes.is_empty() => {
                    bytes.truncate(below(random, bytes.len()));
                    Change::Write { offset, bytes }.apply(&mut self.platter);
                    torn += 1;
                }
                _ => lost += 1,
            }
        }
        (torn, lost)
    }

    /// The cache is gone; what the platter holds is what there is.
    pub fn forget_cache(&mut self) {
        self.unsynced.clear();
        self.cache.clone_from(&self.platter);
    }
}

fn below(random: &mut Random, bound: usize) -> usize {
    usize::try_from(random.below(bound as u64)).unwrap_or(0)
}

/// An open file; dead after a power loss.
#[derive(Debug)]
pub struct SimFile {
    world: Arc<Mutex<World>>,
    id: FileId,
}

impl SimFile {
    /// Opens a file.
    pub fn new(world: Arc<Mutex<World>>, id: FileId) -> SimFile {
        SimFile { world, id }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiskFile for SimFile {
    fn write_at(&mut self, site: Site, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let mut world = self.world();
        let struck = world.begin(site)?;
        let length = world.opened(self.id)?.cache.len();
        let growth = (offset + bytes.len()).saturating_sub(length);
        let no_space = world.no_space(site, growth);
        // At a power loss, or on a full disk, a part has been taken.
        let taken = match struck.is_some() || no_space.is_some() {
            true => below(&mut world.random, bytes.len() + 1),
            false => bytes.len(),
        };
        let taken = match no_space {
            Some(_) => taken.min(length.saturating_sub(offset) + world.space()),
            None => taken,
        };
        world.grow(length, (offset + taken).max(length));
        let bytes = bytes.get(..taken).unwrap_or_default().to_vec();
        world.opened(self.id)?.change(Change::Write { offset, bytes });
        struck.or(no_space).map_or(Ok(()), Err)
    }

    fn set_len(&mut self, site: Site, bytes: u64) -> io::Result<()> {
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        let mut world = self.world();
        let struck = world.begin(site)?;
        let length = world.opened(self.id)?.cache.len();
        // Zeros at the end are a hole: they take no space.
        if struck.is_none() || world.random.chance(1, 2) {
            world.grow(length, bytes);
            world.opened(self.id)?.change(Change::Length(bytes));
        }
        struck.map_or(Ok(()), Err)
    }

    fn sync(&mut self, site: Site) -> io::Result<()> {
        let mut world = self.world();
        let struck = world.begin(site)?;
        if let Some(error) = struck {
            // What the platter has got by now is decided when the power goes.
            return Err(error);
        }
        let failed = world.sync_fails(site);
        let mut random = world.random.clone();
        let content = world.opened(self.id)?;
        match failed {
            // The pages are clean now, whatever reached the platter.
            Some(error) => {
                content.lose(&mut random);
                world.random = random;
                Err(error)
            }
            None => {
                content.sync();
                Ok(())
            }
        }
    }
}
