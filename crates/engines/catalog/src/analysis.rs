//! What a repository would add to the catalog: `analyze-location`.

use pave_entity::parse_entities;
use pave_hosts::RepositoryLocation;
use serde_json::{Value, json};

use crate::{Catalog, CatalogError};

/// The file that is looked for when none is named.
const FILE: &str = "catalog-info.yaml";

impl Catalog {
    /// Looks into a repository: the entities of its catalog file, or else an entity that could be written for it.
    ///
    /// # Errors
    /// When the URL names no repository.
    pub async fn analyze(&self, target: &str, file: Option<&str>) -> Result<Value, CatalogError> {
        let known = Known::of(target)?;
        let file = file.unwrap_or(FILE).trim_start_matches('/');
        let reader = self.reader();
        let found = match reader.resolve(target, &format!("/{file}")) {
            Ok(url) => reader.read(&url).await.ok().map(|bytes| (url, bytes)),
            Err(_) => None,
        };
        if let Some((url, bytes)) = found {
            let (parsed, _) = parse_entities(&url, &String::from_utf8_lossy(&bytes));
            let is_registered = self.locations().await?.iter().any(|it| it.target == url);
            let existing: Vec<Value> = parsed
                .into_iter()
                .map(|parsed| {
                    json!({
                        "location": { "type": "url", "target": url },
                        "isRegistered": is_registered,
                        "entity": parsed.entity,
                    })
                })
                .collect();
            if !existing.is_empty() {
                return Ok(json!({ "existingEntityFiles": existing, "generateEntities": [] }));
            }
        }
        Ok(json!({
            "existingEntityFiles": [],
            "generateEntities": [{ "entity": known.entity(), "fields": [] }],
        }))
    }
}

/// What a repository's URL tells.
struct Known {
    annotation: &'static str,
    slug: String,
    name: String,
}

impl Known {
    fn of(target: &str) -> Result<Self, CatalogError> {
        let not_one =
            |why: String| CatalogError::Input(format!("{target} does not name a repository: {why}"));
        let url = url::Url::parse(target).map_err(|error| not_one(error.to_string()))?;
        if url.path().split('/').any(|part| part == "_git") {
            let location = RepositoryLocation::azure(&url).map_err(|error| not_one(error.to_string()))?;
            return Ok(Self {
                annotation: "dev.azure.com/project-slug",
                slug: format!("{}/{}", location.project, location.repository),
                name: location.repository,
            });
        }
        let mut parts = url
            .path_segments()
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty());
        match (parts.next(), parts.next()) {
            (Some(owner), Some(name)) => {
                let name = name.trim_end_matches(".git");
                Ok(Self {
                    annotation: "github.com/project-slug",
                    slug: format!("{owner}/{name}"),
                    name: name.to_owned(),
                })
            }
            _ => Err(not_one("owner and repository are missing".to_owned())),
        }
    }

    fn entity(&self) -> Value {
        json!({
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": { "name": self.name, "annotations": { self.annotation: self.slug } },
            "spec": { "type": "other", "lifecycle": "unknown" },
        })
    }
}
