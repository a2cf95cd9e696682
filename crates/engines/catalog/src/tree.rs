use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use pave_diagnostic::{Diagnostic, Diagnostics};
use pave_entity::{Parsed, parse_entities, reference};
use pave_hosts::{FilesError, LocalFiles, absolute as absolute_path, folder_of};
use pave_names::EntityRef;
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Address, AddressKind, Rules, refusal};

/// Locations nested in locations, at most.
const DEEPEST: usize = 16;

/// Reads the files on hosts that catalog locations name; files of this machine are never read through it.
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

/// What locations are read with.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) reader: Arc<dyn SourceReader>,
    pub(crate) files: LocalFiles,
    pub(crate) rules: Rules,
    /// The folders of the file locations that the configuration names.
    pub(crate) folders: Vec<PathBuf>,
}

/// Reads a location and all that it leads to.
pub(crate) struct Reading {
    means: Means,
    origin: Address,
    seen: HashSet<Address>,
    tree: Tree,
}

impl Reading {
    /// Reads the tree of a location.
    pub(crate) async fn run(means: Means, origin: &Address) -> Tree {
        let kind = origin.kind.as_str();
        let mut root = json!({
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Location",
            "metadata": { "name": generated_name(kind, &origin.target), "namespace": "default" },
            "spec": { "type": kind, "target": origin.target },
        });
        annotate(&mut root, origin, origin);
        let mut reading = Self {
            means,
            origin: origin.clone(),
            seen: HashSet::new(),
            tree: Tree::default(),
        };
        let parent = reading.emit(root, None, Vec::new());
        if let Some(parent) = parent {
            let wanted = Wanted {
                address: origin.clone(),
                optional: false,
            };
            reading.target(wanted, parent, 0).await;
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

    /// Reads what a target names; boxed because locations lead to locations.
    fn target(&mut self, wanted: Wanted, parent: EntityRef, depth: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if depth > DEEPEST {
                return;
            }
            let files = match wanted.address.kind {
                AddressKind::Url => Ok(vec![wanted.address.clone()]),
                AddressKind::File => self.find(&wanted).await,
            };
            match files {
                Ok(files) => {
                    for file in files {
                        self.file(file, &parent, depth).await;
                    }
                }
                Err(refusal) => self.unreadable(&parent, refusal),
            }
        })
    }

    /// The files that a target of this machine names.
    async fn find(&self, wanted: &Wanted) -> Result<Vec<Address>, (String, Diagnostic)> {
        let (files, path) = (self.means.files.clone(), PathBuf::from(&wanted.address.target));
        let missing = FilesError::NotFound(path.clone());
        let found = blocking(move || files.find(&path)).await;
        match found {
            Ok(found) if found.is_empty() && !wanted.optional => {
                Err(refusal::unreadable_file(&wanted.address.target, &missing))
            }
            Ok(found) => Ok(found
                .iter()
                .map(|path| Address::file(path.to_string_lossy()))
                .collect()),
            Err(error) => Err(refusal::unreadable_file(&wanted.address.target, &error)),
        }
    }

    async fn bytes(&self, at: &Address) -> Result<Vec<u8>, (String, Diagnostic)> {
        match at.kind {
            AddressKind::Url => {
                let bytes = self.means.reader.read(&at.target).await;
                bytes.map_err(|why| refusal::unreadable(&at.target, &why))
            }
            AddressKind::File => {
                let (files, folders) = (self.means.files.clone(), self.means.folders.clone());
                let path = PathBuf::from(&at.target);
                let bytes = blocking(move || files.read(&path, &folders)).await;
                bytes.map_err(|error| refusal::unreadable_file(&at.target, &error))
            }
        }
    }

    async fn file(&mut self, at: Address, parent: &EntityRef, depth: usize) {
        if !self.seen.insert(at.clone()) {
            return;
        }
        let bytes = match self.bytes(&at).await {
            Ok(bytes) => bytes,
            Err(refusal) => return self.unreadable(parent, refusal),
        };
        let (parsed, diagnostics) = parse_entities(&at.target, &String::from_utf8_lossy(&bytes));
        for diagnostic in &diagnostics {
            if diagnostic.severity == pave_diagnostic::Severity::Error {
                self.fault(parent, format!("InputError: {diagnostic}"));
            }
        }
        self.tree.diagnostics.extend(diagnostics);
        for item in parsed {
            self.child(item, &at, parent, depth).await;
        }
    }

    async fn child(&mut self, item: Parsed, at: &Address, parent: &EntityRef, depth: usize) {
        let mut entity = item.entity;
        let origin = &self.origin;
        if !self
            .means
            .rules
            .allow(&entity, origin.kind.as_str(), &origin.target)
        {
            let name = reference(&entity).map(|it| it.to_string()).unwrap_or_default();
            let (words, cure) = refusal::kind(&entity, &name, at, origin);
            self.fault(parent, words.clone());
            self.tree.refused.get_or_insert(words);
            self.tree.cures.push(cure);
            return;
        }
        annotate(&mut entity, at, origin);
        let targets = targets_of(&entity);
        let next: Vec<_> = targets
            .iter()
            .map(|target| self.next(&entity, at, target))
            .collect();
        let Some(own) = self.emit(entity, Some(parent.clone()), Vec::new()) else {
            return;
        };
        for next in next {
            match next {
                Ok(wanted) => self.target(wanted, own.clone(), depth + 1).await,
                Err(Refused::Words(words)) => self.fault(&own, words),
                Err(Refused::Unreadable(refusal)) => {
                    let (words, cure) = *refusal;
                    self.fault(&own, words);
                    self.tree.cures.push(cure);
                }
            }
        }
    }

    /// Where a target of a Location entity leads. Only from a file of this machine to another.
    fn next(&mut self, entity: &Value, at: &Address, target: &str) -> Result<Wanted, Refused> {
        let (spec, wanted) = (&entity["spec"], |address| Wanted {
            address,
            optional: spec_is_optional(entity),
        });
        let kind = spec["type"].as_str().map_or(at.kind, AddressKind::of);
        let refused = || Refused::Unreadable(Box::new(refusal::not_from_here(at, target)));
        let input = |why: &str| Refused::Words(format!("InputError: {target}: {why}"));
        let absolute = url::Url::parse(target).ok();
        let is_file_url = absolute.as_ref().is_some_and(|url| url.scheme() == "file");
        match (at.kind, kind, absolute) {
            _ if is_file_url => Err(refused()),
            (AddressKind::Url, AddressKind::File, _) => Err(refused()),
            (AddressKind::Url, AddressKind::Url, _) => {
                let next = self.means.reader.resolve(&at.target, target);
                next.map(|next| wanted(Address::url(next)))
                    .map_err(|why| input(&why))
            }
            (AddressKind::File, _, Some(url)) => Ok(wanted(Address::url(url))),
            (AddressKind::File, AddressKind::Url, None) => Err(input(
                "in a file of this machine, a target of type `url` must be a whole URL",
            )),
            (AddressKind::File, AddressKind::File, None) if target.ends_with('/') => {
                Err(Refused::Words(format!(
                    "InputError: LocationEntityProcessor cannot handle file type location with target {} that ends with a path separator",
                    at.target
                )))
            }
            (AddressKind::File, AddressKind::File, None) => {
                let path = absolute_path(&folder_of(Path::new(&at.target)), target);
                if !target.starts_with('/') {
                    // What a file points to relatively may be read; an absolute path has to lie in such a folder.
                    self.means.folders.push(folder_of(&path));
                }
                Ok(wanted(Address::file(path.to_string_lossy())))
            }
        }
    }

    /// Notes that something below could not be read, so that what it gave before stays.
    fn unreadable(&mut self, at: &EntityRef, (words, cure): (String, Diagnostic)) {
        self.tree.unreadable = true;
        self.fault(at, words);
        self.tree.cures.push(cure);
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

fn spec_is_optional(entity: &Value) -> bool {
    entity["spec"]["presence"] == "optional"
}

/// What a target leads to.
struct Wanted {
    address: Address,
    /// Whether it may be missing; asked of files only.
    optional: bool,
}

/// Why a target leads nowhere.
enum Refused {
    Words(String),
    Unreadable(Box<(String, Diagnostic)>),
}

/// Reads from disk beside the threads that serve requests.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, FilesError> + Send + 'static,
) -> Result<T, FilesError> {
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|error| {
        Err(FilesError::Failed {
            path: PathBuf::new(),
            reason: error.to_string(),
        })
    })
}

/// Upstream's bookkeeping annotations; the first two are always overwritten, a source location in the file wins. A file
/// of this machine has no page to look at it, and what came by URL does not get to say that it is such a file.
fn annotate(entity: &mut Value, at: &Address, origin: &Address) {
    let annotations = &mut entity["metadata"]["annotations"];
    if !annotations.is_object() {
        *annotations = json!({});
    }
    annotations["backstage.io/managed-by-location"] = json!(at.to_string());
    annotations["backstage.io/managed-by-origin-location"] = json!(origin.to_string());
    if at.kind == AddressKind::File {
        return;
    }
    for key in ["backstage.io/view-url", "backstage.io/edit-url"] {
        if annotations[key].is_null() {
            annotations[key] = json!(at.target);
        }
    }
    let source = &mut annotations["backstage.io/source-location"];
    let claims_file = |text: &str| text.trim_start().to_ascii_lowercase().starts_with("file:");
    if source.is_null() || source.as_str().is_some_and(claims_file) {
        *source = json!(at.to_string());
    }
}
