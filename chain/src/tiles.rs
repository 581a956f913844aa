//! Tiles (C2SP tlog-tiles): the log in files of 256 hashes, or of 256 leaves.
//!
//! `tile/<L>/<N>` holds the roots of the subtrees of height 8·L numbered 256·N and on, 32 bytes
//! each; `tile/entries/<N>` the leaves numbered 256·N and on, each behind its length as a
//! big-endian `u16`. A tile not complete yet ends in `.p/<W>`, W being 1 to 255. N is written in
//! groups of three digits, all but the last with an `x`: 1234067 is `x001/x234/067`. Source: SPEC
//! section 7.

use std::fmt;
use std::str::FromStr;

/// Hashes, or leaves, of a full tile.
pub const TILE_WIDTH: u64 = 256;
/// Highest level: a tile of it covers 2^48 leaves.
pub const TILE_LEVEL_MAX: u8 = 5;
/// Groups of three digits in the number of a tile: enough for 2^63 leaves.
const GROUPS_MAX: usize = 6;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TileKind {
    /// Hashes of a level.
    Hashes(u8),
    /// Leaves.
    Entries,
}

/// A tile's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// What it holds.
    pub kind: TileKind,
    /// 0-based number.
    pub index: u64,
    /// How many hashes or leaves, 1 to 256.
    pub width: u16,
}

/// A path that is no tile's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile (C2SP tlog-tiles)")]
pub struct TilePathInvalid;

impl Tile {
    /// The first of the things in it, counted from the log's start.
    pub fn first(&self) -> u64 {
        self.index.saturating_mul(TILE_WIDTH)
    }

    /// log2 of the leaves below each of them.
    pub fn leaf_bits(&self) -> u8 {
        match self.kind {
            TileKind::Entries => 0,
            TileKind::Hashes(level) => level.saturating_mul(8),
        }
    }

    /// Whether a log of this size has all of it.
    pub fn is_in(&self, size: u64) -> bool {
        let whole = size.checked_shr(u32::from(self.leaf_bits())).unwrap_or(0);
        self.first().saturating_add(u64::from(self.width)) <= whole
    }

    /// The tiles of hashes that a client needs of a log of this size, lowest level first.
    pub fn all(size: u64) -> Vec<Tile> {
        let mut tiles = Vec::new();
        for level in 0..=TILE_LEVEL_MAX {
            let bits = u32::from(level).saturating_mul(8);
            let hashes = size.checked_shr(bits).unwrap_or(0);
            for index in 0..hashes.div_ceil(TILE_WIDTH) {
                let left = hashes.saturating_sub(index.saturating_mul(TILE_WIDTH));
                let width = u16::try_from(left.min(TILE_WIDTH)).unwrap_or(256);
                tiles.push(Tile { kind: TileKind::Hashes(level), index, width });
            }
        }
        tiles
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}")?,
            TileKind::Entries => write!(f, "tile/entries")?,
        }
        let digits = self.index.to_string();
        let padded =
            format!("{digits:0>width$}", width = digits.len().div_ceil(3).saturating_mul(3));
        let groups: Vec<String> =
            padded.as_bytes().chunks(3).map(|g| String::from_utf8_lossy(g).into_owned()).collect();
        for (at, group) in groups.iter().enumerate() {
            let last = at.saturating_add(1) == groups.len();
            write!(f, "/{}{group}", if last { "" } else { "x" })?;
        }
        if u64::from(self.width) < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for Tile {
    type Err = TilePathInvalid;

    fn from_str(path: &str) -> Result<Self, TilePathInvalid> {
        let rest = path.strip_prefix("tile/").ok_or(TilePathInvalid)?;
        let (kind, rest) = rest.split_once('/').ok_or(TilePathInvalid)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(level.parse().map_err(|_| TilePathInvalid)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, 256),
            Some((number, width)) => (number, width.parse().map_err(|_| TilePathInvalid)?),
        };
        let mut index = 0u64;
        for group in number.split('/').take(GROUPS_MAX.saturating_add(1)) {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let value: u64 = digits.parse().map_err(|_| TilePathInvalid)?;
            index = index.checked_mul(1000).ok_or(TilePathInvalid)?;
            index = index.checked_add(value).ok_or(TilePathInvalid)?;
        }
        let tile = Tile { kind, index, width };
        let level = matches!(kind, TileKind::Hashes(level) if level > TILE_LEVEL_MAX);
        // One path per tile: whatever else the reading above lets pass is written differently.
        let bounded = !level && (1..=256).contains(&width) && index < 1 << 56;
        if bounded && tile.to_string() == path { Ok(tile) } else { Err(TilePathInvalid) }
    }
}

/// Writes a tile of leaves; none if one is longer than a length can say.
pub fn write_entries(leaves: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for leaf in leaves {
        bytes.extend_from_slice(&u16::try_from(leaf.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(leaf);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
