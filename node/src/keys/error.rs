//! Why a key cannot be used, and which command helps.

use std::io;
use std::path::PathBuf;

use crate::explain::Explain;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No such file.
    #[error(
        "the key {path} is missing; `mulud init` makes a new one, or put the existing key there \
         (PKCS#8 PEM, as of `openssl genpkey -algorithm ed25519 -out {path}`)"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// No validator key, asked for its public key.
    #[error("{path} does not exist: this node is an observer, it has no validator key and no vote")]
    Observer {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read the key {path}: {source}; check its owner: mulud's user must own it")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Others may read it.
    #[error("others may read the key {path} (mode {mode:04o}); run: chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Not an Ed25519 key in PKCS#8 PEM.
    #[error(
        "{path} is not an Ed25519 key in PKCS#8 PEM ({reason}); restore it from a backup, or for a \
         new node make one with `openssl genpkey -algorithm ed25519`"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Encrypted, and nobody told the passphrase.
    #[error(
        "the key {path} is encrypted and no passphrase is given; set MULU_KEY_PASSPHRASE_FILE, or \
         the systemd credential mulu-key-passphrase"
    )]
    PassphraseMissing {
        /// The key file.
        path: PathBuf,
    },
    /// Encrypted with another passphrase.
    #[error(
        "the passphrase given does not open the key {path}; check which passphrase belongs to it"
    )]
    PassphraseWrong {
        /// The key file.
        path: PathBuf,
    },
    /// The passphrase's file cannot be read.
    #[error("cannot read the passphrase file {path}: {source}; correct MULU_KEY_PASSPHRASE_FILE")]
    PassphraseRead {
        /// The passphrase file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A new key would overwrite it.
    #[error("the key {path} exists already and a key is never overwritten; move it away first")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("cannot write the key {path}: {source}; check the folder's owner and the free space")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// No randomness.
    #[error("the system gives no randomness: {0}; check /dev/urandom and try again")]
    Randomness(String),
}

impl Explain for KeyError {
    fn chinese(&self) -> String {
        match self {
            KeyError::Missing { path } => format!(
                "缺少密钥 {0}；`mulud init` 可生成新密钥，或将已有密钥放到该处\
                 （PKCS#8 PEM，可用 `openssl genpkey -algorithm ed25519 -out {0}` 生成）",
                path.display()
            ),
            KeyError::Observer { path } => {
                format!("{} 不存在：本节点是观察节点，没有验证者密钥，不参与投票", path.display())
            }
            KeyError::Read { path, source } => format!(
                "无法读取密钥 {}：{source}；请检查属主，应为运行 mulud 的用户",
                path.display()
            ),
            KeyError::Exposed { path, mode } => {
                format!(
                    "他人可以读取密钥 {0}（权限 {mode:04o}）；请运行：chmod 600 {0}",
                    path.display()
                )
            }
            KeyError::Malformed { path, reason } => format!(
                "{} 不是 PKCS#8 PEM 格式的 Ed25519 密钥（{reason}）；请从备份恢复，\
                 新节点可用 `openssl genpkey -algorithm ed25519` 生成",
                path.display()
            ),
            KeyError::PassphraseMissing { path } => format!(
                "密钥 {} 已加密但没有提供口令；请设置 MULU_KEY_PASSPHRASE_FILE，\
                 或 systemd 凭据 mulu-key-passphrase",
                path.display()
            ),
            KeyError::PassphraseWrong { path } => {
                format!("口令无法打开密钥 {}；请核对该密钥的口令", path.display())
            }
            KeyError::PassphraseRead { path, source } => format!(
                "无法读取口令文件 {}：{source}；请改正 MULU_KEY_PASSPHRASE_FILE",
                path.display()
            ),
            KeyError::Exists { path } => {
                format!("密钥 {} 已存在，密钥从不覆盖；请先将其移走", path.display())
            }
            KeyError::Write { path, source } => {
                format!("无法写入密钥 {}：{source}；请检查目录属主和剩余空间", path.display())
            }
            KeyError::Randomness(reason) => {
                format!("系统无法提供随机数：{reason}；请检查 /dev/urandom 后重试")
            }
        }
    }
}
