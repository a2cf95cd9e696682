//! Azure Repos: cloning, pushing, pull requests and new repositories, under the names that the three families of
//! Backstage actions gave them. One implementation stands behind all of them.

mod changes;
mod clone;
mod declarations;
mod leftovers;
mod pipeline;
mod publish;
mod pull_request;
mod push;
mod target;

pub(super) use declarations::actions;
