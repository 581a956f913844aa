//! Fault campaigns against four real nodes: kills, full disks, damaged files, a bad network.
//!
//! Each campaign is a function that takes how much and a seed and returns a report with
//! denominators; bounded tests and longer programs call the same ones. A seed fixes what is done
//! to whom and for how long; the operating system's timing it does not fix.

pub mod chaos;
pub mod flips;
pub mod floor;
pub mod full_disk;
pub mod kills;
pub mod ledger_of_acknowledged;
pub mod load;
mod namespaces;
pub mod proxy;
mod reader;
pub mod seeded;
mod tool;
pub mod view;
