//! A webhook's place on disk: one line, `mulu-webhook-place-v1 <height>/<index>`.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use crate::disk::{self, OsDisk};
use crate::events::{EventId, Place};

const FIRST_WORD: &str = "mulu-webhook-place-v1";
const FILE_BYTES_MAX: u64 = 128;

/// Reads the place; none if there is no file.
///
/// # Errors
/// The file cannot be read, or says something else.
pub fn read(path: &Path) -> io::Result<Option<Place>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    let place = text.strip_prefix(FIRST_WORD).and_then(|rest| rest.trim().parse::<EventId>().ok());
    match place {
        Some(EventId { height, index }) => Ok(Some(Place { height, index })),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a webhook's place")),
    }
}

/// Replaces the place.
///
/// # Errors
/// The folder or file cannot be written.
pub fn write(path: &Path, place: Place) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let line = format!("{FIRST_WORD} {}/{}\n", place.height, place.index);
    disk::replace(&OsDisk, path, line.as_bytes()).map(drop)
}
