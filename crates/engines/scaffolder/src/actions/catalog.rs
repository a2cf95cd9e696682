//! `catalog:*`.

use pave_names::EntityRef;
use serde_json::{Map, Value, json};

use super::schema::declare;
use super::{BuiltIn, Outcome};
use crate::action::{ActionContext, ActionError, Effect, Outputs};

pub(super) fn actions() -> Vec<BuiltIn> {
    vec![
        declare(
            "catalog:write",
            "Writes the catalog-info.yaml for your template",
            &[("filePath", "string", "Defaults to catalog-info.yaml"), ("entity!", "object", "The entity to write")],
            &[],
            |context| Box::pin(write(context)) as Outcome<'_>,
        ),
        declare(
            "catalog:fetch",
            "Returns entity or entities from the catalog by entity reference(s)",
            &[
                ("entityRef", "string", "Entity reference of the entity to get"),
                ("entityRefs", "strings", "Entity references of the entities to get"),
                ("optional", "boolean", "Allow the entity or entities to optionally exist. Default: false"),
                ("defaultKind", "string", "The default kind"),
                ("defaultNamespace", "string", "The default namespace"),
            ],
            &[("entity", "object", "The entity"), ("entities", "array", "The entities")],
            |context| Box::pin(fetch(context)) as Outcome<'_>,
        )
        .with_example("Fetch an entity", "entityRef: component:default/orders"),
        declare(
            "catalog:register",
            "Registers entities from a catalog descriptor file in the workspace into the software catalog.",
            &[
                ("catalogInfoUrl", "string", "An absolute URL pointing to the catalog info file location"),
                ("repoContentsUrl", "string", "An absolute URL pointing to the root of a repository directory tree"),
                ("catalogInfoPath", "string", "A relative path from the repo root pointing to the catalog info file, defaults to /catalog-info.yaml"),
                ("optional", "boolean", "Permit the registered location to optionally exist. Default: false"),
            ],
            &[("catalogInfoUrl", "string", "URL of the catalog file"), ("entityRef", "string", "The entity to show")],
            |context| Box::pin(register(context)) as Outcome<'_>,
        )
        .with_effect(Effect::Keyed)
        .without_dry_run()
        .with_example("Register a component", "catalogInfoUrl: http://github.com/backstage/backstage/blob/master/catalog-info.yaml"),
    ]
}

async fn write(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let path = context.text("filePath").unwrap_or("catalog-info.yaml");
    let mut entity = context.input["entity"].clone();
    if !context.template_ref.is_empty() && entity["metadata"].is_object() {
        entity["metadata"]["annotations"]["backstage.io/source-template"] = Value::from(context.template_ref);
    }
    context
        .workspace
        .write(path, pave_yaml::to_string(&entity).as_bytes(), false, Vec::new())?;
    context.log(&format!("Writing {path}")).await;
    Ok(Map::new())
}

async fn fetch(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let one = context.text("entityRef");
    let many: Option<Vec<&str>> = context
        .input
        .contains_key("entityRefs")
        .then(|| context.texts("entityRefs").collect());
    let mut outputs = Map::new();
    match (one, many) {
        (Some(reference), _) => {
            if let Some(entity) = entity(context, reference).await? {
                outputs.insert("entity".to_owned(), entity);
            }
        }
        (None, Some(references)) => {
            let mut entities = Vec::new();
            for reference in references {
                entities.push(entity(context, reference).await?.unwrap_or(Value::Null));
            }
            outputs.insert("entities".to_owned(), json!(entities));
        }
        (None, None) if context.flag("optional") => {}
        (None, None) => return Err(ActionError::input("Missing entity reference or references")),
    }
    Ok(outputs)
}

async fn entity(context: &ActionContext<'_>, text: &str) -> Result<Option<Value>, ActionError> {
    let namespace = context.text("defaultNamespace").unwrap_or("default");
    let reference = EntityRef::parse(text, context.text("defaultKind"), namespace)
        .map_err(|error| ActionError::input(error.to_string()))?;
    match context.services.catalog.entity(&reference).await? {
        Some(entity) => Ok(Some(entity)),
        None if context.flag("optional") => Ok(None),
        None => Err(ActionError::new(
            "NotFoundError",
            format!("Entity {reference} not found"),
        )),
    }
}

async fn register(context: &ActionContext<'_>) -> Result<Outputs, ActionError> {
    let url = match (context.text("catalogInfoUrl"), context.text("repoContentsUrl")) {
        (Some(url), _) => url.to_owned(),
        (None, Some(contents)) => {
            let path = context.text("catalogInfoPath").unwrap_or("/catalog-info.yaml");
            context.services.reader.resolve(contents, path)?
        }
        (None, None) => {
            return Err(ActionError::input(
                "catalogInfoUrl or repoContentsUrl is required",
            ));
        }
    };
    context.log(&format!("Registering {url} in the catalog")).await;
    let mut outputs = Map::from_iter([("catalogInfoUrl".to_owned(), Value::from(url.as_str()))]);
    match context.services.catalog.register(context.principal, &url).await {
        Ok(registered) => {
            outputs.extend(
                registered
                    .entity_ref
                    .map(|reference| ("entityRef".to_owned(), Value::from(reference))),
            );
        }
        Err(error) if context.flag("optional") => context.log(&format!("warn: {error}")).await,
        Err(error) => return Err(error.into()),
    }
    Ok(outputs)
}
