//! The forge on a loopback socket, against the installed `git` and a plain HTTP client.

mod api;
mod events;
mod pushing;
mod routes;
mod scene;
