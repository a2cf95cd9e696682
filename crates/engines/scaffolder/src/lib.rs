//! Runs templates: tasks, their steps, and the actions that steps name.
//!
//! A task is durable before it is acknowledged. Every step leaves a record before and after it runs, so that a task
//! that was cut off goes on at the step where it stood: actions that find their own work again are run again, others
//! wait for a person. A preview takes the same way with publishing replaced by collecting, so that what is previewed
//! is what comes.
//!
//! It does not know who signs in, which hosts there are, or what may be written where: that is asked of the traits
//! in [`Context`]. Start at [`Scaffolder`], then `run` for the way of a task.

pub mod action;
mod actions;
mod context;
mod error;
mod glob;
mod hops;
mod model;
mod output;
mod preview;
mod recorder;
mod redact;
mod run;
mod scaffolder;
mod step;
mod store;
mod worker;
mod workspace;

pub use context::{
    CatalogLookup, Context, Credentials, Defaults, Interrupt, PublishGate, Registered, SourceFile,
    SourceReader,
};
pub use error::ScaffolderError;
pub use model::{
    Event, EventKind, PlannedFile, StepStatus, Task, TaskFilter, TaskPage, TaskSpec, TaskStatus,
};
pub use preview::{DirectoryFile, LogLine, Preview};
pub use scaffolder::{Created, Scaffolder};
pub use workspace::Workspace;

#[cfg(test)]
mod tests;
