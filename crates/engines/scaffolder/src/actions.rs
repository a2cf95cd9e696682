//! The built-in actions.

mod azure;
mod catalog;
mod commit;
mod copies;
mod debug;
mod existing;
mod fetch;
mod files;
mod publishing;
mod render;
mod schema;

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::action::{Action, ActionContext, ActionError, ActionSpec, Outputs};

/// An action made of its declaration and a function.
pub(crate) struct BuiltIn {
    spec: ActionSpec,
    run: Body,
}

type Outcome<'a> = BoxFuture<'a, Result<Outputs, ActionError>>;
type Body = for<'a> fn(&'a ActionContext<'a>) -> Outcome<'a>;

impl Action for BuiltIn {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn run<'a>(&'a self, context: &'a ActionContext<'a>) -> Outcome<'a> {
        (self.run)(context)
    }
}

/// All built-in actions.
pub(crate) fn all() -> Vec<Arc<dyn Action>> {
    let groups = [
        debug::actions(),
        files::actions(),
        fetch::actions(),
        catalog::actions(),
        commit::actions(),
        azure::actions(),
    ];
    groups
        .into_iter()
        .flatten()
        .map(|action| Arc::new(action) as Arc<dyn Action>)
        .collect()
}
