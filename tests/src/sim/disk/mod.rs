//! A disk that forgets, tears, refuses and decays, as a seed decides.
//!
//! What is modelled: a page cache over a platter. A write reaches the platter when its file is
//! synced, a name when its folder is; at a power loss every write that was not synced survives
//! whole, up to a random byte, or not at all, each on its own, and of the names' changes a random
//! first part survives (journaling file systems keep their order). A sync that fails leaves its
//! pages marked clean, so that the data can be read until the next power loss and never reaches the
//! platter, and a later sync succeeds (Rebello et al., USENIX ATC 2020). A full disk may take a
//! part of a write.
//!
//! What is not: access modes, symbolic links, two processes, a disk that answers slowly.

mod file;
mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mulu_node::disk::{Disk, DiskFile, Site};

use super::random::Random;
use world::{Node, World};

/// A simulated disk. Clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    world: Arc<Mutex<World>>,
}

/// Everything on a disk at one time, as an operator's backup holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimDiskImage {
    folders: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> SimDisk {
        SimDisk { world: Arc::new(Mutex::new(World::new(Random::new(seed)))) }
    }

    /// Power loss: what was not synced survives in part; files that were open are dead. The power
    /// is back when this returns.
    pub fn crash(&self) {
        self.world().crash();
    }

    /// The `ops`-th next changing operation (from 1) is left half done and fails, and everything
    /// after it fails, until [`SimDisk::crash`].
    pub fn power_off_after(&self, ops: u64) {
        self.world().power_off_in = Some(ops.max(1));
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.world().check_power().is_err()
    }

    /// Takes back every fault that was planned and has not struck.
    pub fn calm(&self) {
        let mut world = self.world();
        world.power_off_in = None;
        world.fail_syncs_in = None;
        world.full_in = None;
        world.full = false;
        world.capacity = u64::MAX;
    }

    /// Changing operations that were asked for so far.
    pub fn ops(&self) -> u64 {
        self.world().sites.values().sum()
    }

    /// While full, nothing may grow and no file be made.
    pub fn set_full(&self, full: bool) {
        self.world().full = full;
    }

    /// How many bytes all files may have together.
    pub fn set_capacity(&self, bytes: u64) {
        self.world().capacity = bytes;
    }

    /// The next sync of a file fails and its data may be lost at the next power loss.
    pub fn fail_next_sync(&self) {
        self.world().fail_syncs_in = Some(1);
    }

    /// As [`SimDisk::fail_next_sync`], for the `syncs`-th next sync (from 1) of a file or folder.
    pub fn fail_sync_after(&self, syncs: u64) {
        self.world().fail_syncs_in = Some(syncs.max(1));
    }

    /// The `writes`-th next write (from 1), or other operation that takes space, finds the disk full.
    pub fn full_after(&self, writes: u64) {
        self.world().full_in = Some(writes.max(1));
    }

    /// Flips one bit of a file at rest; bits are counted from the lowest of the first byte.
    ///
    /// # Panics
    /// If there is no such file or bit.
    pub fn flip_bit(&self, path: &Path, bit: u64) {
        let mut world = self.world();
        world.count("bit flip");
        let content = world.content_mut(path).expect("a file to damage");
        let at = usize::try_from(bit / 8).expect("a file fits in memory");
        content.edit(|bytes| bytes[at] ^= 1 << (bit % 8));
    }

    /// Cuts a file at rest.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn truncate(&self, path: &Path, bytes: u64) {
        let mut world = self.world();
        world.count("truncation");
        let to = usize::try_from(bytes).expect("a file fits in memory");
        world.content_mut(path).expect("a file to damage").edit(|content| content.truncate(to));
    }

    /// Puts a file there as if it had always been there, over another if there is one.
    pub fn replace(&self, path: &Path, bytes: Vec<u8>) {
        let mut world = self.world();
        world.count("replaced file");
        world.put(path, bytes);
    }

    /// Takes a file away as if it had never been there.
    pub fn erase(&self, path: &Path) {
        let mut world = self.world();
        world.count("erased file");
        world.erase(path);
    }

    /// Every file, as a program sees it.
    pub fn files(&self) -> Vec<PathBuf> {
        let world = self.world();
        let files = world.names.iter().filter(|(_, node)| matches!(node, Node::File(_)));
        files.map(|(path, _)| path.clone()).collect()
    }

    /// A file's bytes, as a program sees them.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        self.world().content(path).map(|content| content.seen().to_vec())
    }

    /// Takes a backup of all there is to see.
    pub fn snapshot(&self) -> SimDiskImage {
        let world = self.world();
        let mut image = SimDiskImage { folders: Vec::new(), files: BTreeMap::new() };
        for (path, node) in &world.names {
            match node {
                Node::Folder => image.folders.push(path.clone()),
                Node::File(_) => {
                    let bytes = world.content(path).map(|content| content.seen().to_vec());
                    image.files.insert(path.clone(), bytes.unwrap_or_default());
                }
            }
        }
        image
    }

    /// Puts a backup back: nothing else is left, and files that were open are dead.
    pub fn restore(&self, image: &SimDiskImage) {
        let mut world = self.world();
        world.count("restored backup");
        world.clear();
        for folder in &image.folders {
            world.put_folder(folder);
        }
        for (path, bytes) in &image.files {
            world.put(path, bytes.clone());
        }
    }

    /// One durable step of a store that keeps its own bytes on this disk, so that it loses its
    /// power with the rest.
    ///
    /// # Errors
    /// While the power is off; the step at which it goes is half done.
    pub fn step(&self, site: Site) -> io::Result<()> {
        self.world().begin(site)?.map_or(Ok(()), Err)
    }

    /// Faults that happened, by kind.
    pub fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.world().faults.clone()
    }

    /// How often each site was executed, whether it failed or not.
    pub fn sites(&self) -> BTreeMap<Site, u64> {
        self.world().sites.clone()
    }

    /// How often the power went, a sync failed or the disk was full at each site.
    pub fn struck(&self) -> BTreeMap<Site, u64> {
        self.world().struck.clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimDisk({} operations)", self.ops())
    }
}

impl Disk for SimDisk {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let world = self.world();
        world.check_power()?;
        Ok(world.content(path).map(|content| content.seen().to_vec()))
    }

    fn read_up_to(&self, path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = self.read(path)?;
        if let Some(bytes) = &mut bytes {
            bytes.truncate(usize::try_from(bytes_max).unwrap_or(usize::MAX));
        }
        Ok(bytes)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let world = self.world();
        world.check_power()?;
        Ok(world.names.contains_key(path))
    }

    fn create(&self, site: Site, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let id = self.world().create(site, path)?;
        Ok(Box::new(file::SimFile::new(self.world.clone(), id)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let id = {
            let world = self.world();
            world.check_power()?;
            world.file(path).ok_or(io::ErrorKind::NotFound)?
        };
        Ok(Box::new(file::SimFile::new(self.world.clone(), id)))
    }

    fn rename(&self, site: Site, from: &Path, to: &Path) -> io::Result<()> {
        self.world().rename(site, from, to)
    }

    fn remove(&self, site: Site, path: &Path) -> io::Result<()> {
        self.world().remove(site, path)
    }

    fn create_folder(&self, site: Site, path: &Path) -> io::Result<()> {
        self.world().create_folder(site, path)
    }

    fn sync_folder(&self, site: Site, path: &Path) -> io::Result<()> {
        self.world().sync_folder(site, path)
    }
}
