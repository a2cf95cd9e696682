//! Stub.
use rmp as _; use rmpv as _; use tonic as _; use tonic_prost as _; use prost as _;
