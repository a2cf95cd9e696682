//! Starts everything, in order, and joins the parts: the only place that names a stand-in.

mod adapters;
mod bootstrap;
pub(crate) mod demo;
mod further;
mod holder;
pub(crate) mod instance;
mod kubeconfig;
mod listen;
pub(crate) mod people;
mod pipelines;
pub(crate) mod place;
mod project;
mod settled;
mod start;
mod world;

pub(crate) use holder::{of_port, of_wildcard};
pub(crate) use start::Platform;
