//! The Terraform tasks: their command lines, and what Terraform's answers mean.
//!
//! Command lines and environment follow `TerraformTaskV4` 4.279; see [`command`].

mod command;
mod plan_summary;
mod state;

pub use command::{AzureConnection, Command, Credential, Inputs, command, words};
pub use plan_summary::{AttributeChange, ChangeAction, PlanSummary, ResourceChange, plan_summary};
pub use state::{AppliedResource, state_resources};

pub(crate) use command::check_inputs;
