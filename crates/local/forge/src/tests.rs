//! The forge on a loopback socket, against the installed `git` and a plain HTTP client.

mod api;
mod batches;
mod events;
mod jobs;
mod locks;
mod merging;
mod places;
mod policies;
mod pulls;
mod pushing;
mod routes;
mod scene;
mod surroundings;
