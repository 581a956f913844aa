//! Which bug is planted in this process: none, or one. Not part of the product.

use std::sync::{PoisonError, RwLock};

static CURRENT: RwLock<Option<&'static str>> = RwLock::new(None);

/// Plants one bug in place of the last one, or none.
pub fn plant(name: Option<&'static str>) {
    *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = name;
}

/// Whether the bug of this name is planted.
pub fn is(name: &str) -> bool {
    *CURRENT.read().unwrap_or_else(PoisonError::into_inner) == Some(name)
}
