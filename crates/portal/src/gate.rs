//! The first gate: before anything is committed, what would come of it is tried as the person.
//!
//! Kubernetes RBAC decides. Each object that a folder's Application would apply is applied here without being kept, by
//! the person's own client; each path is asked of the rules that the Git host applies to a push.

use std::sync::Arc;

use futures::future::BoxFuture;
use pave_auth::{AccessRequest, Authorizer, Principal};
use pave_diagnostic::{Diagnostic, Diagnostics, Label};
use pave_kube::{Kinds, KindsError, api_resource, metadata_text};
use pave_manifest::urls::same_repository;
use pave_names::annotation;
use pave_scaffolder::{PlannedFile, PublishGate};
use pave_yaml::{Dialect, Document};
use serde_json::{Value, json};
use url::Url;

use crate::context::ClientFor;

/// Code of every refusal for want of a right.
pub(crate) const NOT_PERMITTED: &str = "PV1801";
/// Code of an object that the cluster would refuse.
const REFUSED: &str = "PV1201";
/// Code of an object in a folder that nothing reads.
const STRANDED: &str = "PV1207";
/// Field manager of the trial; it never owns anything.
const MANAGER: &str = "pave-review";

/// What the gate needs.
pub struct Gate {
    /// Reads Applications and what is there now.
    pub kinds: Kinds,
    /// Clients by which the trial is made.
    pub client_for: ClientFor,
    /// Asked about pushes and deletions.
    pub authorizer: Arc<dyn Authorizer>,
    /// Git hosts (`host:port`) whose pushes these rules decide.
    pub governed_hosts: Vec<String>,
}

impl PublishGate for Gate {
    fn check<'a>(
        &'a self,
        principal: &'a Principal,
        repository: &'a str,
        branch: &'a str,
        files: &'a [PlannedFile],
    ) -> BoxFuture<'a, Result<(), Diagnostics>> {
        Box::pin(async move {
            let findings = self.findings(principal, repository, branch, files).await;
            if findings.is_empty() {
                Ok(())
            } else {
                Err(findings)
            }
        })
    }
}

impl Gate {
    /// Everything that stands against committing these files to a branch.
    pub async fn findings(
        &self,
        principal: &Principal,
        repository: &str,
        branch: &str,
        files: &[PlannedFile],
    ) -> Diagnostics {
        let applications = self.applications().await;
        let mut findings = Vec::new();
        for file in files {
            findings.extend(self.push(principal, repository, &file.path).await);
            let Some(application) = applications
                .iter()
                .find(|it| syncs(it, repository, branch, &file.path))
            else {
                findings.extend(self.stranded(&applications, repository, branch, file).await);
                continue;
            };
            let namespace = application
                .pointer("/spec/destination/namespace")
                .and_then(Value::as_str);
            match file.text() {
                Some(text) => {
                    let (documents, broken) = pave_yaml::parse(&file.path, text, Dialect::Kubernetes);
                    findings.extend(broken);
                    for document in documents {
                        findings.extend(self.trial(principal, &document, namespace).await);
                    }
                }
                None => findings.extend(self.removal(principal, application, &file.path).await),
            }
        }
        findings
    }

    /// A finding for an object of a kind that the cluster knows, in a folder that no Application of its repository
    /// brings there: the commit would be made, and nothing would ever come of it.
    async fn stranded(
        &self,
        applications: &[Value],
        repository: &str,
        branch: &str,
        file: &PlannedFile,
    ) -> Option<Diagnostic> {
        let folders: Vec<String> = applications
            .iter()
            .filter(|application| tracks(application, repository, branch))
            .filter_map(|application| application.pointer("/spec/source/path")?.as_str())
            .map(|folder| format!("`{}/`", folder.trim_matches('/')))
            .collect();
        if folders.is_empty() {
            return None;
        }
        let (documents, _) = pave_yaml::parse(&file.path, file.text()?, Dialect::Kubernetes);
        for document in documents {
            if self.kinds.of(&document.to_value()).await.is_ok() {
                return Some(
                    Diagnostic::error(
                        STRANDED,
                        format!("no Application brings `{}` into the cluster", file.path),
                    )
                    .with_label(document.label("/kind"))
                    .with_help(format!(
                        "choose a team that has a folder; there are {}",
                        folders.join(", ")
                    )),
                );
            }
        }
        None
    }

    async fn applications(&self) -> Vec<Value> {
        let resource = api_resource("argoproj.io", "v1alpha1", "Application", "applications");
        let api: kube::Api<kube::api::DynamicObject> =
            kube::Api::all_with(self.kinds.client().clone(), &resource);
        match api.list(&kube::api::ListParams::default()).await {
            Ok(list) => list
                .items
                .into_iter()
                .filter_map(|it| serde_json::to_value(it).ok())
                .collect(),
            Err(error) => {
                tracing::warn!(%error, "Applications cannot be read");
                Vec::new()
            }
        }
    }

    /// Whether the Git host would take a push to this path.
    async fn push(&self, principal: &Principal, repository: &str, path: &str) -> Option<Diagnostic> {
        let url = Url::parse(repository).ok()?;
        let host = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
        if !self.governed_hosts.contains(&host) {
            return None;
        }
        let place = url.path().trim_matches('/').replace("/_git/", "/");
        let request = AccessRequest::path("push", format!("/forge/{place}/{path}"));
        let decision = self.authorizer.authorize(principal, &request).await;
        (!decision.allowed).then(|| {
            Diagnostic::error(NOT_PERMITTED, format!("you may not push `{path}`"))
                .with_label(Label::at(pave_diagnostic::Location::new(path, 1, 1)))
                .with_help(decision.reason)
        })
    }

    /// Applies an object as the person, without keeping it.
    async fn trial(
        &self,
        principal: &Principal,
        document: &Document,
        namespace: Option<&str>,
    ) -> Option<Diagnostic> {
        let mut object = document.to_value();
        if object.get("apiVersion").is_none() || object.get("kind").is_none() {
            return None;
        }
        let kinds = self.kinds.with_client((self.client_for)(principal));
        let resolved = match kinds.of(&object).await {
            Ok(resolved) => resolved,
            Err(error) => return Some(refusal(document, &error)),
        };
        if resolved.namespaced && metadata_text(&object, "namespace").is_none() {
            object["metadata"]["namespace"] = json!(namespace.unwrap_or("default"));
        }
        pave_kube::apply(&kinds, &object, MANAGER, true)
            .await
            .err()
            .map(|error| refusal(document, &error))
    }

    /// Whether the person may delete what came from a file.
    async fn removal(&self, principal: &Principal, application: &Value, path: &str) -> Diagnostics {
        let mut findings = Vec::new();
        for resource in application
            .pointer("/status/resources")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let Some(object) = self.live(resource).await else {
                continue;
            };
            let source = object
                .pointer("/metadata/annotations")
                .and_then(|it| it[annotation::SOURCE].as_str());
            if source
                .and_then(|source| source.rsplit_once('@'))
                .is_none_or(|(from, _)| from != path)
            {
                continue;
            }
            let Ok(kind) = self.kinds.of(&object).await else {
                continue;
            };
            let request = AccessRequest {
                verb: "delete".into(),
                group: kind.resource.group,
                resource: kind.resource.plural,
                namespace: metadata_text(&object, "namespace").unwrap_or_default().to_owned(),
                name: metadata_text(&object, "name").unwrap_or_default().to_owned(),
                ..AccessRequest::default()
            };
            let decision = self.authorizer.authorize(principal, &request).await;
            if !decision.allowed {
                let key = pave_kube::key_of(&object);
                findings.push(
                    Diagnostic::error(NOT_PERMITTED, format!("you may not delete {key}"))
                        .with_help(decision.reason),
                );
            }
        }
        findings
    }

    async fn live(&self, resource: &Value) -> Option<Value> {
        let text = |key: &str| resource[key].as_str().unwrap_or_default();
        let gvk = pave_names::GroupVersionKind {
            group: text("group").to_owned(),
            version: text("version").to_owned(),
            kind: text("kind").to_owned(),
        };
        let kind = self.kinds.resolve(&gvk).await.ok()?;
        let found = kind
            .api(self.kinds.client(), Some(text("namespace")))
            .get_opt(text("name"))
            .await
            .ok()??;
        serde_json::to_value(found).ok()
    }
}

/// Whether an Application brings a file of a repository's branch into the cluster.
fn syncs(application: &Value, repository: &str, branch: &str, path: &str) -> bool {
    tracks(application, repository, branch) && pave_tracer::application::concerns(application, [path])
}

/// Whether an Application follows a repository's branch.
fn tracks(application: &Value, repository: &str, branch: &str) -> bool {
    let source = &application["spec"]["source"];
    let revision = source["targetRevision"].as_str().unwrap_or("HEAD");
    let of_branch =
        matches!(revision, "" | "HEAD") || revision == branch || revision == format!("refs/heads/{branch}");
    source["repoURL"]
        .as_str()
        .is_some_and(|url| same_repository(url, repository))
        && of_branch
}

fn refusal(document: &Document, error: &KindsError) -> Diagnostic {
    let root = document.label("/kind");
    match error {
        KindsError::Cluster(kube::Error::Api(status)) if status.code == 403 => {
            Diagnostic::error(NOT_PERMITTED, status.message.clone())
                .with_label(root)
                .with_help("ask a member of group `platform` for the right, or choose a team of yours")
        }
        KindsError::Cluster(kube::Error::Api(status)) => {
            let field = status
                .details
                .as_ref()
                .and_then(|details| details.causes.first())
                .map(|cause| cause.field.clone());
            let pointer = field.map(|field| format!("/{}", field.trim_start_matches('.').replace('.', "/")));
            let label = pointer.map_or(root, |pointer| document.label(&pointer));
            Diagnostic::error(
                REFUSED,
                format!("the cluster would refuse this: {}", status.message),
            )
            .with_label(label)
        }
        other => {
            Diagnostic::error(REFUSED, format!("the cluster would refuse this: {other}")).with_label(root)
        }
    }
}
