use serde_json::{Map, Value, json};

use super::{Field, Kind, Lifetime, Removal, Update, parameter};

/// A parameter that says something else than what Azure has.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Path below `spec.forProvider`.
    pub field: &'static str,
    /// What the managed resource says.
    pub desired: Value,
    /// What Azure has, in the managed resource's terms; null if nothing.
    pub observed: Value,
    /// Whether Azure cannot change it any more.
    pub immutable: bool,
}

impl Kind {
    /// The document of the PUT that makes the thing.
    ///
    /// The password is the only value that does not come from the parameters.
    #[must_use]
    pub fn desired_body(&self, parameters: &Value, password: Option<&str>) -> Value {
        let mut body = Value::Object(Map::new());
        let sent = self
            .fields
            .iter()
            .filter(|field| field.lifetime != Lifetime::UpdateOnly);
        for field in sent {
            if let Some(value) = parameter(parameters, field.path) {
                put(&mut body, field.arm, field.codec.encode(value));
            }
        }
        if self.has_password {
            if parameter(parameters, "createMode").is_none() {
                put(&mut body, "/properties/createMode", json!("Default"));
            }
            if let Some(password) = password {
                put(
                    &mut body,
                    "/properties/administratorLoginPassword",
                    json!(password),
                );
            }
        }
        if self.removal == Removal::Reset {
            put(&mut body, "/properties/source", json!("user-override"));
        }
        if self.place != super::Place::ResourceGroup && body.get("properties").is_none() {
            put(&mut body, "/properties", json!({}));
        }
        body
    }

    /// Where the parameters say something else than Azure has. What they leave open never differs.
    #[must_use]
    pub fn differences(&self, parameters: &Value, observed: &Value) -> Vec<Difference> {
        let compared = self
            .fields
            .iter()
            .filter(|field| field.lifetime != Lifetime::CreateOnly && !field.arm.is_empty());
        compared
            .filter_map(|field| difference(field, parameters, observed))
            .collect()
    }

    /// The document that corrects the differences: only what differs for [`Update::Patch`], everything for [`Update::Put`].
    #[must_use]
    pub fn patch_body(
        &self,
        parameters: &Value,
        differences: &[Difference],
        password: Option<&str>,
    ) -> Value {
        if self.update == Update::Put {
            return self.desired_body(parameters, password);
        }
        let mut body = Value::Object(Map::new());
        for difference in differences {
            for field in self.sent_together(difference.field) {
                if let Some(value) = parameter(parameters, field.path) {
                    put(&mut body, field.arm, field.codec.encode(value));
                }
            }
            match difference.field {
                "version" => put(&mut body, "/properties/createMode", json!("Update")),
                field if field.starts_with("maintenanceWindow.") => {
                    put(
                        &mut body,
                        "/properties/maintenanceWindow/customWindow",
                        json!("Enabled"),
                    );
                }
                _ => {}
            }
        }
        if let Some(password) = password {
            put(
                &mut body,
                "/properties/administratorLoginPassword",
                json!(password),
            );
        }
        body
    }

    /// The document that puts the default back, for [`Removal::Reset`]; none if it is there already.
    #[must_use]
    pub fn reset_body(&self, observed: &Value) -> Option<Value> {
        let properties = &observed["properties"];
        let default = properties.get("defaultValue")?;
        (properties.get("value") != Some(default))
            .then(|| json!({"properties": {"value": default, "source": "user-override"}}))
    }

    /// `forProvider` values that Azure chose, where neither `forProvider` nor `initProvider` says anything.
    #[must_use]
    pub fn late_initialize(&self, spec: &Value, observed: &Value) -> Option<Value> {
        let mut chosen = Map::new();
        for field in self.fields.iter().filter(|field| field.late_initialized) {
            let said = |part: &str| parameter(&spec[part], field.path).is_some();
            if said("forProvider") || said("initProvider") {
                continue;
            }
            if let Some(value) = observed
                .pointer(field.arm)
                .and_then(|value| field.codec.decode(value))
            {
                chosen.insert(field.path.to_owned(), value);
            }
        }
        (!chosen.is_empty()).then_some(Value::Object(chosen))
    }

    /// ARM merges blocks, yet refuses half a maintenance window: a block's fields travel together.
    fn sent_together(&self, path: &'static str) -> impl Iterator<Item = &'static Field> {
        let block = path.split_once('.').map(|(block, _)| block);
        self.fields.iter().filter(move |field| {
            field.path == path
                || (block.is_some() && field.split().0 == block && field.lifetime != Lifetime::Immutable)
        })
    }
}

fn difference(field: &Field, parameters: &Value, observed: &Value) -> Option<Difference> {
    let desired = parameter(parameters, field.path)?;
    let found = observed.pointer(field.arm).unwrap_or(&Value::Null);
    if field.codec.agrees(desired, found) {
        return None;
    }
    Some(Difference {
        field: field.path,
        desired: desired.clone(),
        observed: field.codec.decode(found).unwrap_or(Value::Null),
        immutable: field.lifetime == Lifetime::Immutable,
    })
}

/// Sets the value at a JSON pointer, making the objects on the way.
pub(super) fn put(body: &mut Value, pointer: &str, value: Value) {
    if pointer.is_empty() || value.is_null() {
        return;
    }
    let mut here = body;
    for part in pointer.split('/').skip(1) {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        here = &mut here[part];
    }
    *here = value;
}
