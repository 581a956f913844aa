//! A world that is decided by a seed.

pub mod disk;
pub mod random;
