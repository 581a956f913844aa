//! What is on a simulated disk, and which of its operations fails.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use mulu_node::disk::Site;

use super::super::random::Random;
use super::file::Content;

/// A file, whatever its name; a new one after each power loss.
pub type FileId = u64;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// A file.
    File(FileId),
    /// A folder.
    Folder,
}

type Names = BTreeMap<PathBuf, Node>;

/// A change of names that is in the page cache only.
#[derive(Debug)]
enum NameChange {
    Add(PathBuf, Node),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl NameChange {
    fn apply(&self, names: &mut Names) {
        match self {
            NameChange::Add(path, node) => drop(names.insert(path.clone(), *node)),
            NameChange::Rename(from, to) => {
                if let Some(node) = names.remove(from) {
                    names.insert(to.clone(), node);
                }
            }
            NameChange::Remove(path) => drop(names.remove(path)),
        }
    }

    fn is_in(&self, folder: &Path) -> bool {
        let (NameChange::Add(path, _) | NameChange::Remove(path) | NameChange::Rename(path, _)) =
            self;
        path.parent() == Some(folder)
    }
}

/// The disk.
#[derive(Debug)]
pub struct World {
    /// Decides what survives.
    pub random: Random,
    /// Names as a program sees them.
    pub names: Names,
    durable_names: Names,
    unsynced: Vec<NameChange>,
    files: BTreeMap<FileId, Content>,
    next_file: FileId,
    /// The power goes at the n-th next changing operation.
    pub power_off_in: Option<u64>,
    power_is_off: bool,
    /// The n-th next sync fails.
    pub fail_syncs_in: Option<u64>,
    /// The n-th next operation that may take space finds none.
    pub full_in: Option<u64>,
    /// Nothing may grow.
    pub full: bool,
    /// How much all files may hold, in bytes.
    pub capacity: u64,
    used: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Executions by site.
    pub sites: BTreeMap<Site, u64>,
    /// Faults by site.
    pub struck: BTreeMap<Site, u64>,
}

impl World {
    /// An empty disk.
    pub fn new(random: Random) -> World {
        World {
            random,
            names: Names::new(),
            durable_names: Names::new(),
            unsynced: Vec::new(),
            files: BTreeMap::new(),
            next_file: 0,
            power_off_in: None,
            power_is_off: false,
            fail_syncs_in: None,
            full_in: None,
            full: false,
            capacity: u64::MAX,
            used: 0,
            faults: BTreeMap::new(),
            sites: BTreeMap::new(),
            struck: BTreeMap::new(),
        }
    }

    /// Counts a fault.
    pub fn count(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    fn strike(&mut self, fault: &'static str, site: Site) {
        self.count(fault);
        *self.struck.entry(site).or_default() += 1;
    }

    /// Fails while the power is off.
    pub fn check_power(&self) -> io::Result<()> {
        match self.power_is_off {
            true => Err(io::Error::other("the power is off")),
            false => Ok(()),
        }
    }

    /// Begins a changing operation; an answer inside means that the power goes during it.
    pub fn begin(&mut self, site: Site) -> io::Result<Option<io::Error>> {
        self.check_power()?;
        *self.sites.entry(site).or_default() += 1;
        if !reached(&mut self.power_off_in) {
            return Ok(None);
        }
        self.strike("power loss", site);
        self.power_is_off = true;
        Ok(Some(io::Error::other("the power goes off")))
    }

    /// Whether this sync fails.
    pub fn sync_fails(&mut self, site: Site) -> Option<io::Error> {
        if !reached(&mut self.fail_syncs_in) {
            return None;
        }
        self.strike("failed sync", site);
        Some(io::Error::other("input/output error"))
    }

    /// Whether there is no space for an operation that makes the files grow, in bytes.
    pub fn no_space(&mut self, site: Site, growth: usize) -> Option<io::Error> {
        let now = reached(&mut self.full_in);
        if !now && (growth == 0 || (!self.full && growth <= self.space())) {
            return None;
        }
        self.strike("full disk", site);
        Some(io::ErrorKind::StorageFull.into())
    }

    /// How many bytes may be added.
    pub fn space(&self) -> usize {
        usize::try_from(self.capacity.saturating_sub(self.used)).unwrap_or(usize::MAX)
    }

    /// A file's length changes, in bytes.
    pub fn grow(&mut self, from: usize, to: usize) {
        self.used = (self.used + to as u64).saturating_sub(from as u64);
    }

    /// The file of a name.
    pub fn file(&self, path: &Path) -> Option<FileId> {
        match self.names.get(path)? {
            Node::File(id) => Some(*id),
            Node::Folder => None,
        }
    }

    /// A file's content by its name.
    pub fn content(&self, path: &Path) -> Option<&Content> {
        self.files.get(&self.file(path)?)
    }

    /// A file's content by its name.
    pub fn content_mut(&mut self, path: &Path) -> Option<&mut Content> {
        let id = self.file(path)?;
        self.files.get_mut(&id)
    }

    /// An open file's content.
    pub fn opened(&mut self, id: FileId) -> io::Result<&mut Content> {
        self.files.get_mut(&id).ok_or_else(|| io::Error::other("opened before the power loss"))
    }

    /// Makes an empty file.
    pub fn create(&mut self, site: Site, path: &Path) -> io::Result<FileId> {
        let struck = self.begin(site)?;
        if self.names.contains_key(path) {
            return Err(struck.unwrap_or_else(|| io::ErrorKind::AlreadyExists.into()));
        }
        self.check_folder(path)?;
        if let Some(error) = self.no_space(site, 1) {
            return Err(struck.unwrap_or(error));
        }
        let id = self.add(Content::default());
        self.change(struck, NameChange::Add(path.to_owned(), Node::File(id)))?;
        Ok(id)
    }

    /// Renames a file.
    pub fn rename(&mut self, site: Site, from: &Path, to: &Path) -> io::Result<()> {
        let struck = self.begin(site)?;
        self.file(from).ok_or(io::ErrorKind::NotFound)?;
        self.check_folder(to)?;
        self.change(struck, NameChange::Rename(from.to_owned(), to.to_owned()))
    }

    /// Removes a file.
    pub fn remove(&mut self, site: Site, path: &Path) -> io::Result<()> {
        let struck = self.begin(site)?;
        self.file(path).ok_or(io::ErrorKind::NotFound)?;
        self.change(struck, NameChange::Remove(path.to_owned()))
    }

    /// Makes a folder and those above it.
    pub fn create_folder(&mut self, site: Site, path: &Path) -> io::Result<()> {
        let mut struck = self.begin(site)?;
        let mut missing: Vec<&Path> = path.ancestors().filter(|a| self.is_missing(a)).collect();
        while let Some(folder) = missing.pop() {
            // At a power loss some of them have been made.
            let last = struck.is_some() && (missing.is_empty() || self.random.chance(1, 2));
            let add = NameChange::Add(folder.to_owned(), Node::Folder);
            self.change(struck.take_if(|_| last), add)?;
        }
        struck.map_or(Ok(()), Err)
    }

    fn is_missing(&self, folder: &Path) -> bool {
        folder.parent().is_some() && !self.names.contains_key(folder)
    }

    fn check_folder(&self, path: &Path) -> io::Result<()> {
        match path.parent() {
            Some(folder) if folder.parent().is_none() => Ok(()),
            Some(folder) if self.names.get(folder) == Some(&Node::Folder) => Ok(()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// At a power loss the change happened or not.
    fn change(&mut self, struck: Option<io::Error>, change: NameChange) -> io::Result<()> {
        if struck.is_none() || self.random.chance(1, 2) {
            change.apply(&mut self.names);
            self.unsynced.push(change);
        }
        struck.map_or(Ok(()), Err)
    }

    /// Makes the names in a folder durable.
    pub fn sync_folder(&mut self, site: Site, path: &Path) -> io::Result<()> {
        let struck = self.begin(site)?;
        if self.is_missing(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if let Some(error) = struck {
            return Err(error);
        }
        let failed = self.sync_fails(site);
        let (mine, others) = std::mem::take(&mut self.unsynced)
            .into_iter()
            .partition::<Vec<_>, _>(|change| change.is_in(path));
        self.unsynced = others;
        // A failed sync leaves the names clean, and a first part of them on the platter.
        let kept = match failed {
            Some(_) => self.random.below(mine.len() as u64 + 1),
            None => mine.len() as u64,
        };
        for (change, _) in mine.iter().zip(0..kept) {
            change.apply(&mut self.durable_names);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Power loss, and the power is back.
    pub fn crash(&mut self) {
        self.count("crash");
        let kept = self.random.below(self.unsynced.len() as u64 + 1);
        for (change, at) in std::mem::take(&mut self.unsynced).iter().zip(0u64..) {
            match at < kept {
                true => change.apply(&mut self.durable_names),
                false => self.count("lost name"),
            }
        }
        let mut names = std::mem::take(&mut self.durable_names);
        let folders: Vec<PathBuf> =
            names.iter().filter(|(_, n)| **n == Node::Folder).map(|(p, _)| p.clone()).collect();
        let is_there = |folder: &Path| {
            folder.parent().is_none() || folders.iter().any(|known| known == folder)
        };
        names.retain(|path, _| path.ancestors().skip(1).all(is_there));
        let mut files = BTreeMap::new();
        let mut used = 0;
        for node in names.values_mut() {
            let Node::File(id) = node else { continue };
            let mut content = self.files.remove(id).unwrap_or_default();
            let (torn, lost) = content.lose(&mut self.random);
            *self.faults.entry("torn write").or_default() += torn;
            *self.faults.entry("lost write").or_default() += lost;
            content.forget_cache();
            used += content.seen().len() as u64;
            // A new number: what was open is dead.
            self.next_file += 1;
            *id = self.next_file;
            files.insert(*id, content);
        }
        self.files = files;
        self.used = used;
        self.durable_names = names.clone();
        self.names = names;
        self.power_is_off = false;
        self.power_off_in = None;
    }

    fn add(&mut self, content: Content) -> FileId {
        self.next_file += 1;
        self.files.insert(self.next_file, content);
        self.next_file
    }

    /// Nothing is left.
    pub fn clear(&mut self) {
        self.names.clear();
        self.durable_names.clear();
        self.unsynced.clear();
        self.files.clear();
        self.used = 0;
    }

    /// Puts a folder there, durably.
    pub fn put_folder(&mut self, path: &Path) {
        for folder in path.ancestors().filter(|folder| folder.parent().is_some()) {
            self.names.insert(folder.to_owned(), Node::Folder);
            self.durable_names.insert(folder.to_owned(), Node::Folder);
        }
    }

    /// Puts a file there, durably.
    pub fn put(&mut self, path: &Path, bytes: Vec<u8>) {
        self.erase(path);
        if let Some(folder) = path.parent() {
            self.put_folder(folder);
        }
        self.used += bytes.len() as u64;
        let node = Node::File(self.add(Content::at_rest(bytes)));
        self.names.insert(path.to_owned(), node);
        self.durable_names.insert(path.to_owned(), node);
    }

    /// Takes a file away, durably.
    pub fn erase(&mut self, path: &Path) {
        if let Some(content) = self.content(path) {
            self.used = self.used.saturating_sub(content.seen().len() as u64);
        }
        self.names.remove(path);
        self.durable_names.remove(path);
        self.unsynced.retain(|change| match change {
            NameChange::Add(p, _) | NameChange::Remove(p) => p != path,
            NameChange::Rename(..) => true,
        });
    }
}

/// Counts down to an event.
fn reached(countdown: &mut Option<u64>) -> bool {
    match countdown {
        Some(1) => {
            *countdown = None;
            true
        }
        Some(more) => {
            *more -= 1;
            false
        }
        None => false,
    }
}
