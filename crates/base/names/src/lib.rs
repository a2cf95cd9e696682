//! The names by which Pave's parts speak of the same thing.
//!
//! Newtypes and constants only: no I/O, no clock, no policy. Start at [`RoadId`] for what ties a request
//! together and at [`annotation`] for the keys under which it travels.

pub mod annotation;
mod gvk;
mod reference;
mod road;
mod station;

pub use gvk::{GroupVersionKind, GroupVersionKindError, ObjectKey};
pub use reference::{EntityRef, EntityRefError};
pub use road::{RoadId, RoadIdError};
pub use station::{Direction, State, Station};
