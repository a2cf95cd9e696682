//! Reads Backstage's `app-config.yaml` as it is, and knows of every value where it comes from.
//!
//! Files, environment and flags are handed in through [`Surroundings`], so that the same rules can be tried on a table.
//! What it must not do: decide what a key means (whoever acts on it does), stop at the first mistake (findings are
//! collected), or show a secret: only [`Config::value`] and [`Config::get`] hand one out, everything that is shown goes
//! through [`Config::entries`], which masks. Start at [`load`].

mod check;
mod environment;
mod item;
mod known;
mod load;
mod mask;
mod merge;
mod read;
mod substitute;

pub use item::{Origin, Source, Through};
pub use load::{Config, Loaded, Request, Surroundings, load};
pub use mask::{Entry, MASK};

#[cfg(test)]
mod tests;
