//! The seam between the node and a disk: what must survive a power loss goes through [`Disk`].
//!
//! The real one is [`OsDisk`]; a test plugs in one that loses, tears and refuses. Every operation
//! that changes something carries a [`Site`]: the name of the one place in the code that asked for
//! it, so that a test can stop the machine there, and can tell which places were never tried.
//!
//! Rules of a disk that callers rely on, and no others: what [`DiskFile::sync`] returned for is
//! durable; a new, renamed or removed name is durable when [`Disk::sync_folder`] of its folder
//! returned; anything before that may survive whole, in part, or not at all. After a failed sync
//! nothing is known (the kernel may have dropped the pages), so the process must stop.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Declares the sites once: variant, name and meaning.
macro_rules! sites {
    ($($variant:ident $name:literal $meaning:literal,)+) => {
        /// One durable operation in the code, by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Site {
            $(#[doc = $meaning] $variant,)+
        }

        impl Site {
            /// Every site.
            pub const ALL: &[Site] = &[$(Site::$variant,)+];

            /// The name a failpoint is set by.
            pub const fn name(self) -> &'static str {
                match self { $(Site::$variant => $name,)+ }
            }
        }
    };
}

sites! {
    VotesFolderCreate "votes.folder.create" "The folder of the vote log is made.",
    VotesFolderSync "votes.folder.sync" "The folder's own name is made durable.",
    BeginLogCreate "votes.begin.log.create" "A new vote log is begun.",
    BeginLogWrite "votes.begin.log.write" "Its header, and its doubt if any.",
    BeginLogSync "votes.begin.log.sync" "They are made durable.",
    BeginLogFolderSync "votes.begin.log.folder" "The log's name is made durable.",
    BeginGuardCreate "votes.begin.guard.create" "A new guard is begun.",
    BeginGuardLength "votes.begin.guard.length" "It gets its length.",
    BeginGuardWrite "votes.begin.guard.write" "It gets a slot.",
    BeginGuardSync "votes.begin.guard.sync" "The slot is made durable.",
    BeginGuardFolderSync "votes.begin.guard.folder" "The guard's name is made durable.",
    SetAsideRename "votes.set_aside.rename" "A damaged file gets out of the way.",
    FreshRemove "votes.fresh.remove" "The marker of a new home goes away.",
    FreshFolderSync "votes.fresh.folder" "It is durably away.",
    AppendWrite "votes.append.write" "Frames are written.",
    AppendSync "votes.append.sync" "They are made durable.",
    AppendGuardWrite "votes.append.guard.write" "The guard learns of them.",
    AppendGuardSync "votes.append.guard.sync" "It knows them durably.",
    OpenWrite "votes.open.write" "Frames the guard did not know are written again.",
    OpenTruncate "votes.open.truncate" "A torn tail is cut off.",
    OpenSync "votes.open.sync" "It is durably off.",
    OpenGuardWrite "votes.open.guard.write" "The guard learns of frames it did not know.",
    OpenGuardSync "votes.open.guard.sync" "It knows them durably.",
    OpenLeftoverRemove "votes.open.leftover" "An unfinished rotation is dropped.",
    OpenFolderSync "votes.open.folder" "The folder is durably tidy.",
    RotateCreate "votes.rotate.create" "The next log is begun.",
    RotateWrite "votes.rotate.write" "It gets the live frames.",
    RotateSync "votes.rotate.sync" "They are made durable.",
    RotateNameSync "votes.rotate.name" "The next log's name is made durable.",
    RotateGuardWrite "votes.rotate.guard.write" "The guard learns of the next log.",
    RotateGuardSync "votes.rotate.guard.sync" "It knows it durably.",
    RotateRename "votes.rotate.rename" "The next log comes into force.",
    RotateFolderSync "votes.rotate.folder" "It is in force durably.",
    HomeFolderCreate "home.folder.create" "A folder of a new home is made.",
    HomeFolderSync "home.folder.sync" "The folder's own name is made durable.",
    HomeFileCreate "home.file.create" "A file of a new home is made.",
    HomeFileWrite "home.file.write" "It gets its text.",
    HomeFileSync "home.file.sync" "The text is made durable.",
    HomeFileFolderSync "home.file.folder" "The file's name is made durable.",
    ReplaceLeftoverRemove "replace.leftover" "An unfinished replacement of a file is dropped.",
    ReplaceCreate "replace.create" "The next version of a file is begun.",
    ReplaceWrite "replace.write" "It gets its bytes.",
    ReplaceSync "replace.sync" "They are made durable.",
    ReplaceRename "replace.rename" "The next version comes into force.",
    ReplaceFolderSync "replace.folder" "It is in force durably.",
    JournalAppendWrite "journal.append.write" "Submissions are written down.",
    JournalAppendSync "journal.append.sync" "They are made durable.",
    LedgerCommit "ledger.commit" "A block and all that belongs to it, in one batch.",
}

/// A disk: files by path.
pub trait Disk: Send + Sync + std::fmt::Debug {
    /// A file's bytes; `None` if there is no such file.
    ///
    /// # Errors
    /// What the system answers.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;

    /// A file's first bytes, at most so many; `None` if there is no such file.
    ///
    /// # Errors
    /// What the system answers.
    fn read_up_to(&self, path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>>;

    /// Whether there is such a file or folder.
    ///
    /// # Errors
    /// What the system answers.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Makes a file that only its owner may read, and opens it.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`], or what the system answers.
    fn create(&self, site: Site, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that is there.
    ///
    /// # Errors
    /// What the system answers.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Renames a file, over another one if there is one.
    ///
    /// # Errors
    /// What the system answers.
    fn rename(&self, site: Site, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system answers.
    fn remove(&self, site: Site, path: &Path) -> io::Result<()>;

    /// Makes a folder that only its owner may enter, and those above it; one that is there is fine.
    ///
    /// # Errors
    /// What the system answers.
    fn create_folder(&self, site: Site, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// What the system answers; the process must then stop.
    fn sync_folder(&self, site: Site, path: &Path) -> io::Result<()>;
}

/// An open file.
pub trait DiskFile: Send + Sync + std::fmt::Debug {
    /// Writes all bytes at an offset, in bytes.
    ///
    /// # Errors
    /// What the system answers; part may have been written.
    fn write_at(&mut self, site: Site, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file, or extends it with zeros.
    ///
    /// # Errors
    /// What the system answers.
    fn set_len(&mut self, site: Site, bytes: u64) -> io::Result<()>;

    /// Makes the file's bytes and length durable.
    ///
    /// # Errors
    /// What the system answers; the process must then stop.
    fn sync(&mut self, site: Site) -> io::Result<()>;
}

/// Makes a small file of a home and everything about it durable.
///
/// # Errors
/// As [`Disk::create`]; a file that was half written is left to be refused when it is read.
pub fn write_new(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = disk.create(Site::HomeFileCreate, path)?;
    file.write_at(Site::HomeFileWrite, 0, bytes)?;
    file.sync(Site::HomeFileSync)?;
    disk.sync_folder(Site::HomeFileFolderSync, path.parent().unwrap_or(Path::new(".")))
}

/// Replaces a file by one that holds these bytes, whole or not at all, and opens it.
///
/// # Errors
/// What the system answers; the file is as it was, or replaced.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<Box<dyn DiskFile>> {
    let next = path.with_extension("next");
    if disk.exists(&next)? {
        disk.remove(Site::ReplaceLeftoverRemove, &next)?;
    }
    let mut file = disk.create(Site::ReplaceCreate, &next)?;
    file.write_at(Site::ReplaceWrite, 0, bytes)?;
    file.sync(Site::ReplaceSync)?;
    disk.rename(Site::ReplaceRename, &next, path)?;
    disk.sync_folder(Site::ReplaceFolderSync, path.parent().unwrap_or(Path::new(".")))?;
    Ok(file)
}

/// The system's own files.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

#[derive(Debug)]
struct OsFile(File);

impl Disk for OsDisk {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_up_to(&self, path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(file) => file.take(bytes_max).read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(bytes))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn create(&self, _: Site, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Box::new(OsFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OsFile(OpenOptions::new().read(true).write(true).open(path)?)))
    }

    fn rename(&self, _: Site, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, _: Site, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_folder(&self, _: Site, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn sync_folder(&self, _: Site, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

impl DiskFile for OsFile {
    fn write_at(&mut self, _: Site, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn set_len(&mut self, _: Site, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync(&mut self, _: Site) -> io::Result<()> {
        // Length and bytes; a file's times may be lost.
        self.0.sync_data()
    }
}
