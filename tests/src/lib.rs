//! Shared by the tests that look at the whole house: reference data, and real processes.

pub mod consortium;
pub mod reference;
pub mod sim;
