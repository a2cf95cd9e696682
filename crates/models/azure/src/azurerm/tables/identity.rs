use serde_json::json;

use super::super::schema::{Nested, text, typed};
use super::super::value::{Type, Value};
use super::super::wire::{Form, Wire, put};
use super::super::{Resource, check};
use super::{block, group, id, location, tags};
use crate::mapping::Place;
use crate::names;

const SCOPE: &str = "/properties/isolationScope";

pub(super) fn resource() -> Resource {
    Resource {
        name: "azurerm_user_assigned_identity",
        title: "user assigned identity",
        state_version: 1,
        place: Some(Place::InGroup {
            resource_type: "Microsoft.ManagedIdentity/userAssignedIdentities",
        }),
        api_version: "2024-11-30",
        block: block(
            vec![
                id(),
                super::name(),
                group(),
                location(),
                typed(
                    "isolation_scope",
                    Type::Text,
                    Wire::at(SCOPE, Form::Unless("None")),
                ),
                tags(),
                text("client_id", "/properties/clientId").computed(),
                text("principal_id", "/properties/principalId").computed(),
                text("tenant_id", "/properties/tenantId").computed(),
            ],
            vec![Nested::timeouts()],
        ),
        kind: None,
        questions: &[],
        complete: |body| {
            if body.pointer(SCOPE).is_none() {
                put(body, SCOPE, json!("None"));
            }
        },
        check_change: |_, _| Vec::new(),
        check: |value: &Value| {
            let findings = [
                check::location(value),
                check::group(value),
                check::name(value, "name", names::check_user_assigned_identity),
            ];
            findings.into_iter().flatten().collect()
        },
    }
}
