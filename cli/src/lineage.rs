//! OpenLineage events become use receipts.
//!
//! A program of a department (Airflow, Spark, dbt, anything with an OpenLineage client) tells where
//! its jobs read data. This sidecar takes the events over HTTP, keeps what a mapping file ties to a
//! grant, adds it up per window of time and files one receipt per grant and window, signed with an
//! application key. It runs beside the department's node and not in it: a validator holds no
//! application key (docs/decisions).
//!
//! ```text
//! client --POST--> server -> event -> mapping -> queue (durable, then 201)
//!                                                  | window closed
//!                                                  v
//!                             filing: add up, sign, keep the envelope (durable), submit until told
//! ```
//!
//! Invariants: 201 is said after the uses are on stable storage; a run is counted once per grant
//! however often its event comes within a window; an envelope is kept before it is submitted, so a
//! crash or a lost answer repeats the same transaction and never counts twice. What the rules
//! refuse is set aside with the rule, not dropped.

pub mod event;
pub mod filing;
pub mod mapping;
pub mod queue;
pub mod server;

#[cfg(test)]
mod tests;
