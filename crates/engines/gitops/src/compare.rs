//! One comparison of Git with the cluster.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::future::join_all;
use pave_diagnostic::{Severity, has_errors};
use pave_kube::{KindsError, ResolvedKind};
use pave_manifest::application::{Application, Source};
use pave_manifest::health::{self, Health, Member};
use pave_manifest::plan::{is_hook, wave_of};
use pave_manifest::target::{Normalisation, Scope, Target, is_crd, normalise};
use pave_manifest::tracking;
use pave_names::{GroupVersionKind, ObjectKey};
use serde_json::Value;

use crate::conditions::{
    COMPARISON_ERROR, EXCLUDED_RESOURCE, INVALID_SPEC_ERROR, REPEATED_RESOURCE, SHARED_RESOURCE,
};
use crate::engine::Engine;
use crate::live::Live;
use crate::render::{RenderError, Snapshot, snapshot};
use crate::sites::Site;

mod differences;
mod places;
mod spec;

use differences::judge_differences;
use spec::check_spec;

/// What a worker remembers from one comparison to the next. All of it can be found again.
#[derive(Default)]
pub(crate) struct Memory {
    /// The last rendered source.
    pub(crate) snapshot: Option<Snapshot>,
    /// Kinds that the cluster did not serve.
    pub(crate) unknown: HashSet<GroupVersionKind>,
    /// Answers of dry runs, as long as neither side changes.
    predictions: HashMap<ObjectKey, (u64, Arc<Vec<String>>)>,
    /// Places of faults that were told of.
    told: places::Told,
    restored: bool,
    /// Where it writes to.
    site: Option<Arc<Site>>,
}

/// What a comparison is asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Source to render.
    pub(crate) source: Source,
    /// Revision to render it at.
    pub(crate) revision: String,
    /// Whether to ask the remote.
    pub(crate) fetch: bool,
    /// Whether to reuse what was rendered last, without looking at Git at all.
    pub(crate) reuse: bool,
}

/// Git against the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comparison {
    /// Commit that was compared; empty if none could be.
    pub(crate) revision: String,
    /// Source that was compared.
    pub(crate) source: Source,
    /// Cluster that it was compared with; nothing if there is none.
    pub(crate) site: Option<Arc<Site>>,
    /// Object by object.
    pub(crate) entries: Vec<Entry>,
    /// What is wrong.
    pub(crate) conditions: Vec<(&'static str, String)>,
    /// `Synced`, `OutOfSync` or `Unknown`.
    pub(crate) code: &'static str,
    /// Health of the whole.
    pub(crate) health: Option<Health>,
    /// Whether Git could not be read; it may be soon.
    pub(crate) unreachable: bool,
    /// Files that could not be read completely.
    pub(crate) unreadable: Vec<String>,
}

/// One object of a comparison.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: ObjectKey,
    pub(crate) gvk: GroupVersionKind,
    /// As Git wants it; nothing if Git does not name it.
    pub(crate) target: Option<Arc<Target>>,
    /// As it lives; nothing if it does not.
    pub(crate) live: Option<Arc<Value>>,
    /// In what it differs, in words.
    pub(crate) differences: Arc<Vec<String>>,
    /// Whether it keeps the Application from being in sync.
    pub(crate) out_of_sync: bool,
    pub(crate) hook: bool,
    pub(crate) health: Option<Health>,
    pub(crate) wave: i64,
}

impl Memory {
    /// Where it has said what it wants to hear of.
    pub(crate) fn lives<'a>(&'a self, engine: &'a Engine) -> impl Iterator<Item = &'a Arc<Live>> {
        let elsewhere = self.site.as_ref().map(|site| &site.live);
        std::iter::once(&engine.live).chain(elsewhere)
    }

    /// Remembers where it writes to; what was remembered of another cluster is of no use there.
    fn at(&mut self, site: &Arc<Site>) -> Arc<Site> {
        let same = self.site.as_ref().is_some_and(|known| Arc::ptr_eq(known, site));
        if !same {
            self.site = Some(Arc::clone(site));
            self.restored = false;
            self.predictions.clear();
        }
        Arc::clone(site)
    }
}

impl Entry {
    /// Whether it lives only in the cluster.
    pub(crate) fn requires_pruning(&self) -> bool {
        self.target.is_none() && self.live.is_some() && !self.hook
    }
}

impl Comparison {
    /// Whether nothing may be synced on the ground of it.
    pub(crate) fn is_blocked(&self) -> bool {
        self.conditions
            .iter()
            .any(|(type_, _)| matches!(*type_, COMPARISON_ERROR | INVALID_SPEC_ERROR))
    }

    /// The errors that block it, in words.
    pub(crate) fn errors(&self) -> String {
        let errors = self
            .conditions
            .iter()
            .filter(|it| matches!(it.0, COMPARISON_ERROR | INVALID_SPEC_ERROR));
        errors
            .map(|(_, message)| message.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    }
}

/// Compares.
pub(crate) async fn compare(
    engine: &Arc<Engine>,
    application: &Application,
    instance: &str,
    memory: &mut Memory,
    request: &Request,
) -> Comparison {
    let mut comparison = Comparison {
        source: request.source.clone(),
        code: "Unknown",
        ..Comparison::default()
    };
    let found = engine
        .sites
        .find(&application.spec.destination, application.project())
        .await;
    let site = &*memory.at(found.as_ref().unwrap_or(engine.sites.home()));
    comparison.site = found.as_ref().ok().cloned();
    let checked = check_spec(engine, application, found.as_deref(), &request.source);
    let project = match checked {
        Ok(project) => project,
        Err(message) => {
            comparison.conditions.push((INVALID_SPEC_ERROR, message));
            return without_targets(site, application, instance, comparison);
        }
    };
    if let Err(message) = site.check().await {
        comparison.unreachable = true;
        comparison.conditions.push((COMPARISON_ERROR, message));
        return without_targets(site, application, instance, comparison);
    }
    restore_watches(site, application, memory).await;
    let snapshot = match take_snapshot(engine, memory, request).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            comparison.unreachable = matches!(error, RenderError::Repository(_));
            let message = format!("Failed to load target state: {error}");
            comparison.conditions.push((COMPARISON_ERROR, message));
            return without_targets(site, application, instance, comparison);
        }
    };
    comparison.revision.clone_from(&snapshot.revision);
    comparison.unreadable.clone_from(&snapshot.rendered.unreadable);
    report_findings(&snapshot, &mut comparison);
    if comparison.is_blocked() {
        return without_targets(site, application, instance, comparison);
    }
    let targets = match make_targets(site, application, instance, memory, &snapshot, &mut comparison).await {
        Ok(targets) => targets,
        Err(error) => {
            comparison
                .conditions
                .push((COMPARISON_ERROR, format!("Failed to load live state: {error}")));
            return without_targets(site, application, instance, comparison);
        }
    };
    comparison.entries = pair(site, instance, targets);
    judge_differences(site, application, memory, &mut comparison).await;
    report_shared(instance, &mut comparison);
    drop(project);
    summarise(site, &mut comparison);
    places::blame(engine, &mut comparison, &mut memory.told);
    comparison
}

/// After a start the kinds of what was synced before must be watched, or nothing of them could be pruned.
async fn restore_watches(site: &Site, application: &Application, memory: &mut Memory) {
    if std::mem::replace(&mut memory.restored, true) {
        return;
    }
    let kinds: BTreeSet<_> = application
        .status
        .resources
        .iter()
        .map(|it| GroupVersionKind {
            group: it.group.clone(),
            version: it.version.clone(),
            kind: it.kind.clone(),
        })
        .collect();
    join_all(kinds.iter().map(|gvk| site.live.ensure(gvk))).await;
}

async fn take_snapshot(
    engine: &Engine,
    memory: &mut Memory,
    request: &Request,
) -> Result<Snapshot, RenderError> {
    let earlier = memory.snapshot.as_ref().filter(|it| it.source == request.source);
    if let Some(same) = earlier.filter(|_| request.reuse) {
        return Ok(same.clone());
    }
    // Without a remembered snapshot there is nothing to reuse: ask Git after all.
    let fetch = request.fetch || (request.reuse && earlier.is_none());
    let taken = snapshot(
        &engine.repositories,
        &request.source,
        &request.revision,
        fetch,
        earlier,
    )
    .await?;
    // A rollback renders an older commit once; what is current stays remembered.
    if request.revision == request.source.revision() {
        memory.snapshot = Some(taken.clone());
    }
    Ok(taken)
}

fn report_findings(snapshot: &Snapshot, comparison: &mut Comparison) {
    let diagnostics = &snapshot.rendered.diagnostics;
    let lines = |severity: Severity| {
        diagnostics
            .iter()
            .filter(|it| it.severity == severity)
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    };
    if has_errors(diagnostics) {
        let message = format!("Failed to load target state: {}", lines(Severity::Error));
        comparison.conditions.push((COMPARISON_ERROR, message));
    }
    let warnings = lines(Severity::Warning);
    if !warnings.is_empty() {
        comparison.conditions.push((EXCLUDED_RESOURCE, warnings));
    }
}

async fn make_targets(
    site: &Site,
    application: &Application,
    instance: &str,
    memory: &mut Memory,
    snapshot: &Snapshot,
    comparison: &mut Comparison,
) -> Result<Vec<Target>, KindsError> {
    let manifests = &snapshot.rendered.manifests;
    let gvks: BTreeSet<_> = manifests
        .iter()
        .map(|it| pave_manifest::api_version_and_kind(&it.object))
        .collect();
    let answers = join_all(gvks.iter().map(|gvk| site.live.ensure(gvk))).await;
    let mut resolved: HashMap<GroupVersionKind, ResolvedKind> = HashMap::new();
    memory.unknown.clear();
    for (gvk, answer) in gvks.into_iter().zip(answers) {
        match answer {
            Ok(kind) => {
                resolved.insert(gvk, kind);
            }
            Err(KindsError::Unknown(_)) => {
                memory.unknown.insert(gvk);
            }
            Err(error) => return Err(error),
        }
    }
    let scope = |gvk: &GroupVersionKind| {
        resolved.get(gvk).map(|kind| {
            if kind.namespaced {
                Scope::Namespaced
            } else {
                Scope::Cluster
            }
        })
    };
    let stamp = |file: &str| snapshot.stamps.get(file).cloned();
    let context = Normalisation {
        instance,
        destination_namespace: &application.spec.destination.namespace,
        scope: &scope,
        stamp: &stamp,
    };
    let (targets, repeated) = normalise(manifests.clone(), &context);
    comparison
        .conditions
        .extend(repeated.into_iter().map(|it| (REPEATED_RESOURCE, it)));
    let keys = targets.iter().map(|target| target.key.clone()).collect();
    site.live.set_targets(instance, &keys);
    Ok(targets)
}

/// Pairs targets with live objects; what is left of our own is extraneous.
fn pair(site: &Site, instance: &str, targets: Vec<Target>) -> Vec<Entry> {
    let wanted: HashSet<ObjectKey> = targets.iter().map(|it| it.key.clone()).collect();
    let mut entries: Vec<Entry> = targets
        .into_iter()
        .map(|target| Entry {
            key: target.key.clone(),
            gvk: target.gvk.clone(),
            live: site.live.get(&target.key),
            hook: is_hook(&target.object),
            wave: wave_of(&target.object),
            target: Some(Arc::new(target)),
            differences: Arc::default(),
            out_of_sync: false,
            health: None,
        })
        .collect();
    entries.extend(
        extraneous(site, instance)
            .into_iter()
            .filter(|entry| !wanted.contains(&entry.key)),
    );
    entries.sort_by(|left, right| left.key.cmp(&right.key));
    entries
}

fn extraneous(site: &Site, instance: &str) -> Vec<Entry> {
    let owned = site.live.owned_by(instance).into_iter();
    owned
        .map(|(key, live)| Entry {
            gvk: pave_manifest::api_version_and_kind(&live),
            key,
            hook: is_hook(&live),
            wave: wave_of(&live),
            live: Some(live),
            target: None,
            differences: Arc::default(),
            out_of_sync: false,
            health: None,
        })
        .filter(|entry| !is_crd(&entry.gvk))
        .collect()
}

fn report_shared(instance: &str, comparison: &mut Comparison) {
    for entry in comparison.entries.iter().filter(|it| it.target.is_some()) {
        let Some(owner) = entry
            .live
            .as_deref()
            .and_then(tracking::owner)
            .filter(|it| it != instance)
        else {
            continue;
        };
        let message = format!(
            "{}/{} is part of applications {instance} and {owner}",
            entry.key.kind, entry.key.name
        );
        comparison.conditions.push((SHARED_RESOURCE, message));
    }
}

fn summarise(site: &Site, comparison: &mut Comparison) {
    add_health(site, comparison);
    let differs = comparison
        .entries
        .iter()
        .any(|entry| entry.out_of_sync && !entry.hook);
    comparison.code = if differs { "OutOfSync" } else { "Synced" };
}

fn add_health(site: &Site, comparison: &mut Comparison) {
    for entry in &mut comparison.entries {
        entry.health = entry
            .live
            .as_deref()
            .and_then(|live| health::assess(live, &|gvk| site.live.is_composite(gvk)));
    }
    let members: Vec<_> = comparison
        .entries
        .iter()
        .map(|entry| Member {
            gvk: &entry.gvk,
            live: entry.live.as_deref(),
            health: entry.health.as_ref(),
            hook: entry.hook,
        })
        .collect();
    comparison.health = Some(health::aggregate(&members));
}

/// When Git cannot be understood, what is known to live is still watched over, but nothing is called out of sync.
fn without_targets(
    site: &Site,
    application: &Application,
    instance: &str,
    mut comparison: Comparison,
) -> Comparison {
    comparison.code = "Unknown";
    let mut entries = extraneous(site, instance);
    let present: HashSet<_> = entries.iter().map(|it| it.key.clone()).collect();
    for known in &application.status.resources {
        let key = ObjectKey {
            group: known.group.clone(),
            kind: known.kind.clone(),
            namespace: known.namespace.clone(),
            name: known.name.clone(),
        };
        let Some(live) = site.live.get(&key).filter(|_| !present.contains(&key)) else {
            continue;
        };
        let gvk = pave_manifest::api_version_and_kind(&live);
        let (hook, wave) = (known.hook, wave_of(&live));
        entries.push(Entry {
            key,
            gvk,
            target: None,
            live: Some(live),
            differences: Arc::default(),
            out_of_sync: false,
            hook,
            health: None,
            wave,
        });
    }
    entries.sort_by(|left, right| left.key.cmp(&right.key));
    comparison.entries = entries;
    if comparison.revision.is_empty() {
        comparison.revision.clone_from(&application.status.sync.revision);
    }
    add_health(site, &mut comparison);
    if comparison.entries.is_empty() && !application.status.health.status.is_empty() {
        comparison.health = None;
    }
    comparison
}
