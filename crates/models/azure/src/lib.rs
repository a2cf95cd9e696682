//! What Azure is, said once: resource types and their names' rules, and how managed resources map to them.
//!
//! Pure: no I/O, no clock. The local ARM endpoint, the provider engine and the road check all read from here.
//! Start at [`names`] for what Azure accepts as a name, at [`mapping`] for what a managed resource becomes, and at
//! [`azurerm`] for what a Terraform resource becomes.

pub mod azurerm;
pub mod mapping;
pub mod names;
