use super::super::schema::{Nested, text};
use super::super::{Resource, check};
use super::{block, id, location, managed, tags};
use crate::mapping::Place;
use crate::names;

pub(super) fn resource() -> Resource {
    let kind = managed("azure.upbound.io", "ResourceGroup");
    Resource {
        name: "azurerm_resource_group",
        title: "resource group",
        state_version: 0,
        place: Some(Place::ResourceGroup),
        api_version: kind.map_or("2023-07-01", |kind| kind.api_version),
        block: block(
            vec![
                id(),
                super::name(),
                location(),
                text("managed_by", "/managedBy"),
                tags(),
            ],
            vec![Nested::timeouts()],
        ),
        kind,
        questions: &[],
        complete: |_| {},
        check_change: |_, _| Vec::new(),
        check: |value| {
            let name = check::name(value, "name", names::check_resource_group);
            name.into_iter().chain(check::location(value)).collect()
        },
    }
}
