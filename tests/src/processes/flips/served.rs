//! Everything a damaged node serves, compared with an undamaged one.

use std::time::Duration;

use serde_json::Value;

use super::{Campaign, NODE, WITNESS};
use crate::consortium::DEPARTMENTS;
use crate::processes::view::BlockView;

/// The code of the entry whose bundle is verified.
const ENTRY_CODE: &str = "307017/demo0001";
/// The lists compared.
const LISTS: [&str; 5] = ["members", "offices", "keys", "duties", "entries"];
/// Pages of a list, and looks at it, at most.
const PAGES_MAX: usize = 40;

impl Campaign {
    /// Whether everything is served, and as the witness serves it; some of it may be answered with
    /// an error instead.
    ///
    /// # Errors
    /// What is served wrong.
    pub(super) fn compare(&self) -> Result<bool, String> {
        let mut complete = true;
        for (height, expected) in (1..).zip(&self.blocks) {
            match self.views.get(NODE, &format!("/v1/blocks/{height}")) {
                // One answer is judged: a second one may be the error that noticed the damage.
                Some((200, block)) if BlockView::of(&block).as_ref() != Some(expected) => {
                    return Err(format!("block {height}: {block}, not {expected:?}"));
                }
                Some((200, _)) => {}
                Some((500.., _)) | None => complete = false,
                Some(other) => return Err(format!("block {height}: {other:?}")),
            }
        }
        for list in LISTS {
            complete &= self.compare_list(&format!("/v1/{list}?limit=1000"))?;
        }
        Ok(complete & self.verify_bundle()?)
    }

    /// Compares all pages of a list; a block that comes in between gives both another look.
    fn compare_list(&self, path: &str) -> Result<bool, String> {
        let mut pages = String::new();
        for _ in 0..PAGES_MAX {
            let page = format!("{path}{pages}");
            let (Some((200, expected)), Some((status, found))) =
                (self.views.get(WITNESS, &page), self.views.get(NODE, &page))
            else {
                return Ok(false);
            };
            if status >= 500 {
                return Ok(false);
            }
            if expected["height"] != found["height"] {
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
            if expected != found {
                return Err(format!("{page} differs"));
            }
            match expected["next_cursor"].as_str() {
                Some(cursor) => pages = format!("&cursor={cursor}"),
                None => return Ok(true),
            }
        }
        Err(format!("{path} has too many pages, or the heights never agree"))
    }

    /// What the offline auditor says of a bundle that the node exported.
    fn verify_bundle(&self) -> Result<bool, String> {
        let genesis = self.consortium.get(WITNESS, "/v1/status")["genesis"].clone();
        let genesis = genesis.as_str().ok_or("no genesis digest")?;
        let file = self.consortium.dir.join("damaged.bundle");
        // It may not be there: then nothing is left over either.
        drop(std::fs::remove_file(&file));
        let file = file.to_string_lossy().into_owned();
        let out = ["--out", file.as_str(), "--genesis", genesis];
        let export = ["--profile", DEPARTMENTS[NODE], "audit", "export", ENTRY_CODE];
        let exported = self.consortium.mulu(&[&export[..], &out[..]].concat());
        if !exported.status.success() {
            return Ok(false);
        }
        let verify = ["--output", "json", "audit", "verify", &file, "--genesis", genesis];
        let verified = self.consortium.mulu(&verify);
        let report: Value = serde_json::from_slice(&verified.stdout).unwrap_or_default();
        match report["verdict"] == "VERIFIED" {
            true => Ok(true),
            false => Err(format!("the bundle is refused: {report}")),
        }
    }
}
