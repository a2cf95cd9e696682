//! A bare repository, a reader of fixtures, a gate that can be closed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use pave_auth::Principal;
use pave_diagnostic::Diagnostic;
use pave_journal::Journal;
use pave_names::EntityRef;
use pave_runtime::Tasks;
use serde_json::{Value, json};
use url::Url;

use crate::{
    CatalogLookup, Context, Created, Credentials, Defaults, Event, EventKind, PlannedFile, PublishGate,
    Registered, Scaffolder, SourceFile, SourceReader,
};

/// Longest that a condition may take to come true.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

pub(super) struct World {
    directory: tempfile::TempDir,
    pub(super) refusal: Arc<Mutex<Vec<Diagnostic>>>,
    pub(super) skeleton: Vec<SourceFile>,
}

struct Neighbours {
    refusal: Arc<Mutex<Vec<Diagnostic>>>,
    skeleton: Vec<SourceFile>,
}

impl SourceReader for Neighbours {
    fn read_tree<'a>(
        &'a self,
        _: &'a Principal,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SourceFile>, String>> {
        Box::pin(async move {
            if url.ends_with("skeleton") {
                Ok(self.skeleton.clone())
            } else {
                Err(format!("nothing is at {url}"))
            }
        })
    }

    fn read_file<'a>(&'a self, _: &'a Principal, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        Box::pin(async move { Ok(format!("content of {url}").into_bytes()) })
    }

    fn resolve(&self, base: &str, url: &str) -> Result<String, String> {
        let base = Url::parse(base).map_err(|error| error.to_string())?;
        base.join(url).map(Into::into).map_err(|error| error.to_string())
    }
}

impl Credentials for Neighbours {
    fn credential<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a Url,
    ) -> BoxFuture<'a, Result<Option<pave_git::Credential>, String>> {
        Box::pin(async { Ok(None) })
    }
}

impl CatalogLookup for Neighbours {
    fn entity<'a>(&'a self, reference: &'a EntityRef) -> BoxFuture<'a, Result<Option<Value>, String>> {
        let entity = json!({ "kind": "User", "metadata": { "name": reference.name() }, "spec": { "memberOf": ["team-a"] } });
        Box::pin(async move { Ok((reference.name() == "alice").then_some(entity)) })
    }

    fn register<'a>(&'a self, _: &'a Principal, _: &'a str) -> BoxFuture<'a, Result<Registered, String>> {
        Box::pin(async {
            Ok(Registered {
                entity_ref: Some("component:default/x".to_owned()),
            })
        })
    }
}

impl PublishGate for Neighbours {
    fn check<'a>(
        &'a self,
        _: &'a Principal,
        _: &'a str,
        _: &'a str,
        _: &'a [PlannedFile],
    ) -> BoxFuture<'a, Result<(), Vec<Diagnostic>>> {
        let refusal = self.refusal.lock().unwrap().clone();
        Box::pin(async move { if refusal.is_empty() { Ok(()) } else { Err(refusal) } })
    }
}

pub(super) fn alice() -> Principal {
    Principal {
        entity: EntityRef::new("user", "default", "alice"),
        user: "alice".to_owned(),
        groups: vec!["team-a".to_owned()],
        display_name: "Alice".to_owned(),
        email: "alice@example.com".to_owned(),
        ..Principal::anonymous()
    }
}

impl World {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let world = Self {
            directory,
            refusal: Arc::default(),
            skeleton: Vec::new(),
        };
        world.git(&[
            "init",
            "--quiet",
            "--bare",
            "--initial-branch=main",
            "repository.git",
        ]);
        world
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.directory.path())
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Output of a Git command in the bare repository.
    pub(super) fn remote(&self, arguments: &[&str]) -> String {
        let mut all = vec!["-C", "repository.git"];
        all.extend(arguments);
        self.git(&all)
    }

    pub(super) fn remote_url(&self) -> String {
        Url::from_file_path(self.path("repository.git")).unwrap().into()
    }

    pub(super) fn journal(&self) -> Journal {
        Journal::open(&self.path("journal.db")).unwrap()
    }

    pub(super) async fn open(&self, tasks: &Tasks) -> Scaffolder {
        self.open_with(tasks, |_| {}).await
    }

    pub(super) async fn open_with(&self, tasks: &Tasks, change: impl FnOnce(&mut Context)) -> Scaffolder {
        let neighbours = Arc::new(Neighbours {
            refusal: Arc::clone(&self.refusal),
            skeleton: self.skeleton.clone(),
        });
        let keys = pave_keys::Keys::open(&self.path("keys")).unwrap();
        let mut context = Context {
            data: self.path("data"),
            workspaces: self.path("workspaces"),
            reader: neighbours.clone(),
            credentials: neighbours.clone(),
            catalog: neighbours.clone(),
            gate: neighbours,
            journal: self.journal(),
            sealer: keys.sealer(),
            authority: Some(keys.ca_path().to_owned()),
            actions: Vec::new(),
            defaults: Defaults::default(),
            interrupt: None,
        };
        change(&mut context);
        Scaffolder::open(context, tasks.clone()).await.unwrap()
    }

    pub(super) fn has_file(&self, name: &str) -> bool {
        Path::new(&self.path(name)).exists()
    }
}

/// A template with one page of string parameters.
pub(super) fn template(steps: &Value) -> Value {
    json!({
        "apiVersion": "scaffolder.backstage.io/v1beta3",
        "kind": "Template",
        "metadata": {
            "name": "make", "namespace": "default", "title": "Make an environment",
            "annotations": { "backstage.io/managed-by-location": "url:https://host/o/p/_git/r/templates/make.yaml" },
        },
        "spec": {
            "type": "service",
            "parameters": { "required": ["envName"], "properties": {
                "envName": { "type": "string" },
                "dbUser": { "type": "string", "default": "admin_user" } } },
            "steps": steps,
            "output": { "commit": "${{ steps.publish.output.commitHash }}", "links": [{ "title": "x", "url": "y", "if": "${{ parameters.nothing }}" }] },
        },
    })
}

pub(super) async fn create(
    scaffolder: &Scaffolder,
    template: &Value,
    values: Value,
    secrets: Value,
) -> String {
    match scaffolder
        .create_task(&alice(), template, values, secrets)
        .await
        .unwrap()
    {
        Created::Task { id, .. } => id,
        Created::Invalid(errors) => panic!("{errors:?}"),
    }
}

/// All events up to the end.
pub(super) async fn finished(scaffolder: &Scaffolder, id: &str) -> Vec<Event> {
    let stream = scaffolder.events(id, 0);
    tokio::time::timeout(DEADLINE, stream.collect::<Vec<_>>())
        .await
        .expect("the task should end")
}

/// Messages of the log.
pub(super) fn messages(events: &[Event]) -> Vec<String> {
    let lines = events.iter().filter(|event| event.kind == EventKind::Log);
    lines
        .map(|event| event.body["message"].as_str().unwrap().to_owned())
        .collect()
}

pub(super) fn completion(events: &[Event]) -> &Value {
    let last = events.last().unwrap();
    assert_eq!(last.kind, EventKind::Completion);
    &last.body
}

/// A wish for a task: the steps, and what a person filled in.
pub(super) struct Request {
    template: Value,
    values: Value,
    secrets: Value,
}

/// A task that ran.
pub(super) struct Ended {
    pub(super) id: String,
    pub(super) events: Vec<Event>,
}

impl Request {
    pub(super) fn of(steps: &Value) -> Self {
        Self {
            template: template(steps),
            values: json!({ "envName": "x" }),
            secrets: json!({}),
        }
    }

    pub(super) fn values(mut self, values: Value) -> Self {
        self.values = values;
        self
    }

    pub(super) fn secrets(mut self, secrets: Value) -> Self {
        self.secrets = secrets;
        self
    }

    pub(super) async fn start(self, scaffolder: &Scaffolder) -> String {
        create(scaffolder, &self.template, self.values, self.secrets).await
    }

    pub(super) async fn run(self, scaffolder: &Scaffolder) -> Ended {
        let id = self.start(scaffolder).await;
        let events = finished(scaffolder, &id).await;
        Ended { id, events }
    }
}
