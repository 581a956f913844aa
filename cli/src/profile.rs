//! Profiles: who I am and which node I ask, under a name.
//!
//! File format (TOML): `[profile.NAME]` tables with the keys of [`Profile`], all optional. A
//! relative `key` or `genesis` path counts from the folder of the profiles file, so that a folder
//! with its profiles can be moved as a whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure, Outcome};
use crate::text;

/// Largest profiles file read, in bytes.
const PROFILES_BYTES_MAX: u64 = 1024 * 1024;

/// One profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// URL of the node, such as `http://127.0.0.1:26701`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The key file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Unified social credit code of the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Code of the office within the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
    /// `sha256:…` of the genesis block, or the founding document's path: what audits trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genesis: Option<String>,
    /// Duty that imported entries are bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duty: Option<String>,
    /// Information system that imported entries are bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// The profiles file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profiles {
    /// By name.
    #[serde(default)]
    pub profile: BTreeMap<String, Profile>,
}

/// Where profiles live unless told otherwise: `$XDG_CONFIG_HOME/mulu/profiles.toml`, else
/// `~/.config/mulu/profiles.toml`.
pub fn default_path() -> PathBuf {
    let config = std::env::var_os("XDG_CONFIG_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")))
        .unwrap_or_else(|| PathBuf::from("."));
    config.join("mulu").join("profiles.toml")
}

impl Profiles {
    /// Reads a profiles file; a file that does not exist holds no profiles.
    ///
    /// # Errors
    /// Exit 2 when the file cannot be read or is not a profiles file.
    pub fn read(path: &Path) -> Outcome<Profiles> {
        let shown = path.display();
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Profiles::default());
            }
            Ok(meta) if meta.len() > PROFILES_BYTES_MAX => {
                return Err(Failure::usage(text!(
                    "{shown} is larger than {PROFILES_BYTES_MAX} bytes",
                    "{shown} 超过 {PROFILES_BYTES_MAX} 字节",
                )));
            }
            _ => {}
        }
        let source = std::fs::read_to_string(path).map_err(|e| {
            Failure::usage(text!("cannot read {shown}: {e}", "无法读取 {shown}：{e}"))
        })?;
        toml::from_str(&source).map_err(|e| {
            Failure::usage(text!(
                "{shown} is not a profiles file: {e}",
                "{shown} 不是有效的配置档文件：{e}"
            ))
        })
    }

    /// Writes the file (mode 0600) by way of a temporary file, so that a crash leaves the old one.
    ///
    /// # Errors
    /// Exit 6 when the file cannot be written.
    pub fn write(&self, path: &Path) -> Outcome<()> {
        let shown = path.display();
        let denied = |e: &dyn std::fmt::Display| {
            Failure::new(
                Exit::Permission,
                text!("cannot write {shown}: {e}", "无法写入 {shown}：{e}"),
            )
        };
        let body = toml::to_string_pretty(self).map_err(|e| denied(&e))?;
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| denied(&e))?;
        }
        let temporary = path.with_extension("toml.new");
        crate::files::write_private(&temporary, body.as_bytes(), crate::files::Existing::Replace)
            .map_err(|e| denied(&e))?;
        std::fs::rename(&temporary, path).map_err(|e| denied(&e))
    }

    /// The profile to use: the one named, else the one called `default`, else the only one.
    ///
    /// # Errors
    /// Exit 2 when the name is unknown.
    pub fn select(&self, name: Option<&str>) -> Outcome<Option<(String, Profile)>> {
        if let Some(name) = name {
            let Some(profile) = self.profile.get(name) else {
                let known: Vec<&str> = self.profile.keys().map(String::as_str).collect();
                let known = known.join(", ");
                return Err(Failure::usage(text!(
                    "there is no profile `{name}`; known: {known}",
                    "没有名为 `{name}` 的配置档；现有：{known}",
                ))
                .help(text!(
                    "`mulu profile set {name} --node URL --key FILE --member USCC` makes one",
                    "用 `mulu profile set {name} --node URL --key FILE --member USCC` 新建",
                )));
            };
            return Ok(Some((name.to_owned(), profile.clone())));
        }
        if let Some(profile) = self.profile.get("default") {
            return Ok(Some(("default".to_owned(), profile.clone())));
        }
        match self.profile.iter().next() {
            Some((name, profile)) if self.profile.len() == 1 => {
                Ok(Some((name.clone(), profile.clone())))
            }
            _ => Ok(None),
        }
    }
}

impl Profile {
    /// The profile with relative paths counted from `folder`.
    #[must_use]
    pub fn anchored(mut self, folder: &Path) -> Profile {
        if let Some(key) = self.key.take() {
            self.key = Some(folder.join(key));
        }
        if let Some(genesis) = self.genesis.take() {
            let digest = genesis.starts_with("sha256:");
            self.genesis = Some(if digest {
                genesis
            } else {
                folder.join(genesis).to_string_lossy().into_owned()
            });
        }
        self
    }
}

#[cfg(test)]
mod tests;
