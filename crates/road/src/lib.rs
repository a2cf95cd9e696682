//! The whole road at once: type-checks templates, definitions, compositions, claims and Applications against each
//! other, pipelines and the Terraform code that they apply too, and says what a request would make.
//!
//! Sees every model and touches nothing: no files, no clock, no cluster. Texts come in with their names, findings go
//! out with file, line, field, the schema that says otherwise, and what follows down the road. Start at [`check`]
//! and [`preview`]; [`reindent`] repairs what a web page did to a manifest.

mod against;
mod check;
mod claim;
mod classic;
mod composition;
mod definition;
mod edit;
mod fixes;
mod gitops;
mod managed;
mod patches;
mod pipelines;
mod pointer;
mod preview;
pub mod reindent;
mod subject;
mod template;
mod world;

pub use check::{Options, check};
pub use fixes::{applicable, apply_fixes};
pub use preview::{Definitions, Layer, PlannedFile, PlannedResource, Preview, preview};
