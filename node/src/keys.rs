//! A node's two keys: `keys/node.pem` proves who it is to its peers, `keys/validator.pem` signs its
//! votes. Both are Ed25519 in PKCS#8 PEM, the format of `openssl genpkey -algorithm ed25519`.
//!
//! A file that others may read is refused, as ssh does. A file is never overwritten: a lost
//! validator key is a governance matter, not something a program repairs. Encrypted files (PBES2)
//! are opened with the passphrase of, in this order:
//!
//! | source | for |
//! |---|---|
//! | `MULU_KEY_PASSPHRASE` | trying things out |
//! | the file named by `MULU_KEY_PASSPHRASE_FILE` | containers' secrets |
//! | `$CREDENTIALS_DIRECTORY/mulu-key-passphrase` | systemd's `LoadCredential=` |
//!
//! Both keys then share one passphrase. Sources: RFC 5958, RFC 8018, RFC 8410.

mod error;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use libp2p::identity::Keypair;
use mulu_chain::signature::SigningKey;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, SecretDocument};
use zeroize::Zeroizing;

use crate::disk::{self, Disk};
pub use error::KeyError;

/// Largest key or passphrase file, in bytes.
const FILE_BYTES_MAX: usize = 16 * 1024;
/// Most PBKDF2 iterations that an encrypted file may ask for.
const PBKDF2_ITERATIONS_MAX: u32 = 2_000_000;
/// Most memory that scrypt may take for an encrypted file, in bytes.
const SCRYPT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most passes over that memory.
const SCRYPT_PASSES_MAX: u16 = 4;
const PLAIN_LABEL: &str = "PRIVATE KEY";
const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";
const CREDENTIAL_NAME: &str = "mulu-key-passphrase";

/// Which key of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFile {
    /// The transport identity.
    Node,
    /// The key that signs votes.
    Validator,
    /// The member's first administrator key, made when the node is made of an invitation. The node
    /// uses it once, to ask for membership; keep it elsewhere afterwards.
    Administrator,
}

impl KeyFile {
    /// Where it lies in a home folder.
    pub fn path(self, home: &Path) -> PathBuf {
        home.join("keys").join(match self {
            KeyFile::Node => "node.pem",
            KeyFile::Validator => "validator.pem",
            KeyFile::Administrator => "administrator.pem",
        })
    }
}

/// The node's transport identity.
///
/// # Errors
/// [`KeyError`]: the file is missing, readable by others, or not an Ed25519 key that opens.
pub fn load_identity(home: &Path) -> Result<Keypair, KeyError> {
    Ok(identity_of(&load(&KeyFile::Node.path(home))?))
}

/// The node's validator key; `None` for an observer, which has no such file.
///
/// # Errors
/// As [`load_identity`], except that a missing file is no error.
pub fn load_validator(home: &Path) -> Result<Option<SigningKey>, KeyError> {
    match load(&KeyFile::Validator.path(home)) {
        Ok(key) => Ok(Some(key)),
        Err(KeyError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The libp2p form of a key.
pub fn identity_of(key: &SigningKey) -> Keypair {
    let mut seed = Zeroizing::new(*key.seed());
    Keypair::ed25519_from_bytes(seed.as_mut_slice()).expect("every 32 bytes are an Ed25519 seed")
}

/// Reads a key file, with the environment's passphrase if it is encrypted.
///
/// # Errors
/// [`KeyError`].
pub fn load(path: &Path) -> Result<SigningKey, KeyError> {
    load_with(path, || passphrase(|name| std::env::var_os(name)))
}

/// Makes a new key from the system's randomness.
///
/// # Errors
/// [`KeyError::Randomness`].
pub fn generate() -> Result<SigningKey, KeyError> {
    let mut seed = Zeroizing::new([0u8; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(|e| KeyError::Randomness(e.to_string()))?;
    Ok(SigningKey::from_seed(&seed))
}

/// Writes a new, unencrypted key file that only its owner may read, and makes it durable.
///
/// # Errors
/// [`KeyError::Exists`] or [`KeyError::Write`].
pub fn write_new(disk: &dyn Disk, path: &Path, key: &SigningKey) -> Result<(), KeyError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists { path: path.into() },
        _ => KeyError::Write { path: path.into(), source },
    };
    // Without the public key the document is RFC 5958 version 1, as OpenSSL writes and reads it.
    let pair = KeypairBytes { secret_key: *key.seed(), public_key: None };
    let pem = pair.to_pkcs8_pem(LineEnding::LF).map_err(|e| failed(io::Error::other(e)))?;
    disk::write_new(disk, path, pem.as_bytes()).map_err(failed)
}

/// Reads a key file; `passphrase` is asked only if the file is encrypted.
///
/// # Errors
/// [`KeyError`].
pub fn load_with(
    path: &Path,
    passphrase: impl FnOnce() -> Result<Option<Zeroizing<Vec<u8>>>, KeyError>,
) -> Result<SigningKey, KeyError> {
    let malformed = |e: &dyn std::fmt::Display| KeyError::Malformed {
        path: path.into(),
        reason: e.to_string(),
    };
    check_mode(path)?;
    let bytes = read_bounded(path).map_err(|e| unreadable(path, e))?;
    let pem = std::str::from_utf8(&bytes).map_err(|e| malformed(&e))?;
    let (label, document) = SecretDocument::from_pem(pem).map_err(|e| malformed(&e))?;
    let document = match label {
        PLAIN_LABEL => document,
        ENCRYPTED_LABEL => {
            let sealed = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
                .map_err(|e| malformed(&e))?;
            if !is_affordable(&sealed) {
                return Err(malformed(
                    &"its key derivation costs more than a key file may ask for",
                ));
            }
            let passphrase =
                passphrase()?.ok_or_else(|| KeyError::PassphraseMissing { path: path.into() })?;
            sealed
                .decrypt(passphrase.as_slice())
                .map_err(|_| KeyError::PassphraseWrong { path: path.into() })?
        }
        other => return Err(malformed(&format!("its PEM label is `{other}`"))),
    };
    let pair = KeypairBytes::from_pkcs8_der(document.as_bytes()).map_err(|e| malformed(&e))?;
    let key = SigningKey::from_seed(&pair.secret_key);
    if pair.public_key.is_some_and(|public| public.0 != *key.public_key().as_bytes()) {
        return Err(malformed(&"its public key does not belong to its private key"));
    }
    Ok(key)
}

/// Whether opening the file costs what a key file may cost. The costs stand in the file, before
/// anything in it is authenticated.
fn is_affordable(sealed: &EncryptedPrivateKeyInfoRef<'_>) -> bool {
    let Some(parameters) = sealed.encryption_algorithm.pbes2() else { return true };
    if let Some(pbkdf2) = parameters.kdf.pbkdf2() {
        return (1..=PBKDF2_ITERATIONS_MAX).contains(&pbkdf2.iteration_count);
    }
    parameters.kdf.scrypt().is_some_and(|scrypt| {
        let (n, r, p) = (scrypt.cost_parameter, scrypt.block_size, scrypt.parallelization);
        let bytes = n.checked_mul(128).and_then(|bytes| bytes.checked_mul(u64::from(r)));
        n.is_power_of_two()
            && r > 0
            && bytes.is_some_and(|bytes| bytes <= SCRYPT_BYTES_MAX)
            && (1..=SCRYPT_PASSES_MAX).contains(&p)
    })
}

fn check_mode(path: &Path) -> Result<(), KeyError> {
    let metadata = fs::metadata(path).map_err(|e| unreadable(path, e))?;
    let mode = metadata.permissions().mode() & 0o777;
    if !metadata.is_file() {
        return Err(unreadable(path, io::Error::other("it is not a regular file")));
    }
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.into(), mode });
    }
    Ok(())
}

fn unreadable(path: &Path, source: io::Error) -> KeyError {
    match source.kind() {
        io::ErrorKind::NotFound => KeyError::Missing { path: path.into() },
        _ => KeyError::Read { path: path.into(), source },
    }
}

fn read_bounded(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // Reserved at once, so that no copy of a secret stays behind in a buffer that grew.
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX + 1));
    File::open(path)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 16 KiB"));
    }
    Ok(bytes)
}

/// The passphrase that the environment offers, if any.
fn passphrase(
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    if let Some(given) = variable("MULU_KEY_PASSPHRASE") {
        return Ok(Some(Zeroizing::new(given.into_encoded_bytes())));
    }
    let named = variable("MULU_KEY_PASSPHRASE_FILE").map(PathBuf::from);
    let credential =
        || variable("CREDENTIALS_DIRECTORY").map(|folder| Path::new(&folder).join(CREDENTIAL_NAME));
    let path = match named {
        Some(path) => path,
        None => match credential().filter(|path| path.exists()) {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    let mut bytes = read_bounded(&path)
        .map_err(|source| KeyError::PassphraseRead { path: path.clone(), source })?;
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests;
