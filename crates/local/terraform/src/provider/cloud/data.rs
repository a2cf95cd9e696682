use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pave_azure::azurerm::{Resource, Value};
use serde_json::{Value as Json, json};

use super::{Cloud, Outcome, Task};
use crate::protocol::Diagnostic;
use crate::provider::say::{attribute, error, error_at, sentence};

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
        let object = self
            .object_id()
            .await
            .map_err(|reason| vec![unknown_object(&reason)])?;
        let identity = &self.identity;
        let id = json!([identity.client, identity.tenant, self.subscription, object]).to_string();
        let fields = [
            ("id", URL_SAFE_NO_PAD.encode(id)),
            ("client_id", identity.client.clone()),
            ("object_id", object),
            ("subscription_id", self.subscription.clone()),
            ("tenant_id", identity.tenant.clone()),
        ];
        let state = fields
            .into_iter()
            .map(|(name, text)| (name.to_owned(), Value::text(text)))
            .collect();
        Ok(with_timeouts(Value::Map(state), configuration))
    }

    async fn object_id(&self) -> Result<String, String> {
        let identity = &self.identity;
        let authority = self.environment.authority.as_str().trim_end_matches('/');
        let url = format!("{authority}/{}/oauth2/v2.0/token", identity.tenant);
        let scope = format!("{}/.default", self.environment.audience.trim_end_matches('/'));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", identity.client.as_str()),
            ("client_secret", identity.secret.as_str()),
            ("scope", scope.as_str()),
        ];
        let sent = self.http.post(&url).form(&form).send().await;
        let answer = sent.map_err(|failure| failure.without_url().to_string())?;
        let body: Json = answer
            .json()
            .await
            .map_err(|failure| failure.without_url().to_string())?;
        let claims = body["access_token"].as_str().and_then(claims);
        let object = claims.as_ref().and_then(|claims| claims["oid"].as_str());
        object
            .map(str::to_owned)
            .ok_or_else(|| "the token has no claim `oid`".to_owned())
    }
}

fn claims(token: &str) -> Option<Json> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn unknown_object(reason: &str) -> Diagnostic {
    let cure = "Check client id, secret and tenant of the service connection.";
    error(
        "Azure does not say which object this principal is",
        format!("{}.\n\n{cure}", sentence(reason)),
    )
}

fn with_timeouts(state: Value, configuration: &Value) -> Value {
    let Value::Map(mut fields) = state else {
        return state;
    };
    fields.insert("timeouts".to_owned(), configuration.get("timeouts").clone());
    Value::Map(fields)
}
