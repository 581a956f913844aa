//! Key files: Ed25519 in PKCS#8 PEM, plain or encrypted (PBES2), the format of `openssl genpkey`.
//!
//! A file that others may read is refused, as ssh does. Files we write are encrypted with scrypt
//! (N = 2^14, r = 8, p = 1: the strongest that OpenSSL opens with its default memory limit) and
//! AES-256-CBC. Sources: RFC 5958, RFC 8018, RFC 8410.

use std::path::Path;

use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use mulu_chain::signature::SigningKey;
use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::pkcs5::scrypt;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure, Outcome};
use crate::files::{self, Existing};
use crate::text;

/// Largest key file read, in bytes.
const KEY_FILE_BYTES_MAX: u64 = 16 * 1024;
/// PBKDF2 iterations below which a warning is given: a stolen file would be guessed quickly.
pub const PBKDF2_ITERATIONS_ADVISED: u32 = 100_000;
/// scrypt cost: log2 of N, r, p.
const SCRYPT_COST: (u8, u32, u32) = (14, 8, 1);

/// Most PBKDF2 iterations that an encrypted file may ask for.
const PBKDF2_ITERATIONS_MAX: u32 = 2_000_000;
/// Most memory that scrypt may take for an encrypted file, in bytes.
const SCRYPT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most passes over that memory.
const SCRYPT_PASSES_MAX: u16 = 4;
const PLAIN_LABEL: &str = "PRIVATE KEY";
const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// How a key file protects its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Not encrypted.
    None,
    /// scrypt.
    Scrypt,
    /// PBKDF2 with this many iterations.
    Pbkdf2(u32),
}

impl Protection {
    /// Whether the passphrase is stretched too little.
    pub fn is_weak(self) -> bool {
        matches!(self, Protection::Pbkdf2(iterations) if iterations < PBKDF2_ITERATIONS_ADVISED)
    }
}

/// A key that was read.
#[derive(Debug)]
pub struct LoadedKey {
    /// The key.
    pub key: SigningKey,
    /// How its file protects it.
    pub protection: Protection,
}

/// Reads a key file; `passphrase` is asked only if the file is encrypted.
///
/// # Errors
/// Exit 6: the file cannot be read, others may read it, it is not an Ed25519 key, or the
/// passphrase is wrong.
pub fn load(
    path: &Path,
    passphrase: impl FnOnce() -> Outcome<Zeroizing<String>>,
) -> Outcome<LoadedKey> {
    let shown = path.display();
    check_mode(path)?;
    let bytes = Zeroizing::new(
        files::read_bounded(path, KEY_FILE_BYTES_MAX)
            .map_err(|failure| Failure { exit: Exit::Permission, ..failure })?,
    );
    let not_a_key = |e: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Permission,
            text!(
                "{shown} is not an Ed25519 key in PKCS#8 PEM: {e}",
                "{shown} 不是 PKCS#8 PEM 格式的 Ed25519 密钥：{e}"
            ),
        )
        .help(text!(
            "`mulu key generate --out FILE` or `openssl genpkey -algorithm ed25519 -out FILE` makes one",
            "用 `mulu key generate --out FILE` 或 `openssl genpkey -algorithm ed25519 -out FILE` 生成",
        ))
    };
    let pem = std::str::from_utf8(&bytes).map_err(|e| not_a_key(&e))?;
    let (label, document) = SecretDocument::from_pem(pem).map_err(|e| not_a_key(&e))?;
    let (pair, protection) = match label {
        PLAIN_LABEL => {
            let pair = KeypairBytes::from_pkcs8_der(document.as_bytes());
            (pair.map_err(|e| not_a_key(&e))?, Protection::None)
        }
        ENCRYPTED_LABEL => {
            let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
                .map_err(|e| not_a_key(&e))?;
            if !is_affordable(&info) {
                return Err(not_a_key(
                    &"its key derivation costs more than a key file may ask for",
                ));
            }
            let protection = protection_of(&info);
            let passphrase = passphrase()?;
            let opened = info.decrypt(passphrase.as_bytes()).map_err(|_| {
                Failure::new(
                    Exit::Permission,
                    text!("the passphrase does not open {shown}", "口令无法打开 {shown}"),
                )
            })?;
            let pair = KeypairBytes::from_pkcs8_der(opened.as_bytes());
            (pair.map_err(|e| not_a_key(&e))?, protection)
        }
        other => return Err(not_a_key(&format!("PEM label `{other}`"))),
    };
    let key = SigningKey::from_seed(&pair.secret_key);
    if pair.public_key.is_some_and(|public| public.0 != *key.public_key().as_bytes()) {
        return Err(not_a_key(&"its public key does not belong to its private key"));
    }
    Ok(LoadedKey { key, protection })
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

fn protection_of(info: &EncryptedPrivateKeyInfoRef<'_>) -> Protection {
    match info.encryption_algorithm.pbes2().and_then(|p| p.kdf.pbkdf2()) {
        Some(params) => Protection::Pbkdf2(params.iteration_count),
        None => Protection::Scrypt,
    }
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Outcome<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let shown = path.display();
    let meta = std::fs::metadata(path).map_err(|e| {
        Failure::new(
            Exit::Permission,
            text!("cannot read the key file {shown}: {e}", "无法读取密钥文件 {shown}：{e}"),
        )
    })?;
    let mode = meta.permissions().mode() & 0o777;
    if meta.is_file() && mode & 0o077 != 0 {
        return Err(Failure::new(
            Exit::Permission,
            text!(
                "others may read the key file {shown} (mode {mode:04o})",
                "他人可以读取密钥文件 {shown}（权限 {mode:04o}）"
            ),
        )
        .help(text!("chmod 600 {shown}", "chmod 600 {shown}")));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_path: &Path) -> Outcome<()> {
    Ok(())
}

/// Makes a new key from the system's randomness.
///
/// # Errors
/// Exit 6 when the system has no randomness to give.
pub fn generate() -> Outcome<SigningKey> {
    let mut seed = Zeroizing::new([0u8; 32]);
    random(seed.as_mut_slice())?;
    Ok(SigningKey::from_seed(&seed))
}

fn random(bytes: &mut [u8]) -> Outcome<()> {
    getrandom::fill(bytes).map_err(|e| {
        Failure::new(
            Exit::Permission,
            text!("the system gives no randomness: {e}", "系统无法提供随机数：{e}"),
        )
    })
}

/// Writes a key file, encrypted if a passphrase is given; an existing file is never touched.
///
/// # Errors
/// Exit 6 when the file exists or cannot be written.
pub fn save(path: &Path, key: &SigningKey, passphrase: Option<&str>) -> Outcome<()> {
    let shown = path.display();
    let failed = |e: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Permission,
            text!("cannot write the key file {shown}: {e}", "无法写入密钥文件 {shown}：{e}"),
        )
    };
    // Without the public key the document is RFC 5958 version 1, as OpenSSL writes it.
    let pair = KeypairBytes { secret_key: *key.seed(), public_key: None };
    let plain = pair.to_pkcs8_der().map_err(|e| failed(&e))?;
    let pem = match passphrase {
        None => plain.to_pem(PLAIN_LABEL, LineEnding::LF).map_err(|e| failed(&e))?,
        Some(passphrase) => {
            let (mut salt, mut iv) = ([0u8; 16], [0u8; 16]);
            random(&mut salt)?;
            random(&mut iv)?;
            let (log_n, r, p) = SCRYPT_COST;
            let cost = scrypt::Params::new(log_n, r, p).map_err(|e| failed(&e))?;
            let parameters =
                Parameters::generate_scrypt_aes256cbc(cost, &salt, iv).map_err(|e| failed(&e))?;
            let info = PrivateKeyInfoRef::try_from(plain.as_bytes()).map_err(|e| failed(&e))?;
            let sealed = info
                .encrypt_with_params(parameters, passphrase.as_bytes())
                .map_err(|e| failed(&e))?;
            sealed.to_pem(ENCRYPTED_LABEL, LineEnding::LF).map_err(|e| failed(&e))?
        }
    };
    files::write_private(path, pem.as_bytes(), Existing::Refuse).map_err(|e| {
        if e.kind() == std::io::ErrorKind::AlreadyExists {
            failed(&e).help(text!(
                "a key file is never overwritten; choose another name",
                "密钥文件从不覆盖，请换一个文件名",
            ))
        } else {
            failed(&e)
        }
    })
}

#[cfg(test)]
mod tests;
