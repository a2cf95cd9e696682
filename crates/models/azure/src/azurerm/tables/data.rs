use super::super::Resource;
use super::super::schema::{Nested, text, typed};
use super::super::value::{Type, Value};
use super::super::wire::Wire;
use super::{block, id, location, resource_group, tags};

pub(super) fn sources() -> Vec<Resource> {
    vec![client_config(), group(), subscription()]
}

fn group() -> Resource {
    let computed = |attribute: super::Attribute| super::Attribute {
        replace: false,
        ..attribute.computed()
    };
    let name = super::Attribute {
        replace: false,
        ..super::name()
    };
    let resource = resource_group::resource();
    Resource {
        block: block(
            vec![
                id(),
                name,
                computed(location()),
                computed(tags()),
                computed(text("managed_by", "/managedBy")),
            ],
            vec![Nested::timeouts_of(&["read"])],
        ),
        kind: None,
        ..resource
    }
}

fn client_config() -> Resource {
    let of = |name| typed(name, Type::Text, Wire::Kept).computed();
    Resource {
        name: "azurerm_client_config",
        title: "client configuration",
        state_version: 0,
        place: None,
        api_version: "",
        block: block(
            vec![
                of("id"),
                of("client_id"),
                of("object_id"),
                of("subscription_id"),
                of("tenant_id"),
            ],
            vec![Nested::timeouts_of(&["read"])],
        ),
        kind: None,
        questions: &[],
        complete: |_| {},
        check_change: |_, _| Vec::new(),
        check: |_: &Value| Vec::new(),
    }
}

fn subscription() -> Resource {
    let tags = Type::Map(Box::new(Type::Text));
    Resource {
        name: "azurerm_subscription",
        title: "subscription",
        state_version: 0,
        place: None,
        api_version: "2022-12-01",
        block: block(
            vec![
                text("id", "/id").computed(),
                text("subscription_id", "/subscriptionId").or_azure(),
                text("display_name", "/displayName").computed(),
                text("tenant_id", "/tenantId").computed(),
                text("state", "/state").computed(),
                text(
                    "location_placement_id",
                    "/subscriptionPolicies/locationPlacementId",
                )
                .computed(),
                text("quota_id", "/subscriptionPolicies/quotaId").computed(),
                text("spending_limit", "/subscriptionPolicies/spendingLimit").computed(),
                typed("tags", tags, Wire::plain("/tags")).computed(),
            ],
            vec![Nested::timeouts_of(&["read"])],
        ),
        kind: None,
        questions: &[],
        complete: |_| {},
        check_change: |_, _| Vec::new(),
        check: |_: &Value| Vec::new(),
    }
}
