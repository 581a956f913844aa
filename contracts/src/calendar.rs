//! Working days 工作日 and the deadlines counted in them.
//!
//! A day runs from midnight to midnight in Beijing (UTC+08:00). Saturdays and Sundays are free unless
//! the calendar makes them workdays (调休), other days are worked unless it makes them holidays. What
//! is not in the calendar, such as the holidays of a year not yet announced, counts as usual.

use mulu_chain::types::TimeMs;
use serde::{Deserialize, Serialize};

use crate::date::{date_of_day, day_of, last_ms_of_day};
use crate::field;
use crate::limits::{CALENDAR_DATES_MAX, DEADLINE_DAYS_MAX};
use crate::rejection::{Step, require};
use crate::rule::Rule;

/// The days that are not what their weekday says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Free days, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<String>,
    /// Worked Saturdays and Sundays, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workdays: Vec<String>,
}

/// How many working days something may take; 0 sets no deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadlines {
    /// To answer a request for what is shared unconditionally.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub answer_unconditional_days: u32,
    /// To answer any other request.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub answer_conditional_days: u32,
    /// To deliver for the first time after a grant is finalized.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub provision_days: u32,
    /// To dispute a refusal.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dispute_days: u32,
    /// To decide an objection.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub objection_days: u32,
    /// To answer a correction, and again to mend what was found.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub correction_days: u32,
    /// To bind an entry again after what it is bound to ended.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rebind_days: u32,
}

fn is_zero(days: &u32) -> bool {
    *days == 0
}

impl Deadlines {
    /// To answer a request.
    pub fn answer_days(&self, unconditional: bool) -> u32 {
        if unconditional { self.answer_unconditional_days } else { self.answer_conditional_days }
    }

    /// Every deadline with its name.
    pub fn named(&self) -> [(&'static str, u32); 7] {
        [
            ("answer_unconditional_days", self.answer_unconditional_days),
            ("answer_conditional_days", self.answer_conditional_days),
            ("provision_days", self.provision_days),
            ("dispute_days", self.dispute_days),
            ("objection_days", self.objection_days),
            ("correction_days", self.correction_days),
            ("rebind_days", self.rebind_days),
        ]
    }
}

/// Days looked at for one deadline: of so many, at least five in seven are no weekend, and what the
/// holidays leave of those is at least [`DEADLINE_DAYS_MAX`].
const DAYS_SCANNED_MAX: u64 = 1_100;

/// The last millisecond of the `days`-th working day after the day on which `start` lies; none if
/// `days` is 0.
pub fn working_days_after(start: TimeMs, days: u32, calendar: &Calendar) -> Option<u64> {
    let mut left = days;
    let first = day_of(start);
    for day in (1..=DAYS_SCANNED_MAX).map(|ahead| first.saturating_add(ahead)) {
        left = left.checked_sub(u32::from(calendar.is_workday(day)))?;
        if left == 0 {
            return (days > 0).then(|| last_ms_of_day(day));
        }
    }
    (days > 0).then(|| last_ms_of_day(first.saturating_add(DAYS_SCANNED_MAX)))
}

impl Calendar {
    /// Whether a day, counted from 1970-01-01, a Thursday, is worked.
    fn is_workday(&self, day: u64) -> bool {
        let weekend = day.saturating_add(3).checked_rem(7).is_some_and(|weekday| weekday >= 5);
        let date = date_of_day(day);
        let named = |list: &[String]| list.binary_search(&date).is_ok();
        if weekend { named(&self.workdays) } else { !named(&self.holidays) }
    }
}

/// Deadlines in bounds (PAR-01); dates that exist (FLD-03), not too many (FLD-02), ascending (PAR-05).
pub(crate) fn check(deadlines: &Deadlines, calendar: &Calendar) -> Step {
    for (name, days) in deadlines.named() {
        require(days <= DEADLINE_DAYS_MAX, Rule::ParamsForm, || {
            format!("{name} is {days}, allowed are 0 to {DEADLINE_DAYS_MAX}")
        })?;
    }
    for (name, dates) in [("holidays", &calendar.holidays), ("workdays", &calendar.workdays)] {
        field::count(name, dates.len(), 0, CALENDAR_DATES_MAX)?;
        for date in dates {
            field::date(name, date)?;
        }
        let ascending = dates.is_sorted_by(|one, next| one < next);
        require(ascending, Rule::ParamsCalendar, || format!("{name} are not ascending"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
