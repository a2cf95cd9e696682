use super::{Codec, Field, Kind, Lifetime, Place, Removal, Update};

pub(super) const KIND: Kind = Kind {
    group: "azure.upbound.io",
    versions: &["v1beta1"],
    kind: "ResourceGroup",
    plural: "resourcegroups",
    description: "ResourceGroup is the Schema for the ResourceGroups API. Manages a Resource Group.",
    place: Place::ResourceGroup,
    api_version: "2023-07-01",
    fields: &[
        Field::text(
            "location",
            "/location",
            "The Azure Region where the Resource Group should exist.",
        )
        .coded(Codec::Location)
        .lives(Lifetime::Immutable)
        .required(),
        Field::text(
            "managedBy",
            "/managedBy",
            "The ID of the resource that manages this Resource Group.",
        ),
        Field::text("tags", "/tags", "A mapping of tags for the Resource Group.").coded(Codec::Tags),
    ],
    references: &[],
    update: Update::Patch,
    removal: Removal::Delete,
    has_password: false,
};
