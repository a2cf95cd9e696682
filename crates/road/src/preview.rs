//! What will come of files that a template would write.

mod cloud;

use pave_composite::render::{ObservedResources, Provenance, Rendered, render};
use pave_composite::xrd::Definition;
use pave_composite::{claim, composition::Composition, select};
use pave_diagnostic::Diagnostics;
use pave_template::provenance::Piece;
use pave_yaml::{Dialect, Document};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::check::{Options, check};
use crate::pointer;
use cloud::Clouds;

/// A file that would be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedFile {
    /// Path in the repository.
    pub path: String,
    /// Content.
    pub content: String,
    /// Which answers of the form its stretches came from, in bytes.
    pub pieces: Vec<Piece>,
}

/// What is there already.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// XRDs.
    pub definitions: Vec<Value>,
    /// Compositions.
    pub compositions: Vec<Value>,
    /// `ProviderConfig`s.
    pub provider_configs: Vec<Value>,
    /// Other files that the planned ones are checked with, such as Applications: path and text.
    pub files: Vec<(String, String)>,
}

/// Which layer of the road a resource belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The claim.
    Claim,
    /// The composite resource behind it.
    Composite,
    /// A managed resource.
    Managed,
    /// The thing in Azure.
    Cloud,
    /// The connection secret.
    Secret,
}

/// Something that will be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedResource {
    /// Layer.
    pub layer: Layer,
    /// API version: Kubernetes', or ARM's for a thing in Azure.
    pub api_version: String,
    /// Kind; for a thing in Azure its resource type.
    pub kind: String,
    /// Namespace; empty where there is none.
    pub namespace: String,
    /// Name. Where it is chosen when the thing is made, what is known of it and an ellipsis.
    pub name: String,
    /// A few words about it.
    pub summary: String,
    /// Position of what it is made for.
    pub parent: Option<usize>,
    /// Answers of the form that shaped it, such as `parameters.envName`.
    pub sources: Vec<String>,
}

/// What will come of some files.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Preview {
    /// Resources, parents before children.
    pub resources: Vec<PlannedResource>,
    /// What the check says about the files.
    pub diagnostics: Diagnostics,
}

/// Says what planned files would make, and checks them against what is there.
#[must_use]
pub fn preview(files: &[PlannedFile], definitions: &Definitions) -> Preview {
    let xrds: Vec<Definition> = definitions
        .definitions
        .iter()
        .filter_map(|it| Definition::parse(it).0)
        .collect();
    let mut planner = Planner {
        definitions,
        resources: Vec::new(),
    };
    for file in files {
        let (documents, _) = pave_yaml::parse(&file.path, &file.content, Dialect::Kubernetes);
        for document in &documents {
            planner.document(&Origin { file, document }, &xrds);
        }
    }
    Preview {
        resources: planner.resources,
        diagnostics: diagnostics(files, definitions),
    }
}

/// The check's findings about the planned files.
fn diagnostics(files: &[PlannedFile], definitions: &Definitions) -> Diagnostics {
    let mut all: Vec<(String, String)> = files
        .iter()
        .map(|file| (file.path.clone(), file.content.clone()))
        .collect();
    let others = definitions
        .files
        .iter()
        .filter(|(path, _)| files.iter().all(|file| file.path != *path));
    all.extend(others.cloned());
    let objects = [
        &definitions.definitions,
        &definitions.compositions,
        &definitions.provider_configs,
    ];
    all.extend(objects.into_iter().flatten().map(in_cluster));
    let mut found = check(&all, &Options::default());
    found.retain(|finding| {
        finding
            .labels
            .first()
            .is_some_and(|label| files.iter().any(|file| file.path == label.location.file))
    });
    found
}

/// An object of the cluster as a text, under a name that says where it is.
fn in_cluster(object: &Value) -> (String, String) {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    (format!("cluster:{kind}/{name}"), pave_yaml::to_string(&object))
}

/// A document of a planned file.
struct Origin<'a> {
    file: &'a PlannedFile,
    document: &'a Document,
}

impl Origin<'_> {
    /// Answers that a field came from; the whole document's for the empty pointer.
    fn sources(&self, pointer: &str) -> Vec<String> {
        let Some(node) = self.document.node(pointer) else {
            return Vec::new();
        };
        let (start, end) = (node.span.start.offset, node.span.end.offset);
        let within = self
            .file
            .pieces
            .iter()
            .filter(|piece| piece.start < end && piece.end > start);
        unique(within.map(|piece| piece.source.to_string()))
    }

    /// Answers that shaped a composed resource: those behind the fields that its patches read.
    fn shaping(&self, provenance: &[Provenance], resource: &str) -> Vec<String> {
        let patches = provenance.iter().filter(|it| it.resource == resource);
        let fields = patches.flat_map(|it| &it.from).map(|path| match path.as_str() {
            "spec.claimRef.namespace" => "/metadata/namespace".to_owned(),
            "spec.claimRef.name" => "/metadata/name".to_owned(),
            path => pointer::from_path(path),
        });
        unique(fields.flat_map(|pointer| self.sources(&pointer)))
    }
}

fn unique(sources: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for source in sources {
        if !found.contains(&source) {
            found.push(source);
        }
    }
    found
}

struct Planner<'a> {
    definitions: &'a Definitions,
    resources: Vec<PlannedResource>,
}

impl Planner<'_> {
    fn push(&mut self, resource: PlannedResource) -> usize {
        self.resources.push(resource);
        self.resources.len() - 1
    }

    fn document(&mut self, origin: &Origin<'_>, xrds: &[Definition]) {
        let object = origin.document.to_value();
        let gvk = pave_manifest::api_version_and_kind(&object);
        let of_group = || xrds.iter().filter(|it| it.group == gvk.group);
        if let Some(xrd) = of_group().find(|it| {
            it.claim_names
                .as_ref()
                .is_some_and(|names| names.kind == gvk.kind)
        }) {
            return self.claim(origin, &object, xrd);
        }
        if let Some(xrd) = of_group().find(|it| it.names.kind == gvk.kind) {
            let composite = self.composite(origin, &object, xrd, None);
            return self.compose(origin, &object, xrd, composite);
        }
        if pave_azure::mapping::kind_of(&gvk.group, &gvk.kind).is_some() {
            let mut clouds = Clouds::new(&self.definitions.provider_configs);
            clouds.add("", &object, false);
            self.managed(&clouds, 0, &object, None, origin.sources(""));
        }
    }

    fn claim(&mut self, origin: &Origin<'_>, object: &Value, xrd: &Definition) {
        let text = |place: &str| {
            object
                .pointer(place)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let claim = self.push(PlannedResource {
            layer: Layer::Claim,
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            summary: format!("asks for a {}", xrd.names.kind),
            parent: None,
            sources: origin.sources(""),
        });
        let name = claim::composite_name(object).unwrap_or("").to_owned();
        let mut desired = claim::desired_composite(object, xrd, &name);
        // Patches may read what only the cluster knows.
        desired["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
        let composite = self.composite(origin, &desired, xrd, Some((claim, text("/metadata/name"))));
        self.compose(origin, &desired, xrd, composite);
        self.secret(origin, object, xrd, &desired, claim);
    }

    fn composite(
        &mut self,
        origin: &Origin<'_>,
        object: &Value,
        xrd: &Definition,
        claim: Option<(usize, String)>,
    ) -> usize {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let chosen = match select::composition(object, xrd, &self.definitions.compositions) {
            Ok(selection) => format!("made by the Composition `{}`", selection.name),
            Err(failure) => failure.to_string(),
        };
        let (name, summary) = match &claim {
            Some((_, claim)) if name.is_empty() => (
                format!("{claim}-…"),
                format!("{chosen}; its name is chosen when it is made"),
            ),
            _ => (name, chosen),
        };
        let namespace = object["metadata"]["namespace"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.push(PlannedResource {
            layer: Layer::Composite,
            api_version: xrd.api_version(),
            kind: xrd.names.kind.clone(),
            namespace,
            name,
            summary,
            parent: claim.map(|(index, _)| index),
            sources: origin.sources(""),
        })
    }

    fn rendered(&self, composite: &Value, xrd: &Definition) -> Option<(Composition, Rendered)> {
        let selection = select::composition(composite, xrd, &self.definitions.compositions).ok()?;
        let object = self
            .definitions
            .compositions
            .iter()
            .find(|it| it["metadata"]["name"] == selection.name)?;
        let (composition, _) = Composition::parse(object);
        let rendered = render(composite, &composition, &ObservedResources::new());
        Some((composition, rendered))
    }

    fn compose(&mut self, origin: &Origin<'_>, composite: &Value, xrd: &Definition, parent: usize) {
        let Some((_, rendered)) = self.rendered(composite, xrd) else {
            return;
        };
        let mut clouds = Clouds::new(&self.definitions.provider_configs);
        for desired in &rendered.resources {
            clouds.add(&desired.name, &desired.object, desired.generated_name);
        }
        clouds.resolve();
        for (index, desired) in rendered.resources.iter().enumerate() {
            let sources = origin.shaping(&rendered.provenance, &desired.name);
            self.managed(&clouds, index, &desired.object, Some(parent), sources);
        }
    }

    fn managed(
        &mut self,
        clouds: &Clouds<'_>,
        index: usize,
        object: &Value,
        parent: Option<usize>,
        sources: Vec<String>,
    ) {
        let text = |place: &str| {
            object
                .pointer(place)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let managed = self.push(PlannedResource {
            layer: Layer::Managed,
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            namespace: text("/metadata/namespace"),
            name: clouds.name(index),
            summary: clouds.summary(index),
            parent,
            sources: sources.clone(),
        });
        if let Some((api_version, kind, id)) = clouds.thing(index) {
            self.push(PlannedResource {
                layer: Layer::Cloud,
                api_version,
                kind,
                namespace: String::new(),
                name: clouds.name(index),
                summary: id,
                parent: Some(managed),
                sources,
            });
        }
    }

    fn secret(
        &mut self,
        origin: &Origin<'_>,
        object: &Value,
        xrd: &Definition,
        composite: &Value,
        parent: usize,
    ) {
        let place = "/spec/writeConnectionSecretToRef/name";
        let Some(name) = object.pointer(place).and_then(Value::as_str) else {
            return;
        };
        let published: Vec<String> =
            self.rendered(composite, xrd)
                .map_or_else(Vec::new, |(composition, _)| {
                    let templates = composition.steps.iter().flat_map(|step| &step.templates);
                    unique(
                        templates
                            .flat_map(|template| &template.connection_details)
                            .map(|detail| detail.name.clone()),
                    )
                });
        let allowed = &xrd.connection_secret_keys;
        let keys: Vec<String> = if allowed.is_empty() {
            published
        } else {
            allowed
                .iter()
                .filter(|key| published.contains(key))
                .cloned()
                .collect()
        };
        let summary = if keys.is_empty() {
            "it stays empty".to_owned()
        } else {
            format!("with {}", keys.join(", "))
        };
        let namespace = object["metadata"]["namespace"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let sources = unique(
            origin
                .sources(place)
                .into_iter()
                .chain(origin.sources("/metadata/namespace")),
        );
        self.push(PlannedResource {
            layer: Layer::Secret,
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            namespace,
            name: name.to_owned(),
            summary,
            parent: Some(parent),
            sources,
        });
    }
}
