//! What a transaction **means**: state in, verdict and changes out.
//!
//! One file per concept (member, office, key, duty, system, entry, authorization, receipt, params,
//! validator, evidence):
//! its record as stored, its actions as signed, and its rules. Everything is a function of its
//! arguments: no clock, randomness, floating point number, hash map, task, network or disk. Block
//! time and height arrive in [`execution::BlockContext`], state through [`state::StateRead`].
//! A broken rule is a [`rejection::Rejection`] that names it; a state that cannot be read is a
//! [`state::StateReadError`], which no transaction can cause. Source: SPEC section 11.

#![deny(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
#![deny(clippy::float_arithmetic, clippy::unwrap_used, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod action;
pub mod authorization;
pub mod calendar;
mod call;
pub mod catalog;
pub mod class;
pub mod correction;
pub mod date;
pub mod deadline;
pub mod delegation;
pub mod duty;
pub mod entry;
pub mod evidence;
pub mod execution;
mod field;
pub mod genesis_state;
pub mod key;
pub mod limits;
pub mod member;
pub mod objection;
pub mod office;
pub mod operation;
mod overlay;
pub mod params;
pub mod payload;
pub mod protocol;
pub mod rebind;
pub mod receipt;
pub mod region;
pub mod rejection;
pub mod replay;
pub mod rule;
mod shape;
mod signers;
pub mod state;
pub mod system;
pub mod transaction;
pub mod uscc;
pub mod validator;
