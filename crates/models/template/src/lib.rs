//! Templates: the language, the Template entity, its forms, and what actions declare about themselves.
//!
//! Pure: no files, no clock, no network. It does not run steps (the scaffolder does) and does not know any action.
//! Rendered values know which input each piece of them came from. Start at [`expression`] for `${{ … }}` in steps,
//! at [`text`] for skeleton files, and at [`template::Template`] for the entity.

pub mod action;
pub mod expression;
pub mod form;
mod language;
mod lint;
pub mod provenance;
pub mod repository;
pub mod template;
pub mod text;
mod wording;

pub use language::fault::Fault;
pub use lint::{lint, place_in};
