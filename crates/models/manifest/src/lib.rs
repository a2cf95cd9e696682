//! What an engine that keeps a cluster as Git says thinks: files to manifests, manifests to targets, targets against live objects, and the
//! order in which a difference is applied.
//!
//! Re-implements the behaviour of Argo CD's `Application` and `AppProject` (`argoproj.io/v1alpha1`, 3.x) as functions
//! of their arguments: nothing here fetches, waits, reads a clock or talks to a cluster. The road through it is
//! [`directory::read`] → [`target::normalise`] → [`diff::compare`] → [`plan::plan`]; [`health::assess`] and
//! [`health::aggregate`] judge what came of it, [`application`] and [`project`] are the resources that people write.

pub mod application;
pub mod crds;
pub mod diff;
pub mod directory;
pub mod glob;
pub mod health;
pub mod merge;
pub mod options;
pub mod plan;
pub mod project;
pub mod target;
pub mod tracking;
pub mod urls;
pub mod webhook;

mod access;
mod ignore;

pub use access::{annotation, api_version_and_kind, key_of, name_of, namespace_of};
