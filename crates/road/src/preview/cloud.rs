//! What managed resources become in Azure, as far as that is known before anything is made.

use pave_azure::mapping::{self, Kind, Place, Takes};
use serde_json::{Value, json};

/// Stands for the subscription where only the credentials name it.
const SUBSCRIPTION: &str = "{subscription}";

/// Composed resources, with what they take from each other.
pub(super) struct Clouds<'a> {
    provider_configs: &'a [Value],
    things: Vec<Thing>,
}

struct Thing {
    kind: Option<&'static Kind>,
    /// The object; references are filled in.
    object: Value,
    /// Name in Azure, as far as it is known.
    name: String,
    /// What is made, by the name of its template.
    template: String,
    id: Option<String>,
}

impl<'a> Clouds<'a> {
    pub(super) fn new(provider_configs: &'a [Value]) -> Self {
        Self {
            provider_configs,
            things: Vec::new(),
        }
    }

    /// Adds a composed resource. `generated` says that its Kubernetes name was made up.
    pub(super) fn add(&mut self, template: &str, object: &Value, generated: bool) {
        let gvk = pave_manifest::api_version_and_kind(object);
        let annotated = object["metadata"]["annotations"][mapping::EXTERNAL_NAME].as_str();
        let own = object["metadata"]["name"].as_str().filter(|_| !generated);
        let name = annotated.or(own).map_or_else(|| "…".to_owned(), str::to_owned);
        let kind = mapping::kind_of(&gvk.group, &gvk.kind);
        self.things.push(Thing {
            kind,
            object: object.clone(),
            name,
            template: template.to_owned(),
            id: None,
        });
        if self.things.len() == 1 {
            self.identify(0);
        }
    }

    /// Fills references in, each round with the ids that the last one found.
    pub(super) fn resolve(&mut self) {
        for _ in 0..3 {
            for index in 0..self.things.len() {
                self.references(index);
                self.identify(index);
            }
        }
    }

    fn references(&mut self, index: usize) {
        let Some(kind) = self.things[index].kind else {
            return;
        };
        for reference in kind.references {
            let parameters = &self.things[index].object["spec"]["forProvider"];
            if parameters[reference.field].is_string() {
                continue;
            }
            let named = parameters[format!("{}Ref", reference.field)]["name"].as_str();
            if named.is_none() && parameters.get(format!("{}Selector", reference.field)).is_none() {
                continue;
            }
            let other = self.things.iter().find(|other| {
                let fits = other
                    .kind
                    .is_some_and(|kind| kind.group == reference.group && kind.kind == reference.kind);
                fits && named.is_none_or(|named| other.object["metadata"]["name"] == named)
            });
            let value = other.and_then(|other| match reference.takes {
                Takes::ExternalName => Some(other.name.clone()),
                Takes::Id => other.id.clone(),
            });
            if let Some(value) = value {
                self.things[index].object["spec"]["forProvider"][reference.field] = json!(value);
            }
        }
    }

    fn identify(&mut self, index: usize) {
        let thing = &self.things[index];
        let Some(kind) = thing.kind else { return };
        let config = thing.object["spec"]["providerConfigRef"]["name"]
            .as_str()
            .unwrap_or("default");
        let config = self
            .provider_configs
            .iter()
            .find(|it| it["metadata"]["name"] == config);
        let subscription = config
            .and_then(|it| it["spec"]["subscriptionID"].as_str())
            .unwrap_or(SUBSCRIPTION);
        let parameters = mapping::create_parameters(&thing.object["spec"]);
        let id = kind.arm_id(subscription, &parameters, &thing.name).ok();
        self.things[index].id = id;
    }

    /// The name, as far as it is known.
    pub(super) fn name(&self, index: usize) -> String {
        self.things[index].name.clone()
    }

    /// A few words about a managed resource: its template, and what it is made with.
    pub(super) fn summary(&self, index: usize) -> String {
        let thing = &self.things[index];
        let parameters = mapping::create_parameters(&thing.object["spec"]);
        let shown = [
            "location",
            "skuName",
            "version",
            "administratorLogin",
            "charset",
            "startIpAddress",
            "endIpAddress",
        ];
        let words = shown.iter().filter_map(|field| {
            let value = parameters[*field].as_str()?;
            Some(match *field {
                "version" => format!("PostgreSQL {value}"),
                "administratorLogin" => format!("login {value}"),
                "startIpAddress" => format!("from {value}"),
                "endIpAddress" => format!("to {value}"),
                _ => value.to_owned(),
            })
        });
        let words: Vec<String> = words.collect();
        match (thing.template.is_empty(), words.is_empty()) {
            (true, _) => words.join(", "),
            (false, true) => thing.template.clone(),
            (false, false) => format!("{}: {}", thing.template, words.join(", ")),
        }
    }

    /// API version, resource type and id of the thing in Azure.
    pub(super) fn thing(&self, index: usize) -> Option<(String, String, String)> {
        let thing = &self.things[index];
        let kind = thing.kind?;
        let resource_type = match kind.place {
            Place::ResourceGroup => "Microsoft.Resources/resourceGroups".to_owned(),
            Place::InGroup { resource_type } => resource_type.to_owned(),
            Place::Below { child, .. } => {
                let parent = mapping::kinds().iter().find_map(|kind| match kind.place {
                    Place::InGroup { resource_type } => Some(resource_type),
                    _ => None,
                });
                format!("{}/{child}", parent.unwrap_or_default())
            }
        };
        let id = thing
            .id
            .clone()
            .unwrap_or_else(|| "its id is known when it is made".to_owned());
        Some((kind.api_version.to_owned(), resource_type, id))
    }
}
