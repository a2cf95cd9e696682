//! Pave's own API, `/api/pave/v1`: what Backstage has no word for.

mod access;
mod application;
mod cloud;
mod compile;
mod definitions;
mod devops;
mod effect;
mod environment;
mod events;
mod hosts;
mod integrations;
mod object;
mod overview;
mod people;
mod plan;
mod reader;
mod road;
mod settings;
mod tree;

use axum::Router;

use crate::context::Portal;

pub(crate) fn routes() -> Router<Portal> {
    let routes = Router::new()
        .merge(application::routes())
        .merge(cloud::routes())
        .merge(compile::routes())
        .merge(effect::routes())
        .merge(environment::routes())
        .merge(events::routes())
        .merge(hosts::routes())
        .merge(integrations::routes())
        .merge(object::routes())
        .merge(overview::routes())
        .merge(people::routes())
        .merge(plan::routes())
        .merge(road::routes())
        .merge(settings::routes());
    Router::new()
        .nest("/api/pave/v1", routes)
        .merge(hosts::forwarding())
}

pub(crate) use access::permit;
pub(crate) use plan::plan_environment_removal;
