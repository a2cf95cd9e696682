//! What each command does.

pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod env;
pub(crate) mod explain;
pub(crate) mod request;
pub(crate) mod reset;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod trace;
pub(crate) mod up;
