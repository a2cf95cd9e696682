//! Terraform's azurerm provider as far as the small one goes: its schema, and how its resources map to ARM.
//!
//! Each resource is one [`Resource`]: its attributes with their places in ARM's documents, said once as a table.
//! Where a managed resource of the same thing exists ([`crate::mapping`]), its table is taken: azurerm's names are
//! the same words in another spelling. From the table come the schema, the plan, the request bodies and the state.
//! Upstream here is azurerm 4.81. Start at [`Resource`]; [`unsupported`] reads HCL before Terraform does.

mod check;
mod document;
mod id;
mod plan;
mod precheck;
mod schema;
mod tables;
#[cfg(test)]
mod tests;
mod value;
mod wire;

use std::sync::LazyLock;

use serde_json::Value as Json;

pub use check::Problem;
pub use id::ImportError;
pub use plan::{Planned, Step};
pub use precheck::{FOREIGN_HASHES, SWITCH, check_lock_file, unsupported};
pub use schema::{Attribute, Block, Nested, Nesting, Presence, Present};
pub use value::{Type, Value, whole};
pub use wire::{Form, Part, Wire};

use crate::mapping::{Kind, Place};

/// Versions of azurerm that the small provider stands in for, newest last.
pub const VERSIONS: &[&str] = &["3.117.1", "4.81.0"];

/// One kind of resource or data source.
#[derive(Debug)]
pub struct Resource {
    /// Its type in HCL: `azurerm_resource_group`.
    pub name: &'static str,
    /// What it is, for the schema and for messages: `resource group`.
    pub title: &'static str,
    /// Version of its state; upstream's, so that a state can go from one provider to the other.
    pub state_version: i64,
    /// Where it stands in ARM's tree; none for what is not a resource there.
    pub place: Option<Place>,
    /// API version of ARM by which it is spoken of.
    pub api_version: &'static str,
    /// What may stand in it.
    pub block: Block,
    /// The managed resource whose table it shares.
    pub kind: Option<&'static Kind>,
    /// What is asked beside the document.
    pub questions: &'static [Question],
    /// What Azure refuses before it looks at anything else.
    check: fn(&Value) -> Vec<Problem>,
    /// What Azure refuses of a change: the state before, and the one that is planned.
    check_change: fn(&Value, &Value) -> Vec<Problem>,
    /// Adds to a request what Azure wants beside what the configuration says.
    complete: fn(&mut Json),
}

/// A POST whose answer belongs to what a resource shows.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The action, such as `listKeys`.
    pub action: &'static str,
    /// Puts what is of use into the document.
    pub fold: fn(&mut Json, &Json),
}

/// All resources.
#[must_use]
pub fn resources() -> &'static [Resource] {
    static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(tables::resources);
    &RESOURCES
}

/// All data sources.
#[must_use]
pub fn data_sources() -> &'static [Resource] {
    static SOURCES: LazyLock<Vec<Resource>> = LazyLock::new(tables::data_sources);
    &SOURCES
}

/// The `provider "azurerm"` block.
#[must_use]
pub fn provider() -> &'static Block {
    static PROVIDER: LazyLock<Block> = LazyLock::new(tables::provider);
    &PROVIDER
}

/// The resource of that type.
#[must_use]
pub fn resource(name: &str) -> Option<&'static Resource> {
    resources().iter().find(|known| known.name == name)
}

/// The data source of that type.
#[must_use]
pub fn data_source(name: &str) -> Option<&'static Resource> {
    data_sources().iter().find(|known| known.name == name)
}

impl Resource {
    /// Plans what a configuration makes of a prior state; null is none.
    #[must_use]
    pub fn plan(&self, prior: &Value, configuration: &Value) -> Planned {
        plan::plan(&self.block, prior, configuration)
    }

    /// What Azure would refuse in a change that keeps the resource.
    #[must_use]
    pub fn check_change(&self, prior: &Value, planned: &Planned) -> Vec<Problem> {
        if prior.is_null() || !planned.replace.is_empty() {
            return Vec::new();
        }
        (self.check_change)(prior, &planned.value)
    }

    /// What Azure would refuse before it looks at anything else, in what is known of a configuration.
    #[must_use]
    pub fn check(&self, configuration: &Value) -> Vec<Problem> {
        (self.check)(configuration)
    }
}
