use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pave_azure::azurerm::{Resource, Value};
use serde_json::Value as Json;

use super::{Cloud, Outcome, Task};
use crate::protocol::Diagnostic;
use crate::provider::say::{attribute, error, error_at, general_cure, sentence, with_source};

impl Cloud {
    /// What a data source says.
    pub(in crate::provider) async fn read_data(
        &self,
        resource: &Resource,
        configuration: &Value,
    ) -> Outcome<Value> {
        let state = match resource.name {
            "azurerm_client_config" => self.client_config(configuration).await?,
            "azurerm_subscription" => self.subscription(resource, configuration).await?,
            _ => self.existing(resource, configuration).await?,
        };
        Ok(resource.block.conform(&state))
    }

    /// A resource that somebody else made.
    async fn existing(&self, resource: &Resource, configuration: &Value) -> Outcome<Value> {
        let id = resource
            .arm_id(&self.subscription, configuration)
            .unwrap_or_default();
        let task = Task {
            resource,
            id: &id,
            doing: "Reading",
        };
        let found = self
            .arm
            .get(&id, resource.api_version)
            .await
            .map_err(|failure| task.refused(failure))?;
        let Some(mut document) = found else {
            let name = configuration.text_at("name").unwrap_or_default();
            let detail = format!(
                "Nothing is at {id}. Check name and subscription; if this same configuration makes it, refer to the resource \
                 instead of the data source."
            );
            let summary = format!("there is no {} `{name}`", resource.title);
            return Err(vec![error_at(sentence(&summary), detail, attribute("name"))]);
        };
        self.ask(&task, &mut document).await?;
        Ok(with_timeouts(
            resource.read(&id, &document, configuration),
            configuration,
        ))
    }

    async fn subscription(&self, resource: &Resource, configuration: &Value) -> Outcome<Value> {
        let said = configuration
            .text_at("subscription_id")
            .unwrap_or(&self.subscription);
        let id = format!("/subscriptions/{said}");
        let task = Task {
            resource,
            id: &id,
            doing: "Reading",
        };
        let found = self
            .arm
            .get(&id, resource.api_version)
            .await
            .map_err(|failure| task.refused(failure))?;
        let Some(document) = found else {
            let detail = format!("`{said}` is not a subscription that this principal may see.");
            return Err(vec![error_at(
                "There is no such subscription",
                detail,
                attribute("subscription_id"),
            )]);
        };
        let mut document = document;
        if document["tags"].is_null() {
            document["tags"] = Json::Object(serde_json::Map::new());
        }
        let mut state = BTreeMap::new();
        for attribute in &resource.block.attributes {
            if let pave_azure::azurerm::Wire::At { pointer, .. } = attribute.wire {
                let json = document.pointer(pointer).unwrap_or(&Json::Null);
                state.insert(attribute.name.to_owned(), Value::from_json(json, &attribute.kind));
            }
        }
        Ok(with_timeouts(Value::Map(state), configuration))
    }

    /// Who Terraform is to Azure; the object id stands in its token only.
    async fn client_config(&self, configuration: &Value) -> Outcome<Value> {
        let token = self.arm.access_token().await;
        let token =
            token.map_err(|failure| vec![unknown_object(&with_source(&failure), general_cure(&failure))])?;
        let claims = claims(&token).unwrap_or_default();
        let claim = |names: &[&str]| {
            let found = names.iter().find_map(|name| claims[*name].as_str());
            found.unwrap_or_default().to_owned()
        };
        let object = claim(&["oid"]);
        if object.is_empty() {
            let cure = "Check client id and tenant: the token is not one of an application.";
            return Err(vec![unknown_object("The token has no claim `oid`", cure)]);
        }
        let said = |text: &str, names: &[&str]| match text {
            "" => claim(names),
            text => text.to_owned(),
        };
        let client = said(&self.identity.client, &["appid", "azp"]);
        let tenant = said(&self.identity.tenant, &["tid"]);
        // Upstream's words: outputs stay as they are when the other provider reads them.
        let id = format!(
            "clientConfigs/clientId={client};objectId={object};subscriptionId={};tenantId={tenant}",
            self.subscription
        );
        let fields = [
            ("id", STANDARD.encode(id)),
            ("client_id", client),
            ("object_id", object),
            ("subscription_id", self.subscription.clone()),
            ("tenant_id", tenant),
        ];
        let state = fields
            .into_iter()
            .map(|(name, text)| (name.to_owned(), Value::text(text)))
            .collect();
        Ok(with_timeouts(Value::Map(state), configuration))
    }
}

fn claims(token: &str) -> Option<Json> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn unknown_object(reason: &str, cure: &str) -> Diagnostic {
    error(
        "Azure does not say which object this principal is",
        format!("{reason}.\n\n{cure}"),
    )
}

fn with_timeouts(state: Value, configuration: &Value) -> Value {
    let Value::Map(mut fields) = state else {
        return state;
    };
    fields.insert("timeouts".to_owned(), configuration.get("timeouts").clone());
    Value::Map(fields)
}
