use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use futures::future::BoxFuture;
use pave_diagnostic::Diagnostics;
use pave_entity::{Parsed, parse_entities, reference};
use pave_names::EntityRef;
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Rules, refusal};

/// Locations nested in locations, at most.
const DEEPEST: usize = 16;

/// Reads the files that catalog locations name.
pub trait SourceReader: Send + Sync {
    /// The bytes behind a URL, or why they cannot be had, in words.
    fn read<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, String>>;

    /// A target of a location, resolved against the location's own URL.
    fn resolve(&self, base: &str, target: &str) -> Result<String, String>;
}

/// Name that upstream gives the Location entity of a registered location: `generated-` and the SHA-1 of `type:target`.
#[must_use]
pub fn generated_name(kind: &str, target: &str) -> String {
    format!("generated-{}", sha1(&format!("{kind}:{target}")))
}

/// SHA-1 in hex, which upstream uses for names and etags, not for safety.
pub(crate) fn sha1(text: &str) -> String {
    let sum = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    sum.as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ignored = write!(hex, "{byte:02x}");
        hex
    })
}

/// One entity as a location gave it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Emitted {
    pub(crate) reference: EntityRef,
    pub(crate) entity: Value,
    pub(crate) parent: Option<EntityRef>,
    /// Errors of processing it, as `status.items` shows them.
    pub(crate) errors: Vec<String>,
}

/// Everything below a registered location. Kept, so that a start shows at once what was there at the end.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tree {
    pub(crate) emitted: Vec<Emitted>,
    pub(crate) diagnostics: Diagnostics,
    /// Whether any file below could not be read.
    pub(crate) unreadable: bool,
    /// Whether an entity was refused by the rules.
    pub(crate) refused: Option<String>,
    /// What to do about files that cannot be read and kinds that are not allowed.
    #[serde(default)]
    pub(crate) cures: Diagnostics,
}

/// Reads a location and all that it leads to.
pub(crate) struct Reading {
    reader: Arc<dyn SourceReader>,
    rules: Rules,
    target: String,
    origin: String,
    seen: HashSet<String>,
    tree: Tree,
}

impl Reading {
    /// Reads the tree of the URL location `target`; `rules` say what it may hold.
    pub(crate) async fn run(reader: Arc<dyn SourceReader>, target: &str, rules: &Rules) -> Tree {
        let origin = format!("url:{target}");
        let mut root = json!({
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Location",
            "metadata": { "name": generated_name("url", target), "namespace": "default" },
            "spec": { "type": "url", "target": target },
        });
        annotate(&mut root, &origin, &origin, target);
        let mut reading = Self {
            reader,
            rules: rules.clone(),
            target: target.to_owned(),
            origin,
            seen: HashSet::new(),
            tree: Tree::default(),
        };
        let parent = reading.emit(root, None, Vec::new());
        if let Some(parent) = parent {
            reading.file(target.to_owned(), parent, 0).await;
        }
        reading.tree
    }

    fn emit(&mut self, entity: Value, parent: Option<EntityRef>, errors: Vec<String>) -> Option<EntityRef> {
        let reference = reference(&entity)?;
        self.tree.emitted.push(Emitted {
            reference: reference.clone(),
            entity,
            parent,
            errors,
        });
        Some(reference)
    }

    /// Reads one file; boxed because locations lead to locations.
    fn file(&mut self, url: String, parent: EntityRef, depth: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if depth > DEEPEST || !self.seen.insert(url.clone()) {
                return;
            }
            let bytes = match self.reader.read(&url).await {
                Ok(bytes) => bytes,
                Err(why) => {
                    self.tree.unreadable = true;
                    let (words, cure) = refusal::unreadable(&url, &why);
                    self.fault(&parent, words);
                    self.tree.cures.push(cure);
                    return;
                }
            };
            let (parsed, diagnostics) = parse_entities(&url, &String::from_utf8_lossy(&bytes));
            for diagnostic in &diagnostics {
                if diagnostic.severity == pave_diagnostic::Severity::Error {
                    self.fault(&parent, format!("InputError: {diagnostic}"));
                }
            }
            self.tree.diagnostics.extend(diagnostics);
            for item in parsed {
                self.child(item, &url, &parent, depth).await;
            }
        })
    }

    async fn child(&mut self, item: Parsed, url: &str, parent: &EntityRef, depth: usize) {
        let mut entity = item.entity;
        if !self.rules.allow(&entity, "url", &self.target) {
            let name = reference(&entity).map(|it| it.to_string()).unwrap_or_default();
            let (words, cure) = refusal::kind(&entity, &name, url, &self.origin);
            self.fault(parent, words.clone());
            self.tree.refused.get_or_insert(words);
            self.tree.cures.push(cure);
            return;
        }
        annotate(&mut entity, &format!("url:{url}"), &self.origin.clone(), url);
        let targets = targets_of(&entity);
        let Some(own) = self.emit(entity, Some(parent.clone()), Vec::new()) else {
            return;
        };
        for target in targets {
            match self.reader.resolve(url, &target) {
                Ok(next) => self.file(next, own.clone(), depth + 1).await,
                Err(why) => self.fault(&own, format!("InputError: {target}: {why}")),
            }
        }
    }

    /// Notes an error at the entity that led to it.
    fn fault(&mut self, at: &EntityRef, message: String) {
        if let Some(emitted) = self
            .tree
            .emitted
            .iter_mut()
            .find(|emitted| emitted.reference == *at)
        {
            emitted.errors.push(message);
        }
    }
}

fn targets_of(entity: &Value) -> Vec<String> {
    if entity["kind"] != "Location" {
        return Vec::new();
    }
    let spec = &entity["spec"];
    let one = spec["target"].as_str().map(ToOwned::to_owned);
    let many = spec["targets"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it.as_str().map(ToOwned::to_owned));
    one.into_iter().chain(many).collect()
}

/// Upstream's bookkeeping annotations; the first two are always overwritten, a source location in the file wins.
fn annotate(entity: &mut Value, location: &str, origin: &str, url: &str) {
    let annotations = &mut entity["metadata"]["annotations"];
    if !annotations.is_object() {
        *annotations = json!({});
    }
    annotations["backstage.io/managed-by-location"] = json!(location);
    annotations["backstage.io/managed-by-origin-location"] = json!(origin);
    for key in ["backstage.io/view-url", "backstage.io/edit-url"] {
        if annotations[key].is_null() {
            annotations[key] = json!(url);
        }
    }
    if annotations["backstage.io/source-location"].is_null() {
        annotations["backstage.io/source-location"] = json!(format!("url:{url}"));
    }
}
