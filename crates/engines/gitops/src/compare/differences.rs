use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use futures::future::join_all;
use pave_kube::KindsError;
use pave_manifest::application::Application;
use pave_manifest::diff::{self, FieldDifference};
use pave_manifest::options::{COMPARE_OPTIONS, object_has};
use pave_manifest::target::Target;
use pave_names::ObjectKey;
use serde_json::Value;

use super::{Comparison, Entry, Memory};
use crate::objects::{ApplyOptions, apply};
use crate::sites::Site;

/// Says of every object in what it differs, asking the server where neither side is known.
pub(super) async fn judge_differences(
    site: &Site,
    application: &Application,
    memory: &mut Memory,
    comparison: &mut Comparison,
) {
    let mut predictions = std::mem::take(&mut memory.predictions);
    let entries = std::mem::take(&mut comparison.entries);
    let known = &predictions;
    let judged = join_all(
        entries
            .into_iter()
            .map(|entry| judge(site, application, known, entry)),
    )
    .await;
    predictions.clear();
    for (entry, print) in judged {
        if let Some(print) = print {
            predictions.insert(entry.key.clone(), (print, Arc::clone(&entry.differences)));
        }
        comparison.entries.push(entry);
    }
    memory.predictions = predictions;
}

async fn judge(
    site: &Site,
    application: &Application,
    known: &HashMap<ObjectKey, (u64, Arc<Vec<String>>)>,
    mut entry: Entry,
) -> (Entry, Option<u64>) {
    if entry.hook {
        return (entry, None);
    }
    let (Some(target), Some(live)) = (entry.target.clone(), entry.live.clone()) else {
        let said = entry
            .live
            .as_deref()
            .or(entry.target.as_deref().map(|it| &it.object));
        let silent = entry.target.is_none()
            && said.is_some_and(|it| object_has(it, COMPARE_OPTIONS, "IgnoreExtraneous"));
        entry.out_of_sync = !silent;
        return (entry, None);
    };
    let print = fingerprint(&target, &live);
    let same = known.get(&entry.key).filter(|(known, _)| *known == print);
    entry.differences = match same {
        Some((_, differences)) => Arc::clone(differences),
        None => match differences(site, application, &target, &live).await {
            Some(found) => Arc::new(found),
            // Gone since we looked; the watch will tell.
            None => {
                return (
                    Entry {
                        out_of_sync: true,
                        live: None,
                        ..entry
                    },
                    None,
                );
            }
        },
    };
    entry.out_of_sync = !entry.differences.is_empty();
    (entry, Some(print))
}

/// Two sides that were compared before give the same answer: status and bookkeeping do not count.
fn fingerprint(target: &Target, live: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    target.object.to_string().hash(&mut hasher);
    diff::normalised(live).to_string().hash(&mut hasher);
    live["metadata"]["uid"].as_str().hash(&mut hasher);
    hasher.finish()
}

async fn differences(
    site: &Site,
    application: &Application,
    target: &Target,
    live: &Arc<Value>,
) -> Option<Vec<String>> {
    let rules = &application.spec.ignore_differences;
    let told = |found: Vec<FieldDifference>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
    let options = ApplyOptions {
        dry_run: true,
        strict: false,
    };
    let predicted = match apply(&site.kinds, &target.object, &options).await {
        Ok(predicted) => predicted,
        Err(KindsError::Cluster(kube::Error::Api(status))) if status.code == 404 => return None,
        // What the server would refuse is certainly not what lives there; the sync will say why.
        Err(KindsError::Cluster(kube::Error::Api(status))) if matches!(status.code, 400 | 422) => {
            return Some(vec![status.message.clone()]);
        }
        Err(error) => {
            tracing::debug!(%error, object = %target.key, "no dry run; the prediction is our own");
            return Some(told(diff::compare(
                &diff::predict(&target.object, live),
                live,
                rules,
            )));
        }
    };
    if predicted["metadata"]["uid"] != live["metadata"]["uid"] {
        return None;
    }
    let mut live = Arc::clone(live);
    if predicted["apiVersion"] != live["apiVersion"] {
        // The watch follows another version of the kind; ask for the object in the version Git writes.
        let resolved = site.kinds.resolve(&target.gvk).await.ok()?;
        let namespace = pave_kube::metadata_text(&target.object, "namespace");
        let found = resolved
            .api(site.kinds.client(), namespace)
            .get(&target.key.name)
            .await
            .ok()?;
        live = Arc::new(serde_json::to_value(found).unwrap_or_default());
    }
    Some(told(diff::compare(&predicted, &live, rules)))
}
