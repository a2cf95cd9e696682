//! Files of a folder to manifests, by the rules of Argo CD's Directory source.

use pave_diagnostic::{Diagnostic, Diagnostics, Label, Location};
use pave_names::GroupVersionKind;
use pave_yaml::{Dialect, Document, Node};
use serde_json::Value;

use crate::application::DirectoryOptions;
use crate::glob::Glob;

/// A file with this text in it is not rendered.
const SKIP_MARKER: &str = "+argocd:skip-file-rendering";
/// Most bytes that the files of one source may have together.
const SIZE_LIMIT: usize = 10 * 1024 * 1024;

/// A file as Git has it.
#[derive(Clone, Copy, Debug)]
pub struct SourceFile<'a> {
    /// Path from the root of the repository.
    pub path: &'a str,
    /// Content.
    pub bytes: &'a [u8],
}

/// An object that a person wrote, with the place where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The object.
    pub object: Value,
    /// File it was read from, from the root of the repository.
    pub file: String,
    /// The part of the file that is the object: ask it where a field stands.
    pub document: Document,
}

/// What the files of a source say.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// Objects, in the order of files and of documents in them.
    pub manifests: Vec<Manifest>,
    /// Findings. An error means that the source as a whole must not be synced.
    pub diagnostics: Diagnostics,
    /// Files that could not be understood completely; nothing that came from them may be pruned.
    pub unreadable: Vec<String>,
}

/// Which files of a repository belong to a source.
#[derive(Clone, Debug)]
pub struct Selection {
    folder: String,
    recurse: bool,
    include: Option<Glob>,
    exclude: Option<Glob>,
}

impl Selection {
    /// The files of a folder; see [`crate::application::Source::folder`].
    #[must_use]
    pub fn new(folder: &str, options: Option<&DirectoryOptions>) -> Self {
        let glob = |pattern: &str| (!pattern.is_empty()).then(|| Glob::new(pattern));
        Self {
            folder: folder.to_owned(),
            recurse: options.is_some_and(|it| it.recurse),
            include: options.and_then(|it| glob(&it.include)),
            exclude: options.and_then(|it| glob(&it.exclude)),
        }
    }

    /// Whether a file, by its path from the root, is rendered.
    #[must_use]
    pub fn selects(&self, path: &str) -> bool {
        let relative = if self.folder.is_empty() {
            path
        } else {
            match path
                .strip_prefix(self.folder.as_str())
                .and_then(|rest| rest.strip_prefix('/'))
            {
                Some(relative) => relative,
                None => return false,
            }
        };
        if !self.recurse && relative.contains('/') || !has_manifest_extension(relative) {
            return false;
        }
        if self.exclude.as_ref().is_some_and(|glob| glob.is_match(relative)) {
            return false;
        }
        self.include.as_ref().is_none_or(|glob| glob.is_match(relative))
    }
}

fn has_manifest_extension(path: &str) -> bool {
    let extension = path
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'))
        .map(|it| it.1);
    matches!(extension, Some("yaml" | "yml" | "json" | "jsonnet"))
}

/// Reads the selected files, in the order of their paths.
///
/// As upstream, text that does not parse is an error if it looks like an object or stands beside one; other files
/// are passed over, here with a warning and an entry in [`Rendered::unreadable`].
#[must_use]
pub fn read(files: &[SourceFile<'_>]) -> Rendered {
    let mut rendered = Rendered::default();
    let mut ordered: Vec<_> = files.iter().collect();
    ordered.sort_by_key(|file| file.path.split('/').collect::<Vec<_>>());
    let size: usize = files.iter().map(|file| file.bytes.len()).sum();
    if size > SIZE_LIMIT {
        rendered.diagnostics.push(
            Diagnostic::error(
                "PV1205",
                format!("the manifests have {size} bytes together, {SIZE_LIMIT} are allowed"),
            )
            .with_help("narrow the source with `directory.include` or split it into several Applications"),
        );
        return rendered;
    }
    for file in ordered {
        read_file(file, &mut rendered);
    }
    rendered
}

fn read_file(file: &SourceFile<'_>, rendered: &mut Rendered) {
    let whole = |diagnostic: Diagnostic| diagnostic.with_label(Label::at(Location::new(file.path, 1, 1)));
    if has_jsonnet_extension(file.path) {
        rendered.unreadable.push(file.path.to_owned());
        rendered.diagnostics.push(whole(
            Diagnostic::error("PV1206", "Jsonnet is not rendered")
                .with_help("commit the rendered YAML, or leave the file out with `directory.exclude`"),
        ));
        return;
    }
    let Some(text) = decode(file.bytes) else {
        rendered.unreadable.push(file.path.to_owned());
        rendered.diagnostics.push(whole(
            Diagnostic::error(
                "PV1204",
                "the file is neither UTF-8 nor UTF-16 with a byte order mark",
            )
            .with_help("save it as UTF-8"),
        ));
        return;
    };
    if text.contains(SKIP_MARKER) {
        return;
    }
    let (documents, diagnostics) = pave_yaml::parse(file.path, &text, Dialect::Kubernetes);
    let mut findings = Vec::new();
    let before = rendered.manifests.len();
    for document in documents {
        read_document(&document, &mut rendered.manifests, &mut findings);
    }
    let (unparsed, remarks): (Vec<_>, Vec<_>) = diagnostics
        .into_iter()
        .partition(|it| it.severity == pave_diagnostic::Severity::Error);
    rendered.diagnostics.extend(remarks);
    findings.splice(0..0, unparsed.into_iter().map(explain_syntax));
    if findings.is_empty() {
        return;
    }
    rendered.unreadable.push(file.path.to_owned());
    let objects = rendered.manifests.len() > before;
    let looks_like_one = ["apiVersion:", "kind:", "metadata:"]
        .iter()
        .all(|word| text.contains(word))
        || ["\"apiVersion\"", "\"kind\"", "\"metadata\""]
            .iter()
            .all(|word| text.contains(word));
    rendered.diagnostics.extend(findings.into_iter().map(|finding| {
        if objects || looks_like_one {
            finding
        } else {
            pass_over(finding)
        }
    }));
}

fn has_jsonnet_extension(path: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "jsonnet")
}

fn explain_syntax(diagnostic: Diagnostic) -> Diagnostic {
    if diagnostic.help.is_some() {
        return diagnostic;
    }
    diagnostic.with_help("correct the indentation, quote or bracket there and commit again")
}

fn pass_over(mut finding: Diagnostic) -> Diagnostic {
    finding.severity = pave_diagnostic::Severity::Warning;
    finding.with_effect("the file is passed over, and what was synced from it before is left alone")
}

fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..]
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| read(*pair))
            .collect();
        String::from_utf16(&units).ok()
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest).ok().map(str::to_owned),
        _ => std::str::from_utf8(bytes).ok().map(str::to_owned),
    }
}

fn read_document(document: &Document, manifests: &mut Vec<Manifest>, findings: &mut Diagnostics) {
    if document.root.entries().is_empty() {
        if !document.root.is_null() && document.root.items().is_empty() {
            let found = Diagnostic::error("PV1201", "a document that is not a mapping")
                .with_label(Label::at(document.location(document.root.span)))
                .with_help("an object has `apiVersion`, `kind` and `metadata`");
            findings.extend((!matches!(document.to_value(), Value::Object(_))).then_some(found));
        } else if !document.root.items().is_empty() {
            findings.push(
                Diagnostic::error("PV1201", "a sequence at the top of the document")
                    .with_label(Label::at(document.location(document.root.span)))
                    .with_help("separate the objects with `---`, or wrap them in `kind: List` with `items:`"),
            );
        }
        return;
    }
    if let Some(items) = list_items(&document.root) {
        for item in items.iter().filter(|item| !item.is_null()) {
            let part = Document {
                file: document.file.clone(),
                index: document.index,
                root: item.clone(),
            };
            read_document(&part, manifests, findings);
        }
        return;
    }
    let object = document.to_value();
    let missing = missing_field(document, &object);
    if missing.is_empty() {
        manifests.push(Manifest {
            object,
            file: document.file.to_string(),
            document: document.clone(),
        });
    }
    findings.extend(missing);
}

/// The items of `kind: List` (or `ConfigMapList`, …), which stand for themselves.
fn list_items(root: &Node) -> Option<&[Node]> {
    let kind = root.get("kind")?.as_str()?;
    let items = root.get("items")?;
    (kind.ends_with("List") && matches!(items.kind, pave_yaml::NodeKind::Sequence(_))).then(|| items.items())
}

fn missing_field(document: &Document, object: &Value) -> Diagnostics {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    for (pointer, field) in [("/apiVersion", "apiVersion"), ("/kind", "kind")] {
        if text(pointer).is_empty() {
            let found = Diagnostic::error("PV1202", format!("the object has no `{field}`"))
                .with_label(Label::at(document.location(document.root.span)).with_path(field))
                .with_help(format!("add `{field}:` at the top of the document"));
            return vec![found];
        }
    }
    if GroupVersionKind::from_api_version(text("/apiVersion"), text("/kind")).is_err() {
        let found = Diagnostic::error(
            "PV1202",
            format!("`{}` is not an API version", text("/apiVersion")),
        )
        .with_label(document.label("/apiVersion"))
        .with_help("write `version` or `group/version`");
        return vec![found];
    }
    if text("/metadata/name").is_empty() && text("/metadata/generateName").is_empty() {
        let found = Diagnostic::error("PV1203", format!("the {} has no name", text("/kind")))
            .with_label(document.label("/metadata/name").with_path("metadata.name"))
            .with_help("add `metadata.name`");
        return vec![found];
    }
    Vec::new()
}

#[cfg(test)]
mod tests;
