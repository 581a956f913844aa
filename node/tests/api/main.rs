//! The HTTP API against a ledger in memory and a fake replica.

mod access;
mod events;
mod fixture;
mod limits;
mod read;
mod receipts;
mod socket;
mod submit;
mod tlog;
mod verify;
