//! Hops on a source host: pull request, review, merge, and the runs of pipelines.
//!
//! Events of the host's feed say what to look at; what is recorded comes from its REST API, so that a hint that was
//! lost costs time and nothing else: what is open in the journal is looked at again at every start.

mod proposal;
mod run;

use std::sync::Arc;

use futures::future::BoxFuture;
use pave_devops::{Event, Feed};
use pave_journal::{Hop, Journal};
use pave_names::{RoadId, Station, annotation};
use pave_runtime::{Tasks, clock};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use url::Url;

/// Roads whose open hops are looked at again at a start.
const RECENT: usize = 200;

/// One host of the Azure DevOps kind.
#[derive(Clone)]
pub struct DevOpsHost {
    /// Its URL, below which organizations lie.
    pub base: Url,
    /// What happens there.
    pub feed: Feed,
    /// Reads its REST API.
    pub reader: Arc<dyn DevOpsReader>,
}

/// Reads the REST API of a host.
pub trait DevOpsReader: Send + Sync {
    /// `GET` of a path with query below the host's URL, as JSON.
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, String>>;
}

/// Follows one host until the end.
pub(crate) fn follow(host: DevOpsHost, journal: Journal, tasks: &Tasks) {
    let follower = Follower { host, journal };
    let token = tasks.token();
    tasks.spawn("tracer: source host", async move {
        // Listening begins before looking, so that nothing falls in between.
        let mut events = follower.host.feed.subscribe();
        follower.catch_up().await;
        loop {
            let event = tokio::select! {
                () = token.cancelled() => return,
                event = events.recv() => event,
            };
            match event {
                Ok(event) => follower.event(&event).await,
                Err(RecvError::Lagged(_)) => follower.catch_up().await,
                Err(RecvError::Closed) => return,
            }
        }
    });
}

struct Follower {
    host: DevOpsHost,
    journal: Journal,
}

impl Follower {
    async fn event(&self, event: &Event) {
        match event {
            Event::PullRequest { pull_request } => {
                let repository = &pull_request.repository;
                let place = proposal::Place {
                    organization: repository.project.organization.clone(),
                    project: repository.project.name.clone(),
                    repository: repository.name.clone(),
                    id: pull_request.id,
                };
                self.pull_request(&place).await;
            }
            Event::Run { project, build, .. } => {
                self.run(&run::Place {
                    organization: project.organization.clone(),
                    project: project.name.clone(),
                    build: *build,
                })
                .await;
            }
            Event::Push { .. } | Event::Log { .. } | Event::Changed { .. } => {}
        }
    }

    /// Looks again at everything that the journal shows as open.
    async fn catch_up(&self) {
        let Ok(roads) = self.journal.roads(RECENT).await else {
            return;
        };
        let open = roads
            .into_iter()
            .flat_map(|road| road.hops)
            .filter(|hop| !hop.state.is_settled());
        for hop in open {
            match hop.station {
                Station::PullRequest | Station::Review => {
                    if let Some(place) = proposal::Place::of_link(&hop.link) {
                        self.pull_request(&place).await;
                    }
                }
                Station::Run => {
                    if let Some(place) = run::Place::of_link(&hop.link) {
                        self.run(&place).await;
                    }
                }
                _ => {}
            }
        }
    }

    async fn pull_request(&self, place: &proposal::Place) {
        let path = place.path("");
        let Some(pull_request) = self.get(&path).await else {
            return;
        };
        let roads = self.roads_of_proposal(place, &pull_request).await;
        if roads.is_empty() {
            return;
        }
        let evaluations = self
            .get(&place.evaluations(&pull_request))
            .await
            .unwrap_or_default();
        for road in roads {
            for hop in proposal::hops(
                &road,
                place,
                &pull_request,
                &evaluations,
                &self.host.base,
                clock::now(),
            ) {
                self.record(hop).await;
            }
        }
    }

    /// The requests whose commits a pull request proposes: by the journal, or by the trailers of its commits.
    async fn roads_of_proposal(&self, place: &proposal::Place, pull_request: &Value) -> Vec<RoadId> {
        let mut roads = Vec::new();
        if let Some(head) = pull_request
            .pointer("/lastMergeSourceCommit/commitId")
            .and_then(Value::as_str)
        {
            roads.extend(self.roads_of_commit(head).await);
        }
        let commits = self.get(&place.path("/commits")).await.unwrap_or_default();
        for commit in commits["value"].as_array().into_iter().flatten() {
            roads.extend(trailer_roads(commit["comment"].as_str().unwrap_or_default()));
        }
        roads.sort_by_key(ToString::to_string);
        roads.dedup();
        roads
    }

    async fn roads_of_commit(&self, commit: &str) -> Vec<RoadId> {
        self.journal
            .find(&format!("commit/{commit}"))
            .await
            .unwrap_or_default()
    }

    async fn run(&self, place: &run::Place) {
        let Some(build) = self.get(&place.path("")).await else {
            return;
        };
        let commit = build["sourceVersion"].as_str().unwrap_or_default();
        let mut roads = self.roads_of_commit(commit).await;
        roads.extend(trailer_roads(
            build
                .pointer("/triggerInfo/ci.message")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        ));
        roads.sort_by_key(ToString::to_string);
        roads.dedup();
        if roads.is_empty() || run::validates(&build) {
            return;
        }
        let timeline = self.get(&place.path("/timeline")).await.unwrap_or_default();
        // What an apply made is attached before the run ends; until then every step would ask for it again.
        let applied = if build["status"] == "completed" {
            self.attachment(place, run::APPLIED).await
        } else {
            Vec::new()
        };
        for road in roads {
            let hops = run::hops(
                &road,
                place,
                &build,
                &timeline,
                &applied,
                &self.host.base,
                clock::now(),
            );
            // The run comes last: whoever waits for its end then sees what it made.
            for hop in hops.into_iter().rev() {
                self.record(hop).await;
            }
        }
    }

    /// All attachments of a type, parsed.
    async fn attachment(&self, place: &run::Place, kind: &str) -> Vec<Value> {
        let listed = self
            .get(&place.path(&format!("/attachments/{kind}")))
            .await
            .unwrap_or_default();
        let mut found = Vec::new();
        for attachment in listed["value"].as_array().into_iter().flatten() {
            let link = attachment.pointer("/_links/self/href").and_then(Value::as_str);
            let path = link.and_then(|link| link.strip_prefix(self.host.base.as_str()));
            if let Some(path) = path
                && let Some(content) = self.get(path).await
            {
                found.push(content);
            }
        }
        found
    }

    async fn get(&self, path: &str) -> Option<Value> {
        match self.host.reader.get(path).await {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::debug!(path, error, "the host did not answer as expected");
                None
            }
        }
    }

    async fn record(&self, hop: Hop) {
        if let Err(error) = self.journal.record(hop).await {
            tracing::warn!(%error, "a hop was not recorded");
        }
    }
}

/// The road ids that a commit message names in its trailers.
fn trailer_roads(message: &str) -> Vec<RoadId> {
    let values = message.lines().filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim()
            .eq_ignore_ascii_case(annotation::ROAD_TRAILER)
            .then(|| value.trim())
    });
    values.filter_map(|value| value.parse().ok()).collect()
}
