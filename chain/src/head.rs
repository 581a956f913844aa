//! A certified head: a header, the certificate that decided it and the set that could. It vouches for
//! state and log to whoever trusts the set; invitations and snapshots carry it.

use bincode::{Decode, Encode};

use crate::block::Header;
use crate::certificate::{CertificateInvalid, CommitCertificate};
use crate::codec::{self, CodecInvalid};
use crate::types::ChainId;
use crate::validator::ValidatorSet;

/// Largest encoding of a head, in bytes: the largest set and a certificate by all of it.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// A certified head.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CertifiedHead {
    /// The header.
    pub header: Header,
    /// What decided it.
    pub certificate: CommitCertificate,
    /// The set that decides its height.
    pub validators: ValidatorSet,
}

/// Why a head vouches for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadInvalid {
    /// The parts are not of one block of this chain.
    #[error("header, certificate and validator set are not of one block of this chain")]
    Parts,
    /// The certificate does not hold.
    #[error(transparent)]
    Certificate(#[from] CertificateInvalid),
    /// Encoding rules.
    #[error(transparent)]
    Codec(#[from] CodecInvalid),
}

impl CertifiedHead {
    /// Checks that the parts belong together and that a quorum signed. Whether the set is the right
    /// one is the caller's business.
    ///
    /// # Errors
    /// [`HeadInvalid`].
    pub fn check(&self, chain_id: &ChainId) -> Result<(), HeadInvalid> {
        let one = self.header.chain_id == *chain_id
            && self.certificate.height == self.header.height
            && self.certificate.block == self.header.id()
            && self.validators.hash() == self.header.validator_set_hash;
        if !one {
            return Err(HeadInvalid::Parts);
        }
        self.certificate.verify(chain_id, &self.validators).map_err(HeadInvalid::from)
    }

    /// Reads a head.
    ///
    /// # Errors
    /// [`HeadInvalid::Codec`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HeadInvalid> {
        codec::decode::<_, HEAD_BYTES_MAX>(bytes).map_err(HeadInvalid::from)
    }
}
