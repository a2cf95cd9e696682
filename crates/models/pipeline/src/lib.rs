//! The pure model of Azure Pipelines: what an `azure-pipelines.yml` means.
//!
//! YAML with templates and `${{ }}` becomes a [`Plan`]; what starts next, what a step's text becomes, what a log line
//! asks for, what stands in the log, and which command line a task runs are functions of it. Findings are collected:
//! [`compile`] gives a plan and everything that is wrong with the text, with places.
//!
//! What it must not do: read a file, start a process, keep state, ask a clock. Whoever runs a pipeline gives it the
//! facts. Start at [`compile`] and [`Plan`], then [`next`].

mod check;
mod checks;
mod codes;
mod compile;
mod cron;
mod expression;
mod hcl;
mod logging;
mod mask;
pub mod plan;
mod predefined;
mod runtime;
mod schedule;
mod source;
mod tasks;
pub mod terraform;
mod tree;
mod trigger;

pub use check::{AppliedDirectory, Destroyed, applied_directories, destroys, merge_findings, warnings};
pub use checks::{BusinessHours, CheckKind, RequiredTemplate, allows_branch, answer_fulfils};
pub use compile::compile;
pub use cron::{Cron, CronError};
pub use expression::{ExpressionError, Value, Version};
pub use hcl::{Block, Literal, Resource, TerraformModule, read_terraform};
pub use logging::{LineFormat, LoggingCommand, line_format, logging_command};
pub use mask::Masker;
pub use plan::*;
pub use predefined::{Facts, PredefinedVariable, PullRequestFacts, predefined};
pub use runtime::{
    Counter, CountingFunction, Dependency, Level, RuntimeScope, condition, environment_name, expand_macros,
    expand_variables, is_runtime_expression, matrix_from_json, runtime_value,
};
pub use schedule::{
    Decision, JobState, LegState, Progress, RunState, StageState, job_scope, next, why_step_skipped,
};
pub use tasks::{TaskInfo, TaskInput, find_task, known_tasks, version_fits};
pub use trigger::{Filter, Trigger, skips_ci};
