//! All layers together: defaults, files, environment, flags.

use std::fmt;

use pave_diagnostic::{Diagnostic, Diagnostics};
use serde_json::Value;

use crate::check::check;
use crate::environment;
use crate::item::{Field, Item, Kind, Origin, Source, parts};
use crate::mask::{Entry, entries};
use crate::merge::merge;
use crate::read::Reader;

/// What a configuration is read from.
pub trait Surroundings {
    /// The text of a file, by its path from the working directory; `None` when there is no such file.
    ///
    /// # Errors
    /// The reason, in words, when there is one that cannot be read.
    fn read(&self, path: &str) -> Result<Option<String>, String>;

    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;

    /// All environment variables.
    fn variables(&self) -> Vec<(String, String)>;
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Files named by `--config`, later ones covering earlier ones. Without any, `app-config.yaml` and
    /// `app-config.local.yaml` of the working directory are taken, where they are there, and those that
    /// `BACKSTAGE_ENV` names.
    pub files: Vec<String>,
    /// Path of a key and what is taken when nobody writes one.
    pub defaults: Vec<(String, Value)>,
    /// Flag, path of a key, and what the flag says.
    pub flags: Vec<(String, String, Value)>,
}

/// A configuration, and what was found on the way.
#[derive(Debug)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    /// Files that were read, in the order in which they cover each other.
    pub files: Vec<String>,
    /// Findings.
    pub diagnostics: Diagnostics,
}

/// What holds, all layers merged.
#[derive(Clone)]
pub struct Config {
    root: Item,
}

/// Values may be secrets, so none is printed.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Config").finish_non_exhaustive()
    }
}

impl Config {
    /// Everything as one plain value, secrets included.
    #[must_use]
    pub fn value(&self) -> Value {
        self.root.value()
    }

    /// The value of a key such as `integrations.azure[0].host`, which may be a secret.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Value> {
        self.item(path).map(Item::value)
    }

    /// The value of a key, when it is text that says something.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        self.get(path)
            .and_then(|value| value.as_str().map(ToOwned::to_owned))
            .filter(|text| !text.trim().is_empty())
    }

    /// Where the value of a key comes from; for a key that is not there, its nearest parent that is.
    #[must_use]
    pub fn origin(&self, path: &str) -> Option<&Origin> {
        let mut item = &self.root;
        let mut origin = None;
        for part in parts(path) {
            let Some(next) = item.step(&part) else { break };
            item = next;
            origin = Some(&item.origin);
        }
        origin
    }

    /// Every value with its path and origin, secrets masked: this is what may be shown.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        entries(&self.root)
    }

    fn item(&self, path: &str) -> Option<&Item> {
        parts(path)
            .iter()
            .try_fold(&self.root, |item, part| item.step(part))
    }
}

/// Reads a configuration.
#[must_use]
pub fn load(request: &Request, surroundings: &dyn Surroundings) -> Loaded {
    let mut reader = Reader {
        surroundings,
        findings: Vec::new(),
    };
    let mut layers = vec![said(
        request
            .defaults
            .iter()
            .map(|(path, value)| (path, value, Source::Default)),
    )];
    let mut files = Vec::new();
    for (path, named) in candidates(request, surroundings) {
        if let Some(text) = text_of(&path, named, &mut reader) {
            let layer = reader.file(&path, &text);
            files.push(path);
            layers.extend(layer.inspect(|layer| check(layer, &mut reader.findings)));
        }
    }
    let environment = environment::layer(surroundings.variables(), &mut reader.findings);
    layers.extend(environment.inspect(|layer| check(layer, &mut reader.findings)));
    layers.push(said(
        request
            .flags
            .iter()
            .map(|(flag, path, value)| (path, value, Source::Flag(flag.clone()))),
    ));
    let merged = layers
        .into_iter()
        .fold(None, |below, layer| merge(Some(layer), below));
    Loaded {
        config: Config {
            root: merged.unwrap_or_else(|| Item::map(Vec::new(), Origin::of(Source::Default))),
        },
        files,
        diagnostics: reader.findings,
    }
}

/// Paths to read, and whether somebody named them.
fn candidates(request: &Request, surroundings: &dyn Surroundings) -> Vec<(String, bool)> {
    if !request.files.is_empty() {
        return request.files.iter().map(|path| (path.clone(), true)).collect();
    }
    let named = surroundings.variable("BACKSTAGE_ENV").unwrap_or_default();
    let named: Vec<&str> = named
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let mut paths = vec!["app-config.yaml".to_owned()];
    paths.extend(named.iter().map(|name| format!("app-config.{name}.yaml")));
    paths.push("app-config.local.yaml".to_owned());
    paths.extend(named.iter().map(|name| format!("app-config.{name}.local.yaml")));
    paths.into_iter().map(|path| (path, false)).collect()
}

fn text_of(path: &str, named: bool, reader: &mut Reader<'_>) -> Option<String> {
    let help = if path.contains("://") {
        "give a file; one behind a URL is not read"
    } else {
        "see what `--config` names; paths count from the working directory"
    };
    let reason = match reader.surroundings.read(path) {
        Ok(Some(text)) => return Some(text),
        Ok(None) if !named => return None,
        Ok(None) => "there is no such file".to_owned(),
        Err(reason) => reason,
    };
    let message = format!("the configuration file `{path}` cannot be read: {reason}");
    reader
        .findings
        .push(Diagnostic::error("PV2403", message).with_help(help));
    None
}

/// The layer of what is said key by key.
fn said<'a>(values: impl Iterator<Item = (&'a String, &'a Value, Source)>) -> Item {
    let mut root = Item::map(Vec::new(), Origin::of(Source::Default));
    for (path, value, source) in values {
        let origin = Origin::of(source);
        let mut item = Item::plain(value.clone(), &origin);
        for key in parts(path).into_iter().rev() {
            let field = Field {
                key,
                place: origin.clone(),
                item,
            };
            item = Item::map(vec![field], origin.clone());
        }
        root = merge(Some(item), Some(root)).unwrap_or_else(|| Item::map(Vec::new(), origin));
    }
    debug_assert!(matches!(root.kind, Kind::Map(_)));
    root
}
