//! Region 行政区划: the division codes of GB/T 2260 with the dates between which each is in force.
//!
//! The list changes every year, so it is the authority's to keep, on the chain. While it has set
//! none, only the form of a code is judged (FLD-07).

use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::field;
use crate::limits::{NAME_CHARS_MAX, REGIONS_MAX};
use crate::overlay::Overlay;
use crate::rejection::{Step, refuse, require};
use crate::rule::Rule;
use crate::state::{REGIONS_KEY, region_key};

/// A division code as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Six digits.
    pub code: String,
    /// 名称.
    pub name: String,
    /// First date in force.
    pub from: String,
    /// Last date in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// When this record was written.
    pub set_at_height: Height,
}

/// A division.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Division {
    /// Six digits.
    pub code: String,
    /// 名称.
    pub name: String,
    /// First date in force.
    pub from: String,
    /// Last date in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// How many codes there are; if any, every region named must be one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Regions {
    /// Codes ever set.
    pub count: u64,
}

/// `region.set`: an authority sets codes, or replaces what was said of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionSet {
    /// The divisions.
    pub regions: Vec<Division>,
}

/// A code in force on a date, if the authority keeps the list (FLD-08).
pub(crate) fn in_force(overlay: &Overlay<'_>, code: &str, today: &str) -> Step {
    if !overlay.has(REGIONS_KEY)? {
        return Ok(());
    }
    let Some(Region { from, to, .. }) = overlay.get(&region_key(code))? else {
        return refuse(Rule::FieldRegionInForce, format!("{code} is on no list"));
    };
    let lasts = to.as_deref().is_none_or(|to| today <= to);
    require(from.as_str() <= today && lasts, Rule::FieldRegionInForce, || {
        format!("{code} is in force {from} to {}, today {today}", to.as_deref().unwrap_or("open"))
    })
}

pub(crate) fn set(call: &mut Call<'_, '_>, action: &RegionSet) -> Step {
    call.signers.authority(call.params.authority_threshold)?;
    field::count("regions", action.regions.len(), 1, REGIONS_MAX)?;
    let codes = action.regions.iter().map(|division| &division.code);
    field::distinct("regions", Rule::FieldDuplicate, codes)?;
    let mut regions: Regions = call.overlay.get(REGIONS_KEY)?.unwrap_or_default();
    for division in &action.regions {
        field::region(&division.code)?;
        field::text("region name", &division.name, NAME_CHARS_MAX)?;
        field::date("from", &division.from)?;
        if let Some(to) = &division.to {
            field::date("to", to)?;
            require(division.from <= *to, Rule::FieldDates, || {
                format!("{}: {} to {to}", division.code, division.from)
            })?;
        }
        let at = region_key(&division.code);
        if !call.overlay.has(&at)? {
            regions.count = regions.count.saturating_add(1);
        }
        let Division { code, name, from, to } = division.clone();
        let region = Region { code, name, from, to, set_at_height: call.height() };
        call.overlay.put(at, &region)?;
    }
    call.touch(REGIONS_KEY.to_owned());
    call.overlay.put(REGIONS_KEY.to_owned(), &regions)
}
