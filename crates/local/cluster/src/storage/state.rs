use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::watch;

use super::clusters::{ClusterRecord, LOCAL};
use super::object::{Event, EventKind, Object, ObjectName, TableId};
use super::select::{Select, Selected};

/// The most events kept of one resource.
const RING: usize = 10_000;
/// Events younger than this are kept while the ring has room; beyond it only the newest [`QUIET_RING`].
const RING_SECONDS: i64 = 300;
const QUIET_RING: usize = 1_000;

/// The revision asked for is no longer (or not fully) known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone {
    /// The oldest revision that can still be served.
    pub(crate) oldest: u64,
}

/// Everything in memory: what is published is durable.
pub(crate) struct State {
    pub(crate) revision: u64,
    pub(crate) tables: HashMap<TableId, Table>,
    /// Owner uid to the objects that name it.
    pub(crate) owners: HashMap<String, BTreeSet<(TableId, ObjectName)>>,
    /// Logical clusters beside the local one, by id.
    pub(crate) clusters: BTreeMap<String, ClusterRecord>,
    /// No event at or below this revision is known for any table.
    pub(crate) floor: u64,
}

/// Current objects of one resource and its recent events.
pub(crate) struct Table {
    pub(crate) objects: BTreeMap<ObjectName, Arc<Object>>,
    events: VecDeque<Arc<Event>>,
    floor: u64,
    /// Revision of the newest change, for waiters and for caches built from this table.
    pub(crate) changed: watch::Sender<u64>,
}

impl Table {
    fn new(floor: u64) -> Self {
        Self {
            objects: BTreeMap::new(),
            events: VecDeque::new(),
            floor,
            changed: watch::Sender::new(0),
        }
    }

    /// Objects of one namespace, or of all.
    pub(crate) fn in_namespace<'a>(
        &'a self,
        namespace: Option<&'a str>,
    ) -> Box<dyn Iterator<Item = &'a Arc<Object>> + 'a> {
        match namespace {
            None => Box::new(self.objects.values()),
            Some(namespace) => Box::new(
                self.objects
                    .range(ObjectName::new(namespace, "")..)
                    .take_while(move |(name, _)| &*name.namespace == namespace)
                    .map(|(_, object)| object),
            ),
        }
    }

    /// Events strictly after a revision, oldest first.
    pub(crate) fn events_after(&self, revision: u64, most: usize) -> Result<Vec<Arc<Event>>, Gone> {
        if revision < self.floor {
            return Err(Gone { oldest: self.floor });
        }
        let start = self.events.partition_point(|event| event.revision() <= revision);
        Ok(self.events.iter().skip(start).take(most).cloned().collect())
    }

    /// Objects in order, and what became of those for which there was no room. `revision`: as they were then.
    pub(super) fn select(&self, revision: Option<u64>, select: &Select<'_>) -> Result<Selected, Gone> {
        let undone = match revision {
            Some(revision) => self.undone(revision, select.namespace)?,
            None => BTreeMap::new(),
        };
        let from = select.first();
        let current = self.objects.range(&from..).take_while(|(name, _)| {
            select
                .namespace
                .is_none_or(|namespace| *name.namespace == *namespace)
        });
        if undone.is_empty() {
            return Ok(Selected::take(current.map(|(_, object)| object), select.most));
        }
        let mut past: Vec<(&ObjectName, &Arc<Object>)> =
            current.filter(|(name, _)| !undone.contains_key(name)).collect();
        let restored = undone.into_iter().filter(|(name, _)| **name >= from);
        past.extend(restored.filter_map(|(name, object)| Some((name, object?))));
        past.sort_unstable_by_key(|(name, _)| *name);
        Ok(Selected::take(
            past.into_iter().map(|(_, object)| object),
            select.most,
        ))
    }

    /// The objects that have changed since a revision, as they were at it.
    fn undone(
        &self,
        revision: u64,
        namespace: Option<&str>,
    ) -> Result<BTreeMap<&ObjectName, Option<&Arc<Object>>>, Gone> {
        if revision < self.floor {
            return Err(Gone { oldest: self.floor });
        }
        let since = self.events.partition_point(|event| event.revision() <= revision);
        let mut undone = BTreeMap::new();
        for event in self.events.range(since..) {
            let name = &event.object.name;
            if namespace.is_none_or(|namespace| *name.namespace == *namespace) {
                // What was there before the first of several changes is what was there then.
                undone.entry(name).or_insert(event.previous.as_ref());
            }
        }
        Ok(undone)
    }

    fn push(&mut self, event: Arc<Event>) {
        let now = event.unix_seconds;
        self.events.push_back(event);
        while let Some(oldest) = self.events.front() {
            let old = self.events.len() > QUIET_RING && oldest.unix_seconds + RING_SECONDS < now;
            if self.events.len() <= RING && !old {
                break;
            }
            self.floor = oldest.revision();
            self.events.pop_front();
        }
    }
}

impl State {
    pub(crate) fn new(revision: u64, floor: u64) -> Self {
        Self {
            revision,
            tables: HashMap::new(),
            owners: HashMap::new(),
            clusters: BTreeMap::new(),
            floor,
        }
    }

    pub(crate) fn get(&self, table: &TableId, name: &ObjectName) -> Option<&Arc<Object>> {
        self.tables.get(table)?.objects.get(name)
    }

    pub(crate) fn table(&mut self, table: &TableId) -> &mut Table {
        let floor = self.floor;
        self.tables
            .entry(table.clone())
            .or_insert_with(|| Table::new(floor))
    }

    /// Whether objects of a logical cluster may be kept.
    pub(crate) fn knows_cluster(&self, id: &str) -> bool {
        id == LOCAL || self.clusters.contains_key(id)
    }

    /// Takes a logical cluster out with everything in it. Its watchers end, since nobody will tell them anything.
    pub(crate) fn remove_cluster(&mut self, id: &str) {
        self.clusters.remove(id);
        self.tables.retain(|table, _| &*table.cluster != id);
        self.owners.retain(|_, dependents| {
            dependents.retain(|(table, _)| &*table.cluster != id);
            !dependents.is_empty()
        });
    }

    /// Places an object without an event: loading.
    pub(crate) fn load(&mut self, object: Arc<Object>) {
        self.index(&object, true);
        self.table(&object.table.clone())
            .objects
            .insert(object.name.clone(), object);
    }

    /// Appends an event of the log without touching the objects: loading.
    pub(crate) fn load_event(&mut self, event: Arc<Event>) {
        let id = event.object.table.clone();
        let revision = event.revision();
        let table = self.table(&id);
        table.push(event);
        table.changed.send_replace(revision);
    }

    /// Makes a committed event visible. Waiters are woken by the caller once the lock is released.
    pub(crate) fn publish(&mut self, event: &Arc<Event>) {
        self.revision = event.revision();
        if let Some(previous) = &event.previous {
            self.index(previous, false);
        }
        if event.kind != EventKind::Deleted {
            self.index(&event.object, true);
        }
        let table = self.table(&event.object.table);
        match event.kind {
            EventKind::Deleted => table.objects.remove(&event.object.name),
            EventKind::Added | EventKind::Modified => table
                .objects
                .insert(event.object.name.clone(), event.object.clone()),
        };
        table.push(event.clone());
    }

    fn index(&mut self, object: &Object, present: bool) {
        for owner in object.owners().filter_map(|owner| owner["uid"].as_str()) {
            let entry = (object.table.clone(), object.name.clone());
            if present {
                self.owners.entry(owner.to_owned()).or_default().insert(entry);
            } else if let Some(dependents) = self.owners.get_mut(owner) {
                dependents.remove(&entry);
                if dependents.is_empty() {
                    self.owners.remove(owner);
                }
            }
        }
    }
}
