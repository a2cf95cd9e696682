//! Azure DevOps' URL space, as far as more than one stand-in answers in it.
//!
//! Git and pull requests (`local/forge`) and pipelines (`local/pipelines`) are one host to every client: one token,
//! one list of projects, one answer to `OPTIONS /_apis`. The forge owns the listener; whoever answers an area of
//! its own is an [`Area`]. What else they need of each other are the traits [`Repositories`] and [`Builds`], and
//! the [`Feed`] of what happens. Start at [`Area`].
//!
//! What it must not do: implement any of it, or know a client.

mod area;
mod feed;
mod neighbours;

pub use area::{Area, AreaError, AreaRequest, ResourceLocation};
pub use feed::{Event, Feed, RunState};
pub use neighbours::{
    Builds, CommitAt, NeighbourError, Project, PullRequestAt, Repositories, RepositoryAt, ValidationRequest,
};
