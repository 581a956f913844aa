//! The development consortium: four invented departments for trying the chain out.
//!
//! Names and legal bases are plausible, the social credit codes are invented (their organisation
//! part begins with `MULU`) with right check symbols. [`founding_text`] renders the founding
//! document from public keys alone; who makes the keys is the caller's business.

mod data_bureau;
mod department;
mod health_commission;
mod market_regulation;
mod text;
mod transport_bureau;

use mulu_chain::signature::PublicKey;

pub use data_bureau::DATA_BUREAU;
pub use department::{Department, Duty, LegalBasis, Office, System, Table};
pub use health_commission::HEALTH_COMMISSION;
pub use market_regulation::MARKET_REGULATION;
pub use text::founding_text;
pub use transport_bureau::TRANSPORT_BUREAU;

/// The departments, in the order of their ports.
pub const DEPARTMENTS: [Department; 4] =
    [MARKET_REGULATION, HEALTH_COMMISSION, TRANSPORT_BUREAU, DATA_BUREAU];

/// The public keys of the development consortium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevnetKeys {
    /// Each department's, in the order of [`DEPARTMENTS`].
    pub departments: [DepartmentKeys; DEPARTMENTS.len()],
    /// The data bureau's authority key.
    pub authority: PublicKey,
    /// The auditor's key, registered with the data bureau.
    pub auditor: PublicKey,
}

/// The public keys of one department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepartmentKeys {
    /// Transport identity of its node.
    pub node: PublicKey,
    /// Votes.
    pub validator: PublicKey,
    /// Manages offices, keys, duties and systems.
    pub administrator: PublicKey,
    /// Publishes and grants, for every office of the department.
    pub officer: PublicKey,
    /// A program that requests and records.
    pub application: PublicKey,
}
