//! Diagnostic codes of this crate, each with a page of its own.

/// A key that does not exist there.
pub(crate) const UNKNOWN_KEY: &str = "PV2201";
/// A mapping where a list is expected, and the like.
pub(crate) const WRONG_SHAPE: &str = "PV2202";
/// Something that must be there is not, or two things exclude each other.
pub(crate) const STRUCTURE: &str = "PV2203";
/// A task that nothing here runs.
pub(crate) const UNKNOWN_TASK: &str = "PV2204";
/// `dependsOn` or an expression names a stage or job that does not exist.
pub(crate) const UNKNOWN_DEPENDENCY: &str = "PV2205";
/// Dependencies go in a circle.
pub(crate) const CYCLE: &str = "PV2206";
/// Two of the same name.
pub(crate) const DUPLICATE_NAME: &str = "PV2207";
/// A template that is not there.
pub(crate) const TEMPLATE_NOT_FOUND: &str = "PV2208";
/// A template that does not fit its place, or too many of them.
pub(crate) const TEMPLATE_MISFIT: &str = "PV2209";
/// A parameter that the template or pipeline does not declare.
pub(crate) const UNKNOWN_PARAMETER: &str = "PV2210";
/// A parameter without a value, or with one that is not allowed.
pub(crate) const PARAMETER_VALUE: &str = "PV2211";
/// A secret in `${{ }}`.
pub(crate) const SECRET: &str = "PV2212";
/// An expression that does not parse or cannot be worked out.
pub(crate) const EXPRESSION: &str = "PV2213";
/// A name that upstream does not allow.
pub(crate) const NAME: &str = "PV2214";
/// A repository alias that nobody declares.
pub(crate) const UNKNOWN_REPOSITORY: &str = "PV2215";
/// A task's inputs: one is missing, unknown, or excludes another.
pub(crate) const TASK_INPUT: &str = "PV2216";
/// `$(macro)` where none is filled in.
pub(crate) const MACRO: &str = "PV2217";
/// A value that is none of the allowed ones.
pub(crate) const VALUE: &str = "PV2218";
/// `${{ else }}` without `if`, `each` without a list, and the like.
pub(crate) const DIRECTIVE: &str = "PV2219";
/// Something that is kept but not acted on.
pub(crate) const NOT_ACTED_ON: &str = "PV2220";
/// A schedule that is not what its author may think.
pub(crate) const SCHEDULE: &str = "PV2221";
/// A step that cannot run where it stands.
pub(crate) const WRONG_TARGET: &str = "PV2222";
/// Terraform without an installer on an image that has none.
pub(crate) const NO_INSTALLER: &str = "PV2230";
/// State that dies with the workspace.
pub(crate) const NO_BACKEND: &str = "PV2231";
/// A trigger on a branch without a filter on paths.
pub(crate) const NO_PATH_FILTER: &str = "PV2232";
/// Apply without a saved plan.
pub(crate) const NO_SAVED_PLAN: &str = "PV2233";
/// A change that destroys what is there.
pub(crate) const DESTROYS: &str = "PV2234";
/// A change that leaves something behind that nothing manages any more.
pub(crate) const LEFT_BEHIND: &str = "PV2235";
/// HCL that does not parse.
pub(crate) const HCL: &str = "PV2301";
/// An argument under its old name.
pub(crate) const RENAMED_ARGUMENT: &str = "PV2302";
/// A resource type that is retired.
pub(crate) const RETIRED_RESOURCE: &str = "PV2303";
/// The provider block lacks what it needs.
pub(crate) const PROVIDER: &str = "PV2304";
/// The same resource twice in a module.
pub(crate) const DUPLICATE_RESOURCE: &str = "PV2305";
