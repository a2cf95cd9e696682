//! What a repository would add to the catalog: `analyze-location`.

use pave_entity::parse_entities;
use pave_hosts::{RepositoryLocation, Version};
use serde_json::{Value, json};

use crate::{Catalog, CatalogError, refusal};

/// The file that is looked for when none is named.
const FILE: &str = "catalog-info.yaml";

impl Catalog {
    /// Looks into a repository: the entities of its catalog file, or else an entity that could be written for it.
    ///
    /// # Errors
    /// When the URL names no repository.
    pub async fn analyze(&self, target: &str, file: Option<&str>) -> Result<Value, CatalogError> {
        refusal::registration("url", target)?;
        let known = Known::of(target)?;
        let file = file.unwrap_or(FILE).trim_start_matches('/');
        let reader = self.reader();
        let found = match reader.resolve(target, &format!("/{file}")) {
            Ok(url) => reader.read(&url).await.ok().map(|bytes| (url, bytes)),
            Err(_) => None,
        };
        if let Some((url, bytes)) = found {
            let (parsed, _) = parse_entities(&url, &String::from_utf8_lossy(&bytes));
            let is_registered = self.is_registered(&url, &bytes).await?;
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

    /// Whether a location names this file, however its URL is written.
    async fn is_registered(&self, url: &str, bytes: &[u8]) -> Result<bool, CatalogError> {
        let file = File::of(url);
        for location in self.locations().await? {
            match file.compare(&File::of(&location.target)) {
                Sameness::Same => return Ok(true),
                // The other may well name the default branch: only the host knows which one that is.
                Sameness::IfDefault => {
                    if self
                        .reader()
                        .read(&location.target)
                        .await
                        .is_ok_and(|other| other == bytes)
                    {
                        return Ok(true);
                    }
                }
                Sameness::Other => {}
            }
        }
        Ok(false)
    }
}

/// What a URL means, without the ways to write it.
enum File {
    Azure(Box<RepositoryLocation>),
    Other(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sameness {
    Same,
    /// The same file if the version that one of them names is the default.
    IfDefault,
    Other,
}

impl File {
    fn of(url: &str) -> Self {
        let Ok(parsed) = url::Url::parse(url) else {
            return Self::Other(url.to_owned());
        };
        match RepositoryLocation::azure(&parsed) {
            Ok(location) => Self::Azure(Box::new(location)),
            Err(_) => Self::Other(parsed.into()),
        }
    }

    fn compare(&self, other: &Self) -> Sameness {
        let is_same = match (self, other) {
            (Self::Azure(one), Self::Azure(two)) => one.is_same_repository(two) && one.path == two.path,
            (Self::Other(one), Self::Other(two)) => one == two,
            _ => false,
        };
        match (self.version(), other.version()) {
            (one, two) if is_same && one == two => Sameness::Same,
            (Some(_), None) | (None, Some(_)) if is_same => Sameness::IfDefault,
            _ => Sameness::Other,
        }
    }

    fn version(&self) -> Option<&Version> {
        match self {
            Self::Azure(location) => location.version.as_ref(),
            Self::Other(_) => None,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_one_file_are_the_same() {
        let check = |one: &str, two: &str, expected: Sameness| {
            let base = "https://forge/acme/backstage/_git/demo";
            let whole = |tail: &str| {
                if tail.starts_with("https") {
                    tail.to_owned()
                } else {
                    format!("{base}{tail}")
                }
            };
            let (one, two) = (whole(one), whole(two));
            assert_eq!(File::of(&one).compare(&File::of(&two)), expected, "{one} {two}");
            assert_eq!(File::of(&two).compare(&File::of(&one)), expected, "{two} {one}");
        };
        check("?path=/a/b.yaml", "?path=%2Fa%2Fb.yaml", Sameness::Same);
        check("?path=/a.yaml", "?path=a.yaml&_a=contents", Sameness::Same);
        check(
            "?path=/a.yaml",
            "https://FORGE/Acme/backstage/_git/DEMO?path=/a.yaml",
            Sameness::Same,
        );
        check(
            "?path=/a.yaml&version=GBmain",
            "?version=GBmain&path=/a.yaml",
            Sameness::Same,
        );
        check(
            "?path=/a.yaml",
            "?path=/a.yaml&version=GBmain",
            Sameness::IfDefault,
        );
        check(
            "?path=/a.yaml&version=GBx",
            "?path=/a.yaml&version=GBmain",
            Sameness::Other,
        );
        check("?path=/a.yaml", "?path=/A.yaml", Sameness::Other);
        check(
            "https://github.com/o/r/blob/main/a.yaml",
            "https://github.com/o/r/blob/main/a.yaml",
            Sameness::Same,
        );
        check(
            "?path=/a.yaml",
            "https://github.com/o/r/blob/main/a.yaml",
            Sameness::Other,
        );
    }
}
