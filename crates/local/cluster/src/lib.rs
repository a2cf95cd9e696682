//! A Kubernetes API server in process: objects on `SQLite`, no nodes.
//!
//! For everything that speaks Kubernetes and wants a control plane on one machine: kubectl, `kube::Client`,
//! controllers. It stores workload kinds but runs nothing. One schema-driven registry serves built-in and custom
//! kinds alike; nothing here knows what a particular custom kind means, and nobody passes by the authorizer.
//!
//! Start at [`Cluster::open`]. A request walks `http` (who, what, may they) → `api` (the verbs) → `storage` (the
//! writer and the memory); `resource` knows the kinds, `access` decides, `controller` cleans up behind. `logical` keeps
//! further clusters in the same store: each with its own objects, kinds, roles and tokens, below a path of its own.

mod access;
mod api;
mod cluster;
mod controller;
mod http;
mod logical;
mod resource;
mod storage;

pub use cluster::{Cluster, ClusterError, Options};
pub use storage::StorageError;
