//! (placeholder)
mod postgresql;
