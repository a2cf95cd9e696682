use pave_azure::azurerm::{self, Nesting, Presence, Resource, Wire};

use crate::protocol::{
    Attribute, Block, NestedBlock, NestingMode, Schema, SchemaResponse, ServerCapabilities,
};

/// Everything that may be written, for Terraform to check HCL against.
pub(crate) fn schema() -> SchemaResponse {
    let all = |resources: &'static [Resource]| {
        let named = resources.iter().map(|resource| {
            let description = format!("Manages a {}.", resource.title);
            (
                resource.name.to_owned(),
                of(&resource.block, resource.state_version, description),
            )
        });
        named.collect()
    };
    let about = format!(
        "Pave's small azurerm. It knows {} resource types; set {} for HashiCorp's provider.",
        azurerm::resources().len(),
        azurerm::SWITCH
    );
    SchemaResponse {
        provider: Some(of(azurerm::provider(), 0, about)),
        resource_schemas: all(azurerm::resources()),
        data_source_schemas: all(azurerm::data_sources()),
        diagnostics: Vec::new(),
        server_capabilities: Some(ServerCapabilities {
            plan_destroy: false,
            get_provider_schema_optional: true,
        }),
    }
}

fn of(of_block: &azurerm::Block, version: i64, description: String) -> Schema {
    let block = Block {
        description,
        ..block(of_block)
    };
    Schema {
        version,
        block: Some(block),
    }
}

fn block(block: &azurerm::Block) -> Block {
    Block {
        version: 0,
        attributes: block.attributes.iter().map(attribute).collect(),
        block_types: block.blocks.iter().map(nested).collect(),
        description: String::new(),
    }
}

fn attribute(attribute: &azurerm::Attribute) -> Attribute {
    let presence = attribute.presence;
    let ignored = attribute.wire == Wire::Kept && presence != Presence::Computed;
    Attribute {
        name: attribute.name.to_owned(),
        kind: attribute.kind.to_json().to_string().into_bytes(),
        description: if ignored {
            "Kept in the state; Azure is not told.".to_owned()
        } else {
            String::new()
        },
        required: presence == Presence::Required,
        optional: matches!(presence, Presence::Optional | Presence::OptionalComputed),
        computed: attribute.is_computed(),
        sensitive: attribute.sensitive,
    }
}

fn nested(nested: &azurerm::Nested) -> NestedBlock {
    let mode = match nested.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
    };
    let limits = |number: u32| {
        if nested.nesting == Nesting::Single {
            0
        } else {
            i64::from(number)
        }
    };
    NestedBlock {
        type_name: nested.name.to_owned(),
        block: Some(block(&nested.block)),
        nesting: mode as i32,
        min_items: limits(nested.least),
        max_items: limits(nested.most),
    }
}
