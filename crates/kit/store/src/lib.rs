//! SQLite as every part of Pave uses it: durable before acknowledged, one writer, many readers.
//!
//! Tables belong to the crates that own the data; this crate knows only how to open, migrate, write and read.
//! Start at [`Database`].

mod database;
mod error;
mod writer;

pub use database::Database;
pub use error::StoreError;
pub use rusqlite;

#[cfg(test)]
mod tests;
