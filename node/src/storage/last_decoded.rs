//! What rarely changes and is asked for with every block is decoded once.

use std::sync::{Mutex, PoisonError};

/// The last value decoded, with the bytes it was decoded from. The bytes decide, so it can never be
/// stale.
#[derive(Debug)]
pub(super) struct LastDecoded<T>(Mutex<Option<(Vec<u8>, T)>>);

impl<T> Default for LastDecoded<T> {
    fn default() -> Self {
        LastDecoded(Mutex::new(None))
    }
}

impl<T: Clone> LastDecoded<T> {
    /// The value of these bytes.
    pub(super) fn of<E>(
        &self,
        bytes: &[u8],
        decode: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, value)) = &*last
            && known == bytes
        {
            return Ok(value.clone());
        }
        let value = decode()?;
        *last = Some((bytes.to_vec(), value.clone()));
        Ok(value)
    }
}
