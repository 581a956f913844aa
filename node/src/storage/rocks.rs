//! The store on disk: RocksDB, one column family per column.
//!
//! A write is one `WriteBatch` whose log record is synced before it returns, so after a crash a
//! block is there as a whole or not at all. Recovery tolerates one thing, a torn record at the very
//! end of the log (a write that never returned); any other damage makes the open fail instead of
//! silently dropping acknowledged blocks. Checksums are verified on every read and compaction.

use std::error::Error;
use std::path::{Path, PathBuf};

use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBRecoveryMode, Direction, IteratorMode, LogLevel, Options, ReadOptions, WriteBatch,
    WriteOptions,
};

use super::error::StorageError;
use super::kv::{Batch, Column, Kv, Pair, scan_start};

/// Memory for cached blocks, indexes and filters of all columns, in bytes.
const BLOCK_CACHE_BYTES: usize = 128 * 1024 * 1024;
/// Memory for writes not yet in table files, all columns together, in bytes.
const WRITE_BUFFERS_BYTES: usize = 128 * 1024 * 1024;
/// Memory for one column's writes before they go to a table file, in bytes.
const WRITE_BUFFER_BYTES: usize = 16 * 1024 * 1024;
/// Write-ahead log kept before the oldest column is flushed, in bytes: bounds recovery time.
const WAL_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Table files held open.
const OPEN_FILES_MAX: i32 = 512;
/// RocksDB's own text logs kept.
const TEXT_LOGS_MAX: usize = 3;
/// Size of one of them, in bytes.
const TEXT_LOG_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Threads for flushes and compactions.
const BACKGROUND_JOBS: i32 = 2;
/// Bits per key of the Bloom filters: about 1 % false positives.
const BLOOM_BITS_PER_KEY: f64 = 10.0;

/// Options that the binding has no function for. Each write-ahead log names the one before it, so that
/// one that is gone, and that a cut list of files would need again, is missed.
const MORE_OPTIONS: &str = "track_and_verify_wals=true";

/// RocksDB behind the [`Kv`] trait.
pub struct RocksKv {
    db: DB,
    reads: ReadOptions,
    path: PathBuf,
}

impl RocksKv {
    /// Opens the folder, creating it if it is missing.
    ///
    /// # Errors
    /// [`StorageError::InUse`] or [`StorageError::Open`].
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        std::fs::create_dir_all(path).map_err(|error| {
            let hint = match error.kind() {
                std::io::ErrorKind::PermissionDenied => HINT_PERMISSION,
                std::io::ErrorKind::StorageFull => HINT_FULL,
                _ => "give a folder that can be created there, or choose another --home",
            };
            StorageError::Open { path: path.to_owned(), hint, source: Box::new(error) }
        })?;
        let cache = Cache::new_lru_cache(BLOCK_CACHE_BYTES);
        let columns = Column::ALL
            .map(|column| ColumnFamilyDescriptor::new(column.name(), column_options(&cache)));
        let db = DB::open_cf_descriptors(&database_options(), path, columns)
            .map_err(|error| open_error(path, error))?;
        Ok(RocksKv { db, reads: read_options(), path: path.to_owned() })
    }

    fn family(&self, column: Column) -> &ColumnFamily {
        self.db.cf_handle(column.name()).expect("every column family is opened in RocksKv::open")
    }

    fn read_error(&self, column: Column, source: rocksdb::Error) -> StorageError {
        StorageError::Read {
            column: column.name(),
            path: self.path.clone(),
            source: Box::new(source),
        }
    }
}

fn database_options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    // A first start may have been cut short. A column that had data and is created anew here is
    // found empty by the look at its ends.
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    // All columns are flushed together, so that the list of files never holds half of a flush.
    options.set_atomic_flush(true);
    options.set_max_total_wal_size(WAL_BYTES_MAX);
    options.set_db_write_buffer_size(WRITE_BUFFERS_BYTES);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_max_background_jobs(BACKGROUND_JOBS);
    options.set_bytes_per_sync(1024 * 1024);
    options.set_keep_log_file_num(TEXT_LOGS_MAX);
    options.set_max_log_file_size(TEXT_LOG_BYTES_MAX);
    options.set_log_level(LogLevel::Warn);
    options.get_options_from_string(MORE_OPTIONS).expect("options that this version of RocksDB has")
}

fn column_options(cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_bloom_filter(BLOOM_BITS_PER_KEY, false);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    options
}

fn read_options() -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_verify_checksums(true);
    options
}

const HINT_PERMISSION: &str =
    "let the user that runs mulud own the folder (chown -R), or choose another --home";
const HINT_FULL: &str = "free some disk space and start again";
const HINT_DAMAGED: &str = "keep a copy of the folder, check the disk (dmesg, smartctl), then restore \
     a backup or move the folder aside and let this node sync again from its peers";

fn open_error(path: &Path, error: rocksdb::Error) -> StorageError {
    let message = error.to_string();
    let path = path.to_owned();
    // RocksDB reports a held lock only in words: another process's, or this process's own.
    let locked = message.contains("lock hold by current process")
        || message.contains("LOCK: Resource temporarily unavailable");
    if locked {
        return StorageError::InUse { path };
    }
    let hint = if message.contains("Permission denied") {
        HINT_PERMISSION
    } else if message.contains("No space left") {
        HINT_FULL
    } else if message.contains("Column families not opened") {
        "a newer mulud wrote this folder; start that version"
    } else {
        HINT_DAMAGED
    };
    StorageError::Open { path, hint, source: Box::new(error) as Box<dyn Error + Send + Sync> }
}

impl Kv for RocksKv {
    fn path(&self) -> &Path {
        &self.path
    }

    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.db
            .get_cf_opt(self.family(column), key, &self.reads)
            .map_err(|error| self.read_error(column, error))
    }

    fn scan(
        &self,
        column: Column,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Pair>, StorageError> {
        let start = scan_start(prefix, after);
        let mode = IteratorMode::From(&start, Direction::Forward);
        let pairs = self.db.iterator_cf_opt(self.family(column), read_options(), mode);
        let mut found = Vec::new();
        for pair in pairs.take(limit) {
            let (key, value) = pair.map_err(|error| self.read_error(column, error))?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((key.into_vec(), value.into_vec()));
        }
        Ok(found)
    }

    fn last_up_to(
        &self,
        column: Column,
        prefix: &[u8],
        key: &[u8],
    ) -> Result<Option<Pair>, StorageError> {
        let mut at = self.db.raw_iterator_cf_opt(self.family(column), read_options());
        at.seek_for_prev(key);
        at.status().map_err(|error| self.read_error(column, error))?;
        let pair = at.item().filter(|(found, _)| found.starts_with(prefix));
        Ok(pair.map(|(key, value)| (key.to_vec(), value.to_vec())))
    }

    fn column_bytes(&self, column: Column) -> Option<u64> {
        let family = self.family(column);
        self.db.property_int_value_cf(family, "rocksdb.total-sst-files-size").ok().flatten()
    }

    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        let mut writes = WriteBatch::default();
        for (column, key, value) in batch.into_changes() {
            match value {
                Some(value) => writes.put_cf(self.family(column), key, value),
                None => writes.delete_cf(self.family(column), key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db.write_opt(writes, &options).map_err(|error| StorageError::Write {
            path: self.path.clone(),
            source: Box::new(error),
        })
    }

    fn reclaim(&self, column: Column, last: Option<&[u8]>) {
        self.db.compact_range_cf(self.family(column), None::<&[u8]>, last);
    }

    fn copy_to(&self, folder: &Path) -> Result<(), StorageError> {
        let error = |source| StorageError::Copy { path: folder.to_owned(), source };
        let checkpoint = Checkpoint::new(&self.db).map_err(|e| error(Box::new(e)))?;
        checkpoint.create_checkpoint(folder).map_err(|e| error(Box::new(e)))
    }
}
