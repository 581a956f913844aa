//! Shared by the tests that look at the whole house: reference data, real processes, fuzz targets.

#[path = "../../node/tests/api/fixture.rs"]
#[allow(missing_docs, dead_code, clippy::new_without_default)]
pub mod api_fixture;
pub mod consortium;
pub mod crashes;
pub mod damage;
pub mod fuzz;
pub mod mutations;
pub mod nightly;
pub mod processes;
pub mod reference;
pub mod sim;
