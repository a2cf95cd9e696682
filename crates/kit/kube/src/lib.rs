//! What engines need beside `kube::Client`: kinds by discovery, apply, conditions, events; and, for whoever makes
//! clusters, what makes control planes ([`ControlPlanes`]).
//!
//! Nothing here knows which cluster answers. Start at [`Kinds`].

mod condition;
mod control_plane;
mod event;
mod kinds;
mod object;
mod watch;

pub use condition::{condition, find_condition, is_true, set_condition};
pub use control_plane::{ControlPlaneError, ControlPlanes, Holder};
pub use event::{EventKind, emit_event};
pub use kinds::{Kinds, KindsError, ResolvedKind};
pub use object::{apply, apply_status, key_of, metadata_text};
pub use watch::{Event, api_resource, defined_kind, definitions, watch};
