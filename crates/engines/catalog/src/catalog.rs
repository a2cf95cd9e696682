use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use pave_diagnostic::Diagnostics;
use pave_hosts::LocalFiles;
use pave_names::EntityRef;
use pave_runtime::Tasks;
use pave_store::Database;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use crate::index::Index;
use crate::query::facets;
use crate::refusal::{self, Refusal};
use crate::registered;
use crate::tree::{Means, Reading, Tree};
use crate::{Address, CatalogError, Facet, Page, Query, Rules, SourceReader, generated_name};

const MIGRATIONS: &[&str] = &[
    "CREATE TABLE location (id TEXT PRIMARY KEY, type TEXT NOT NULL, target TEXT NOT NULL UNIQUE)",
    // What the location last gave, as JSON.
    "ALTER TABLE location ADD COLUMN tree TEXT",
    // What a provider last gave, as JSON.
    "CREATE TABLE provided (provider TEXT PRIMARY KEY, tree TEXT NOT NULL)",
];

/// The annotation that says which registered location an entity came from.
const ORIGIN: &str = "backstage.io/managed-by-origin-location";

/// How often locations are read again when no event says that they changed.
const REFRESH: Duration = Duration::from_secs(120);

/// What the catalog needs.
pub struct Options {
    /// Database file.
    pub database: PathBuf,
    /// Reads the files of locations.
    pub reader: Arc<dyn SourceReader>,
    /// Kinds that locations may hold.
    pub allowed: Vec<String>,
    /// Reads files of this machine, for those of `locations` that are files.
    pub files: LocalFiles,
    /// What is registered from the start. A file location that is not among them is gone.
    pub locations: Vec<Address>,
}

/// A registered location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Id.
    pub id: String,
    /// `url`, or `file` for one of the configuration.
    #[serde(rename = "type")]
    pub kind: String,
    /// URL or absolute path.
    pub target: String,
    /// The Location entity it became.
    pub entity_ref: String,
}

/// What registering a location gives, or would give.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The location.
    pub location: Location,
    /// The entities it holds; only of a dry run, as upstream.
    pub entities: Vec<Value>,
    /// Whether it was there already; only of a dry run.
    pub exists: bool,
}

/// The catalog. Cheap to clone.
#[derive(Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    means: Means,
    /// What each registered location last gave, in the order of registration.
    trees: Mutex<Vec<(Address, Tree)>>,
    /// What each entity provider last gave, by its name.
    provided: RwLock<BTreeMap<String, Tree>>,
    /// Knocked at when somebody asks for a fresh look at what a provider gave.
    asked: tokio::sync::Notify,
    index: RwLock<Arc<Index>>,
    /// Whether every location has been read once, now or before an earlier end.
    read_once: watch::Sender<bool>,
}

impl Catalog {
    /// Opens the catalog and reads its locations in the background. The allowed kinds hold for every location.
    pub async fn open(options: Options, tasks: &Tasks) -> Result<Self, CatalogError> {
        let rules = Rules::everywhere(options.allowed.iter().map(String::as_str));
        Self::open_with(options, rules, tasks).await
    }

    /// The same with rules in place of the options' allowed kinds: `catalog.rules` and the rules of single locations.
    pub async fn open_with(options: Options, rules: Rules, tasks: &Tasks) -> Result<Self, CatalogError> {
        let database = Database::open(&options.database, MIGRATIONS)?;
        let folders = registered::folders(&options.locations);
        let known = registered::known(&database, options.locations).await?;
        let kept = known.iter().all(|(_, tree)| tree.is_some());
        let provided = crate::provided::kept(&database).await?;
        // A tree that cannot be read back is read anew from its location.
        let restore = |tree: Option<String>| tree.and_then(|text| serde_json::from_str(&text).ok());
        let trees = known
            .into_iter()
            .map(|(address, tree)| (address, restore(tree).unwrap_or_default()))
            .collect();
        let inner = Inner {
            database,
            means: Means {
                reader: options.reader,
                files: options.files,
                rules,
                folders,
            },
            trees: Mutex::new(trees),
            provided: RwLock::new(provided),
            asked: tokio::sync::Notify::new(),
            index: RwLock::default(),
            read_once: watch::channel(kept).0,
        };
        let catalog = Self {
            inner: Arc::new(inner),
        };
        catalog.publish(&catalog.inner.trees.lock().await);
        let (reader, token) = (catalog.clone(), tasks.token());
        tasks.spawn("catalog: refresh", async move {
            loop {
                reader.refresh_where(|_| true).await;
                reader.inner.read_once.send_replace(true);
                tokio::select! {
                    () = token.cancelled() => return,
                    () = tokio::time::sleep(REFRESH) => {}
                }
            }
        });
        Ok(catalog)
    }

    /// Waits until every location has been read once, well or not, now or before an earlier end.
    pub async fn read_once(&self) {
        let mut read_once = self.inner.read_once.subscribe();
        // The sender lives as long as the catalog.
        read_once.wait_for(|done| *done).await.ok();
    }

    /// Reads the locations again whose URL or path matches; a push to a repository calls it.
    pub async fn refresh_where(&self, matches: impl Fn(&str) -> bool + Send) {
        let addresses: Vec<Address> = {
            let trees = self.inner.trees.lock().await;
            trees
                .iter()
                .map(|(address, _)| address.clone())
                .filter(|address| matches(&address.target))
                .collect()
        };
        for address in addresses {
            self.read(&address).await;
        }
    }

    async fn read(&self, address: &Address) {
        let known = |trees: &[(Address, Tree)]| trees.iter().any(|(it, _)| it == address);
        // What nobody registered is not read, least of all a file.
        if !known(&self.inner.trees.lock().await) {
            return;
        }
        let fresh = Reading::run(self.inner.means.clone(), address).await;
        let mut trees = self.inner.trees.lock().await;
        let Some((_, tree)) = trees.iter_mut().find(|(known, _)| known == address) else {
            return;
        };
        // What can no longer be read keeps its last good form; only the errors are news.
        if fresh.unreadable && !tree.emitted.is_empty() {
            keep(tree, fresh);
        } else {
            *tree = fresh;
        }
        let text = serde_json::to_string(tree).ok();
        self.publish(&trees);
        drop(trees);
        let key = address.target.clone();
        let kept = self.inner.database.write(move |tx| {
            tx.execute(
                "UPDATE location SET tree = ?2 WHERE target = ?1 AND tree IS NOT ?2",
                (key, text),
            )
        });
        if let Err(error) = kept.await {
            tracing::warn!(%error, %address, "what a location gave could not be kept");
        }
    }

    /// Waits until somebody asks for a fresh look at what providers gave.
    pub(crate) async fn asked(&self) {
        self.inner.asked.notified().await;
    }

    /// Takes over all that an entity provider knows now; what it gave before and does not give any more is gone.
    pub async fn provide(&self, provider: &str, entities: Vec<Value>) -> Result<(), CatalogError> {
        let fresh = crate::provided::tree(entities);
        let same = {
            let known = self.inner.provided.read().unwrap_or_else(PoisonError::into_inner);
            known
                .get(provider)
                .is_some_and(|tree| crate::provided::is_same(tree, &fresh))
        };
        if same {
            return Ok(());
        }
        crate::provided::keep(&self.inner.database, provider, &fresh).await?;
        let trees = self.inner.trees.lock().await;
        self.inner
            .provided
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(provider.to_owned(), fresh);
        self.publish(&trees);
        Ok(())
    }

    /// What files say stands before what providers found.
    fn publish(&self, trees: &[(Address, Tree)]) {
        let templates = trees.iter().flat_map(|(_, tree)| registered::templates(tree));
        self.inner.means.files.set_templates(templates);
        let provided = self.inner.provided.read().unwrap_or_else(PoisonError::into_inner);
        let trees = trees.iter().map(|(_, tree)| tree).chain(provided.values());
        let index = Arc::new(Index::stitch(trees));
        *self.inner.index.write().unwrap_or_else(PoisonError::into_inner) = index;
    }

    fn index(&self) -> Arc<Index> {
        Arc::clone(&self.inner.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A page of entities.
    pub fn query(&self, query: &Query) -> Result<Page, CatalogError> {
        query.run(&self.index())
    }

    /// How many entities have which value of some paths.
    pub fn facets(
        &self,
        filter: &[String],
        paths: &[String],
    ) -> Result<BTreeMap<String, Vec<Facet>>, CatalogError> {
        facets(&self.index(), filter, paths)
    }

    /// One entity.
    #[must_use]
    pub fn entity(&self, reference: &EntityRef) -> Option<Value> {
        self.index()
            .entities
            .get(reference)
            .map(|stitched| stitched.entity.clone())
    }

    /// An entity and what emitted it, up to the registered location: `(entity, parent)` each.
    #[must_use]
    pub fn ancestry(&self, reference: &EntityRef) -> Vec<(Value, Option<EntityRef>)> {
        let index = self.index();
        let mut found = Vec::new();
        let mut next = Some(reference.clone());
        while let Some(stitched) = next.as_ref().and_then(|reference| index.entities.get(reference)) {
            found.push((stitched.entity.clone(), stitched.parent.clone()));
            next.clone_from(&stitched.parent);
        }
        found
    }

    /// Reads again what an entity came from.
    pub async fn refresh(&self, reference: &EntityRef) -> Result<(), CatalogError> {
        let entity = self
            .entity(reference)
            .ok_or_else(|| CatalogError::NotFound(format!("No entity named '{reference}' found")))?;
        match Address::of_annotation(&entity, ORIGIN) {
            Some(address) => self.read(&address).await,
            None => self.inner.asked.notify_waiters(),
        }
        Ok(())
    }

    /// The registered locations, in the order of registration.
    pub async fn locations(&self) -> Result<Vec<Location>, CatalogError> {
        Ok(self
            .inner
            .database
            .read(|db| {
                db.prepare("SELECT id, type, target FROM location ORDER BY rowid")?
                    .query_map([], |row| {
                        let (id, kind, target): (String, String, String) =
                            (row.get(0)?, row.get(1)?, row.get(2)?);
                        let entity_ref = format!("location:default/{}", generated_name(&kind, &target));
                        Ok(Location {
                            id,
                            kind,
                            target,
                            entity_ref,
                        })
                    })?
                    .collect()
            })
            .await?)
    }

    /// The location that an entity came from first.
    pub async fn location_of(&self, reference: &EntityRef) -> Result<Location, CatalogError> {
        let missing = || CatalogError::NotFound(format!("found no location for entity {reference}"));
        let entity = self.entity(reference).ok_or_else(missing)?;
        let origin = Address::of_annotation(&entity, ORIGIN).ok_or_else(missing)?;
        let mut all = self.locations().await?.into_iter();
        all.find(|location| location.target == origin.target)
            .ok_or_else(missing)
    }

    pub(crate) fn reader(&self) -> Arc<dyn SourceReader> {
        Arc::clone(&self.inner.means.reader)
    }

    /// What processing a URL location finds wrong, without registering it.
    pub async fn findings(&self, target: &str) -> Diagnostics {
        Reading::run(self.inner.means.clone(), &Address::url(target))
            .await
            .diagnostics
    }

    /// Whether a location of this type and target may be registered at all: files of this machine are the configuration's.
    ///
    /// # Errors
    /// Upstream's words, and what to do.
    pub fn may_register(kind: &str, target: &str) -> Result<(), Refusal> {
        refusal::registration(kind, target)
    }

    /// Registers a URL location, or says what registering it would give.
    ///
    /// # Errors
    /// When it is registered already, cannot be read (dry run), or holds a kind that is not allowed (dry run).
    pub async fn register(
        &self,
        kind: &str,
        target: &str,
        dry_run: bool,
    ) -> Result<Registered, CatalogError> {
        Self::may_register(kind, target)?;
        let exists = self
            .locations()
            .await?
            .iter()
            .any(|location| location.target == target);
        let entity_ref = format!("location:default/{}", generated_name(kind, target));
        if dry_run {
            return Ok(self.try_out(kind, target).await??);
        }
        if exists {
            return Err(CatalogError::Conflict(format!(
                "Location url:{target} already exists"
            )));
        }
        let (id, stored) = (Uuid::new_v4().to_string(), target.to_owned());
        let key = id.clone();
        self.inner
            .database
            .write(move |tx| {
                tx.execute(
                    "INSERT INTO location (id, type, target) VALUES (?1, 'url', ?2)",
                    [key, stored],
                )
            })
            .await?;
        self.inner
            .trees
            .lock()
            .await
            .push((Address::url(target), Tree::default()));
        self.read(&Address::url(target)).await;
        let location = Location {
            id,
            kind: kind.into(),
            target: target.into(),
            entity_ref,
        };
        Ok(Registered {
            location,
            entities: Vec::new(),
            exists: false,
        })
    }

    /// Says what registering a URL location would give, or why it would not be taken and what to do about that.
    pub async fn try_out(
        &self,
        kind: &str,
        target: &str,
    ) -> Result<Result<Registered, Refusal>, CatalogError> {
        if let Err(refusal) = Self::may_register(kind, target) {
            return Ok(Err(refusal));
        }
        let exists = self
            .locations()
            .await?
            .iter()
            .any(|location| location.target == target);
        let tree = Reading::run(self.inner.means.clone(), &Address::url(target)).await;
        let fault = tree.emitted.iter().flat_map(|emitted| &emitted.errors).next();
        if let Some(message) = tree.refused.as_ref().or(fault) {
            let mut diagnostics = tree.cures;
            diagnostics.extend(tree.diagnostics);
            return Ok(Err(Refusal {
                message: message.clone(),
                diagnostics,
            }));
        }
        // The first one is the location itself.
        if tree.emitted.len() <= 1 {
            return Ok(Err(refusal::empty(target)));
        }
        let location = Location {
            id: format!("url:{target}"),
            kind: kind.into(),
            target: target.into(),
            entity_ref: format!("location:default/{}", generated_name(kind, target)),
        };
        let entities = tree.emitted.into_iter().map(|emitted| emitted.entity).collect();
        Ok(Ok(Registered {
            location,
            entities,
            exists,
        }))
    }

    /// Removes a location and all that it gave.
    pub async fn unregister(&self, id: &str) -> Result<(), CatalogError> {
        let not_found = || CatalogError::NotFound(format!("Found no location with ID {id}"));
        let location = self
            .locations()
            .await?
            .into_iter()
            .find(|it| it.id == id)
            .ok_or_else(not_found)?;
        let key = id.to_owned();
        self.inner
            .database
            .write(move |tx| tx.execute("DELETE FROM location WHERE id = ?1", [key]))
            .await?;
        let mut trees = self.inner.trees.lock().await;
        trees.retain(|(address, _)| address.target != location.target);
        self.publish(&trees);
        Ok(())
    }
}

/// Takes over what a partial reading gave, keeps the rest as it was, and notes the new errors.
fn keep(tree: &mut Tree, fresh: Tree) {
    for emitted in fresh.emitted {
        match tree
            .emitted
            .iter_mut()
            .find(|known| known.reference == emitted.reference)
        {
            Some(known) => *known = emitted,
            None => tree.emitted.push(emitted),
        }
    }
    tree.diagnostics = fresh.diagnostics;
    tree.unreadable = true;
}
