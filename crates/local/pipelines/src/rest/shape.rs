//! Our things in Azure DevOps' JSON.

use pave_auth::Principal;
use pave_devops::{Project, RepositoryAt};
use pave_diagnostic::Severity;
use pave_pipeline::Outcome;
use serde_json::{Map, Value, json};
use url::Url;

use crate::run::{Log, Progress, Record, Run};
use crate::store::Stored;
use crate::things::Definition;

/// Where links point.
pub(crate) struct Links<'a> {
    pub(crate) base: &'a Url,
}

impl Links<'_> {
    fn organization(&self, project: &Project) -> String {
        format!(
            "{}/{}",
            self.base.as_str().trim_end_matches('/'),
            project.organization
        )
    }

    /// URL of a call.
    pub(crate) fn api(&self, project: &Project, path: &str) -> String {
        format!("{}/{}/_apis/{path}", self.organization(project), project.id)
    }

    /// URL of a page.
    pub(crate) fn web(&self, project: &Project, path: &str) -> String {
        format!("{}/{}/{path}", self.organization(project), encoded(&project.name))
    }

    pub(crate) fn identity(&self, principal: &Principal, project: &Project) -> Value {
        json!({
            "id": principal.id, "displayName": principal.display_name, "uniqueName": unique_name(principal),
            "descriptor": format!("aad.{}", principal.id.simple()),
            "url": format!("{}/_apis/Identities/{}", self.organization(project), principal.id),
            "imageUrl": format!("{}/_apis/GraphProfile/MemberAvatars/aad.{}", self.organization(project), principal.id.simple()),
        })
    }

    pub(crate) fn project(&self, project: &Project) -> Value {
        json!({
            "id": project.id, "name": project.name, "state": "wellFormed", "visibility": "private", "revision": 1,
            "url": format!("{}/_apis/projects/{}", self.organization(project), project.id),
        })
    }

    /// The old area's definition.
    pub(crate) fn definition(&self, stored: &Stored<Definition>) -> Value {
        let it = &stored.body;
        let mut all = self.definition_reference(stored);
        let variables: Map<String, Value> = it
            .variables
            .iter()
            .map(|(name, variable)| {
                let value = if variable.is_secret { Value::Null } else { json!(variable.value) };
                (name.clone(), json!({"value": value, "isSecret": variable.is_secret, "allowOverride": variable.allow_override}))
            })
            .collect();
        let more = json!({
            "process": {"type": 2, "yamlFilename": it.yaml.trim_start_matches('/')},
            "repository": Self::repository(&it.repository, &it.repository.default_branch),
            "triggers": if it.triggered { json!([{"triggerType": "continuousIntegration", "settingsSourceType": 2, "branchFilters": [], "pathFilters": [], "batchChanges": false}]) } else { json!([]) },
            "variables": variables, "quality": "definition", "jobAuthorizationScope": "project",
            "jobTimeoutInMinutes": 60, "jobCancelTimeoutInMinutes": 5, "properties": {}, "tags": [],
            "queue": Self::queue(&it.project),
        });
        merge(&mut all, more);
        all
    }

    pub(crate) fn definition_reference(&self, stored: &Stored<Definition>) -> Value {
        let it = &stored.body;
        json!({
            "id": stored.id, "name": it.name, "path": it.path, "revision": it.revision, "type": "build", "quality": "definition",
            "queueStatus": it.queue_status, "createdDate": it.created_at, "project": self.project(&it.project),
            "authoredBy": self.identity(&it.author, &it.project),
            "uri": format!("vstfs:///Build/Definition/{}", stored.id),
            "url": self.api(&it.project, &format!("build/Definitions/{}?revision={}", stored.id, it.revision)),
            "_links": {
                "self": {"href": self.api(&it.project, &format!("build/Definitions/{}", stored.id))},
                "web": {"href": self.web(&it.project, &format!("_build/definition?definitionId={}", stored.id))},
            },
        })
    }

    /// The new area's pipeline.
    pub(crate) fn pipeline(&self, stored: &Stored<Definition>) -> Value {
        let it = &stored.body;
        json!({
            "id": stored.id, "name": it.name, "folder": it.path, "revision": it.revision,
            "url": self.api(&it.project, &format!("pipelines/{}?revision={}", stored.id, it.revision)),
            "configuration": {
                "type": "yaml", "path": it.yaml,
                "repository": {"id": it.repository.id, "name": it.repository.name, "type": "azureReposGit"},
            },
            "_links": {
                "self": {"href": self.api(&it.project, &format!("pipelines/{}", stored.id))},
                "web": {"href": self.web(&it.project, &format!("_build/definition?definitionId={}", stored.id))},
            },
        })
    }

    pub(crate) fn repository(repository: &RepositoryAt, branch: &str) -> Value {
        json!({
            "id": repository.id, "name": repository.name, "type": "TfsGit", "url": repository.url, "defaultBranch": branch,
            "clean": null, "checkoutSubmodules": false,
        })
    }

    pub(crate) fn queue(project: &Project) -> Value {
        json!({
            "id": 1, "name": "Azure Pipelines", "projectId": project.id,
            "pool": {"id": 1, "name": "Azure Pipelines", "isHosted": true},
        })
    }

    /// A build.
    pub(crate) fn build(&self, run: &Run) -> Value {
        let project = &run.project;
        let who = self.identity(&run.requested_for, project);
        let parameters: Map<String, Value> = run
            .variables
            .iter()
            .filter(|it| !it.secret)
            .map(|it| (it.name.clone(), json!(it.value)))
            .collect();
        let mut all = json!({
            "id": run.id, "buildNumber": run.number, "status": status(run), "queueTime": run.queued_at,
            "startTime": run.started_at, "finishTime": run.finished_at, "reason": run.reason, "priority": "normal",
            "sourceBranch": run.branch, "sourceVersion": run.version,
            "definition": {
                "id": run.definition, "name": run.definition_name, "path": "\\", "type": "build", "queueStatus": "enabled",
                "revision": 1, "project": self.project(project), "uri": format!("vstfs:///Build/Definition/{}", run.definition),
                "url": self.api(project, &format!("build/Definitions/{}", run.definition)),
            },
            "project": self.project(project), "queue": Self::queue(project),
            "requestedFor": who, "requestedBy": who, "lastChangedBy": who,
            "lastChangedDate": run.finished_at.as_ref().or(run.started_at.as_ref()).unwrap_or(&run.queued_at),
            "orchestrationPlan": {"planId": run.plan_id}, "plans": [{"planId": run.plan_id}],
            "repository": Self::repository(&run.repository, &run.repository.default_branch),
            "logs": {"id": 0, "type": "Container", "url": self.api(project, &format!("build/builds/{}/logs", run.id))},
            "parameters": if parameters.is_empty() { Value::Null } else { json!(Value::Object(parameters).to_string()) },
            "templateParameters": run.template_parameters, "triggerInfo": trigger_info(run),
            "validationResults": validation(run), "tags": run.tags, "properties": {}, "retainedByRelease": false,
            "appendCommitMessageToRunName": true, "keepForever": false,
            "uri": format!("vstfs:///Build/Build/{}", run.id),
            "url": self.api(project, &format!("build/Builds/{}", run.id)),
            "_links": {
                "self": {"href": self.api(project, &format!("build/Builds/{}", run.id))},
                "web": {"href": self.web(project, &format!("_build/results?buildId={}", run.id))},
                "timeline": {"href": self.api(project, &format!("build/builds/{}/Timeline", run.id))},
            },
        });
        if let (Some(outcome), Progress::Completed) = (run.result, run.progress) {
            all["result"] = json!(build_result(outcome));
        }
        without_nulls(&mut all);
        all
    }

    /// A run of the new area.
    pub(crate) fn run(&self, run: &Run) -> Value {
        let project = &run.project;
        let state = match run.progress {
            Progress::Completed => "completed",
            _ if run.canceled => "canceling",
            _ => "inProgress",
        };
        let variables: Map<String, Value> = run
            .variables
            .iter()
            .map(|it| {
                (
                    it.name.clone(),
                    if it.secret {
                        json!({"isSecret": true})
                    } else {
                        json!({"value": it.value})
                    },
                )
            })
            .collect();
        let own = format!("pipelines/{}/runs/{}", run.definition, run.id);
        let mut all = json!({
            "id": run.id, "name": run.number, "state": state, "createdDate": run.queued_at, "finishedDate": run.finished_at,
            "url": self.api(project, &own), "templateParameters": run.template_parameters, "variables": variables,
            "pipeline": {
                "id": run.definition, "name": run.definition_name, "folder": "\\", "revision": 1,
                "url": self.api(project, &format!("pipelines/{}?revision=1", run.definition)),
            },
            "resources": self.resources(run),
            "_links": {
                "self": {"href": self.api(project, &own)},
                "web": {"href": self.web(project, &format!("_build/results?buildId={}", run.id))},
                "pipeline": {"href": self.api(project, &format!("pipelines/{}", run.definition))},
            },
        });
        if let (Some(outcome), Progress::Completed) = (run.result, run.progress) {
            let word = match outcome {
                Outcome::Failed => "failed",
                Outcome::Canceled => "canceled",
                _ => "succeeded",
            };
            all["result"] = json!(word);
        }
        without_nulls(&mut all);
        all
    }

    /// Versions of everything that a run is made of.
    fn resources(&self, run: &Run) -> Value {
        let mut repositories = Map::new();
        repositories.insert(
            "self".to_owned(),
            json!({
                "repository": {"id": run.repository.id, "type": "azureReposGit"}, "refName": run.branch, "version": run.version,
            }),
        );
        for it in run.plan.repositories.iter().filter(|it| it.alias != "self") {
            repositories.insert(
                it.alias.clone(),
                json!({"repository": {"fullName": it.name, "type": "azureReposGit"}, "refName": it.reference, "version": it.version}),
            );
        }
        let pipelines: Map<String, Value> = run
            .pipelines
            .iter()
            .map(|it| {
                let url = self.api(&it.project, &format!("pipelines/{}", it.definition));
                let pipeline = json!({"id": it.definition, "name": it.definition_name, "folder": "\\", "revision": 1, "url": url});
                (it.alias.clone(), json!({"pipeline": pipeline, "version": it.number, "runId": it.run}))
            })
            .collect();
        if pipelines.is_empty() {
            return json!({"repositories": repositories});
        }
        json!({"repositories": repositories, "pipelines": pipelines})
    }

    pub(crate) fn timeline(&self, run: &Run) -> Value {
        let records: Vec<Value> = run
            .records
            .iter()
            .map(|record| self.record(run, record))
            .collect();
        json!({
            "records": records, "id": run.plan_id, "changeId": run.change,
            "lastChangedBy": run.requested_for.id, "lastChangedOn": run.finished_at.as_ref().or(run.started_at.as_ref()).unwrap_or(&run.queued_at),
            "url": self.api(&run.project, &format!("build/builds/{}/Timeline/{}", run.id, run.plan_id)),
        })
    }

    fn record(&self, run: &Run, record: &Record) -> Value {
        let count = |kind: &str| record.issues.iter().filter(|issue| issue.kind == kind).count();
        let log = record.log.map(|id| {
            json!({"id": id, "type": "Container", "url": self.api(&run.project, &format!("build/builds/{}/logs/{id}", run.id))})
        });
        let state = match record.progress {
            Progress::Pending => "pending",
            Progress::Running => "inProgress",
            Progress::Completed => "completed",
        };
        let outcome = record.outcome.map(result_word);
        let result = record.result_word.as_deref().or(outcome);
        let previous: Vec<Value> = record
            .previous
            .iter()
            .map(|(attempt, id)| json!({"attempt": attempt, "timelineId": run.plan_id, "recordId": id}))
            .collect();
        json!({
            "id": record.id, "parentId": record.parent, "type": record.kind, "name": record.name, "refName": record.ref_name,
            "identifier": if record.identifier.is_empty() { Value::Null } else { json!(record.identifier) },
            "state": state, "result": result, "resultCode": record.reason, "startTime": record.started_at, "finishTime": record.finished_at,
            "percentComplete": record.percent, "currentOperation": record.operation, "order": record.order,
            "attempt": record.attempt, "errorCount": count("error"), "warningCount": count("warning"),
            "issues": if record.issues.is_empty() { Value::Null } else { json!(record.issues) },
            "log": log, "workerName": record.worker, "queueId": null, "changeId": run.change, "lastModified": null, "details": null,
            "task": record.task.as_ref().map(|(name, major)| json!({"id": task_id(name), "name": name, "version": format!("{major}.0.0")})),
            "previousAttempts": previous,
        })
    }

    pub(crate) fn log(&self, run: &Run, log: &Log, lines: u64) -> Value {
        json!({
            "id": log.id, "type": "Container", "lineCount": lines, "createdOn": log.created_at, "lastChangedOn": log.created_at,
            "url": self.api(&run.project, &format!("build/builds/{}/logs/{}", run.id, log.id)),
        })
    }
}

fn unique_name(principal: &Principal) -> &str {
    if principal.email.is_empty() {
        &principal.user
    } else {
        &principal.email
    }
}

/// The id of a task, made of its name.
pub(crate) fn task_id(name: &str) -> uuid::Uuid {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.to_lowercase().as_bytes())
}

/// Upstream's word for the state of a build.
pub(crate) fn status(run: &Run) -> &'static str {
    match run.progress {
        Progress::Completed => "completed",
        _ if run.canceled => "cancelling",
        Progress::Running => "inProgress",
        Progress::Pending => "notStarted",
    }
}

/// Upstream's word for how a build ended.
pub(crate) fn build_result(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded | Outcome::Skipped => "succeeded",
        Outcome::SucceededWithIssues => "partiallySucceeded",
        Outcome::Failed => "failed",
        Outcome::Canceled => "canceled",
    }
}

/// Upstream's word for how a record ended.
pub(crate) fn result_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::SucceededWithIssues => "succeededWithIssues",
        Outcome::Failed => "failed",
        Outcome::Canceled => "canceled",
        Outcome::Skipped => "skipped",
    }
}

fn trigger_info(run: &Run) -> Value {
    let title = run.message.lines().next().unwrap_or_default();
    match (&run.pull_request, run.reason.as_str()) {
        (Some(it), _) => json!({
            "pr.number": it.id.to_string(), "pr.sourceBranch": it.source_branch, "pr.sourceSha": it.source_commit,
            "pr.title": it.title, "pr.isFork": "False", "pr.triggerRepository": run.repository.id,
        }),
        (None, "individualCI" | "batchedCI") => json!({
            "ci.sourceBranch": run.branch, "ci.sourceSha": run.version, "ci.message": title,
            "ci.triggerRepository": run.repository.id,
        }),
        _ => origin(run),
    }
}

/// What of another pipeline or repository started the run.
fn origin(run: &Run) -> Value {
    let Some(origin) = &run.origin else {
        return json!({});
    };
    let used = run.pipelines.iter().find(|it| it.alias == origin.alias);
    match (origin.category.as_str(), used) {
        ("pipeline", Some(it)) => json!({
            "alias": it.alias, "artifactType": "Pipeline", "pipelineTriggerType": "PipelineCompletion", "source": it.definition_name,
            "version": it.number, "pipelineId": it.run.to_string(), "definitionId": it.definition.to_string(),
            "projectId": it.project.id, "branch": it.branch,
        }),
        ("repository", _) => {
            let repository = run.plan.repositories.iter().find(|it| it.alias == origin.alias);
            json!({
                "alias": origin.alias, "ci.triggerRepository": repository.map(|it| &it.name),
                "ci.sourceBranch": repository.map(|it| &it.reference), "ci.sourceSha": repository.map(|it| &it.version),
            })
        }
        ("schedule", _) => json!({"schedule.name": origin.alias}),
        _ => json!({}),
    }
}

fn validation(run: &Run) -> Vec<Value> {
    let all = run.diagnostics.iter().map(|found| {
        let result = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "ok",
        };
        json!({"result": result, "message": crate::engine::queue::in_a_line(found), "diagnostic": found})
    });
    all.collect()
}

fn merge(all: &mut Value, more: Value) {
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
}

fn without_nulls(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
}

/// A name as a segment of a URL.
pub(crate) fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
