//! The tables themselves.

mod data;
mod identity;
mod kubernetes;
mod postgresql;
mod provider;
mod resource_group;
mod storage;

use super::schema::{Attribute, Nested, Present, text, typed};
use super::value::Type;
use super::wire::{Form, Part, Wire};
use super::{Block, Resource};
use crate::mapping::{Codec, Kind, kind_of};

pub(super) use provider::provider;

pub(super) fn resources() -> Vec<Resource> {
    let mut all = vec![resource_group::resource()];
    all.extend(postgresql::resources());
    all.extend([storage::resource(), identity::resource(), kubernetes::resource()]);
    all
}

pub(super) fn data_sources() -> Vec<Resource> {
    data::sources()
}

/// The attribute `id`.
fn id() -> Attribute {
    typed("id", Type::Text, Wire::Id(Part::Whole)).computed()
}

/// The attribute `name`.
fn name() -> Attribute {
    typed("name", Type::Text, Wire::Id(Part::Name))
        .required()
        .replaces()
}

/// The attribute `resource_group_name`.
fn group() -> Attribute {
    typed("resource_group_name", Type::Text, Wire::Id(Part::Group))
        .required()
        .replaces()
}

/// The attribute `location`.
fn location() -> Attribute {
    typed(
        "location",
        Type::Text,
        Wire::at("/location", Form::Coded(Codec::Location)),
    )
    .required()
    .replaces()
}

/// The attribute `tags`.
fn tags() -> Attribute {
    typed(
        "tags",
        Type::Map(Box::new(Type::Text)),
        Wire::at("/tags", Form::Coded(Codec::Tags)),
    )
}

/// An attribute of a managed resource, by the words that both have for it.
fn shared(kind: &Kind, name: &'static str, path: &str) -> Attribute {
    let wire = Wire::of(kind, path);
    let of_type = match wire {
        Wire::At {
            form: Form::Coded(Codec::Number | Codec::Megabytes),
            ..
        } => Type::Number,
        Wire::At {
            form: Form::Coded(Codec::Switch),
            ..
        } => Type::Bool,
        Wire::At {
            form: Form::Coded(Codec::Tags),
            ..
        } => Type::Map(Box::new(Type::Text)),
        _ => Type::Text,
    };
    typed(name, of_type, wire)
}

/// The `identity` block.
fn identity() -> Nested {
    let present = Present::Unless("/identity/type", "None");
    Nested::once(
        "identity",
        present,
        vec![
            text("type", "/identity/type").required(),
            typed(
                "identity_ids",
                Type::texts(),
                Wire::at("/identity/userAssignedIdentities", Form::Keys),
            ),
            text("principal_id", "/identity/principalId").computed(),
            text("tenant_id", "/identity/tenantId").computed(),
        ],
    )
}

/// The managed resource that shares a table.
fn managed(group: &str, kind: &str) -> Option<&'static Kind> {
    kind_of(group, kind)
}

fn block(attributes: Vec<Attribute>, blocks: Vec<Nested>) -> Block {
    Block { attributes, blocks }
}
