//! What Crossplane's objects mean: from a claim to the resources that are wanted, as pure functions.
//!
//! Holds the contract of XRDs, Compositions, patch-and-transform, claims and their conditions. It must not touch a
//! cluster, a clock or a file: the composition engine reads objects, calls these functions and writes what they
//! return, and check, preview and trace call the very same functions on files.
//!
//! Start at [`render::render`] for what a composite resource becomes, at [`xrd::Definition`] for what an XRD
//! defines, at [`select`] for which Composition is used, and at [`cause`] for why something is not ready.

pub mod cause;
pub mod claim;
pub mod composition;
pub mod condition;
pub mod connection;
mod crds;
mod finding;
pub mod gofmt;
mod hash;
pub mod keys;
pub mod merge;
pub mod patch;
pub mod path;
pub mod readiness;
pub mod render;
pub mod revision;
pub mod select;
pub mod transform;
pub mod xrd;

pub use crds::crds;
pub use finding::Finding;
