//! Paths of tiles, both ways.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

#[test]
fn a_path_is_read_as_it_is_written() {
    let tile = |kind, index, width| Tile { kind, index, width };
    let rows = [
        ("tile/0/000", tile(TileKind::Hashes(0), 0, 256)),
        ("tile/0/x001/x234/067", tile(TileKind::Hashes(0), 1_234_067, 256)),
        ("tile/5/999.p/255", tile(TileKind::Hashes(5), 999, 255)),
        ("tile/entries/x001/000.p/1", tile(TileKind::Entries, 1000, 1)),
    ];
    for (path, tile) in rows {
        assert_eq!(path.parse(), Ok(tile), "{path}");
        assert_eq!(tile.to_string(), path);
    }
}

#[test]
fn every_tile_has_one_path() {
    let refused = [
        "tile/0",
        "tile/0/",
        "tile/6/000",
        "tile/00/000",
        "tile/0/1",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/001/234",
        "tile/0/x000/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/+01",
        "tile/data/000",
        "tile/entries/000/",
        "/tile/0/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/-1/000",
        "tile/0/000.p/1.p/1",
    ];
    for path in refused {
        assert_eq!(path.parse::<Tile>(), Err(TilePathInvalid), "{path}");
    }
}

#[test]
fn a_log_has_the_tiles_its_size_says() {
    let paths = |size| Tile::all(size).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(paths(0), Vec::<String>::new());
    assert_eq!(paths(1), ["tile/0/000.p/1"]);
    assert_eq!(paths(70_000).last().map(String::as_str), Some("tile/2/000.p/1"));
    assert!(paths(70_000).contains(&"tile/1/001.p/17".to_owned()));
    for tile in Tile::all(70_000) {
        assert!(tile.is_in(70_000), "{tile}");
        assert!(!Tile { width: 256, ..tile }.is_in(70_000) || tile.width == 256, "{tile}");
    }
}
