//! `{project}/_apis/policy`: what branches ask for before they take a pull request.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use pave_devops::Event;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, list, repositories};
use crate::error::ApiError;
use crate::event::identity_json;
use crate::forge::Forge;
use crate::neighbours::project_at;
use crate::pull::policy::{KINDS, Kind, KindInfo, Policy};
use crate::pull::{PullRequest, policy};
use crate::repository::{Project, Repository, below};

/// Answers below `_apis/policy`.
pub(super) async fn serve(forge: &Forge, call: &Call, rest: &[&str]) -> Result<Response, ApiError> {
    let name = call
        .project
        .as_deref()
        .ok_or_else(|| ApiError::bad_request("Name the project before _apis/policy."))?;
    let project = repositories::project(forge, &call.organization, name).await?;
    let at = Place {
        forge,
        call,
        project: &project,
    };
    match (&call.method, rest) {
        (&Method::GET, ["types"]) => Ok(list(KINDS.iter().map(|it| at.kind_json(it)))),
        (&Method::GET, ["types", id]) => {
            let found = KINDS.iter().find(|it| it.id.eq_ignore_ascii_case(id));
            let found = found.ok_or_else(|| ApiError::not_found(&format!("policy type {id}")))?;
            Ok(Json(at.kind_json(found)).into_response())
        }
        (&Method::GET, ["configurations"]) => at.all().await,
        (&Method::POST, ["configurations"]) => at.create().await,
        (&Method::GET, ["configurations", id]) => {
            Ok(Json(at.policy_json(&at.find(id).await?)).into_response())
        }
        (&Method::PUT, ["configurations", id]) => at.change(id).await,
        (&Method::DELETE, ["configurations", id]) => at.delete(id).await,
        (&Method::GET, ["evaluations"]) => at.evaluations().await,
        (&Method::GET | &Method::PATCH, ["evaluations", id]) => at.evaluation(id).await,
        _ => Err(ApiError::not_found(&format!(
            "{} policy/{}",
            call.method,
            rest.join("/")
        ))),
    }
}

struct Place<'a> {
    forge: &'a Forge,
    call: &'a Call,
    project: &'a Project,
}

impl Place<'_> {
    /// Refuses who may not change policies; the right is asked for in each repository that they are about.
    async fn check_manage(&self, policy: &Policy) -> Result<(), ApiError> {
        let all = self.forge.store().repositories().await?;
        let scopes = policy.settings.get("scope").and_then(Value::as_array);
        let ids: Vec<&str> = scopes
            .into_iter()
            .flatten()
            .filter_map(|it| it.get("repositoryId").and_then(Value::as_str))
            .collect();
        let whole = format!("/forge/{}/{}", self.project.organization, self.project.name);
        let mut paths = Vec::new();
        if ids.is_empty() || ids.len() < scopes.map_or(0, Vec::len) {
            paths.push(whole);
        } else {
            for id in ids {
                let found = all
                    .iter()
                    .find(|it| it.project.id == self.project.id && it.id.to_string().eq_ignore_ascii_case(id))
                    .ok_or_else(|| ApiError::no_repository(id))?;
                paths.push(found.access_path());
            }
        }
        for path in paths {
            let user = &self.call.principal.user;
            self.forge
                .allows(&self.call.principal, "manage", path.clone())
                .await
                .map_err(|reason| {
                    ApiError::forbidden(format!(
                        "{user} may not change branch policies: verb manage on nonResourceURL {path} is missing. {reason}"
                    ))
                })?;
        }
        Ok(())
    }

    async fn find(&self, id: &str) -> Result<Policy, ApiError> {
        let all = self.forge.store().policies(self.project.id).await?;
        all.into_iter().find(|it| it.id.to_string() == id).ok_or_else(|| {
            ApiError::new(
                StatusCode::NOT_FOUND,
                "PolicyConfigurationNotFoundException",
                format!(
                    "TF402452: There is no policy configuration {id} in project {}.",
                    self.project.name
                ),
            )
        })
    }

    async fn all(&self) -> Result<Response, ApiError> {
        let wanted = self
            .call
            .query
            .get(&["policyType", "policyTypeId"])
            .map(str::to_lowercase);
        // `{repository id, with or without dashes}[:{branch}]`.
        let scope = self.call.query.get(&["scope"]);
        let scope = scope.map(|scope| {
            scope
                .split_once(':')
                .map_or((scope, None), |(id, name)| (id, Some(name)))
        });
        let repository = self.call.query.get(&["repositoryId"]);
        let repository = repository
            .or(scope.map(|(id, _)| id))
            .and_then(|id| Uuid::parse_str(id).ok());
        let branch = self
            .call
            .query
            .get(&["refName"])
            .or(scope.and_then(|(_, name)| name));
        let all = self.forge.store().policies(self.project.id).await?;
        let asked = |it: &&Policy| {
            let text = it.settings.to_string();
            wanted.as_ref().is_none_or(|id| *id == it.kind.to_lowercase())
                && repository.is_none_or(|id| {
                    it.covers(id, branch.unwrap_or_default())
                        || (branch.is_none() && text.contains(&id.to_string()))
                })
        };
        Ok(list(all.iter().filter(asked).map(|it| self.policy_json(it))))
    }

    fn read(&self, body: &Value) -> Result<Policy, ApiError> {
        let id = body
            .pointer("/type/id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let known = KINDS
            .iter()
            .find(|it| it.id.eq_ignore_ascii_case(id))
            .ok_or_else(|| {
                let names: Vec<String> = KINDS
                    .iter()
                    .map(|it| format!("{} ({})", it.id, it.name))
                    .collect();
                ApiError::bad_request(format!(
                    "The policy type '{id}' is not known here. Known are: {}.",
                    names.join(", ")
                ))
            })?;
        let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(true);
        let settings = body.get("settings").cloned().unwrap_or_else(|| json!({}));
        let policy = Policy {
            id: 0,
            project: self.project.id,
            kind: known.id.to_owned(),
            enabled: flag("isEnabled"),
            blocking: flag("isBlocking"),
            settings,
            created_by: self.call.principal.clone(),
            created_at: pave_runtime::clock::rfc3339(),
            revision: 1,
        };
        check_settings(&policy, known.kind)?;
        Ok(policy)
    }

    async fn create(&self) -> Result<Response, ApiError> {
        let policy = self.read(&self.call.json()?)?;
        self.check_manage(&policy).await?;
        let policy = self.forge.store().keep_policy(policy).await?;
        self.changed(policy.id).await?;
        Ok(Json(self.policy_json(&policy)).into_response())
    }

    async fn change(&self, id: &str) -> Result<Response, ApiError> {
        let old = self.find(id).await?;
        self.check_manage(&old).await?;
        let mut policy = self.read(&self.call.json()?)?;
        self.check_manage(&policy).await?;
        policy.id = old.id;
        policy.created_at = old.created_at;
        policy.created_by = old.created_by;
        policy.revision = old.revision + 1;
        let policy = self.forge.store().keep_policy(policy).await?;
        self.changed(policy.id).await?;
        Ok(Json(self.policy_json(&policy)).into_response())
    }

    async fn delete(&self, id: &str) -> Result<Response, ApiError> {
        let old = self.find(id).await?;
        self.check_manage(&old).await?;
        self.forge.store().delete_policy(self.project.id, old.id).await?;
        self.changed(old.id).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    /// Lets pull requests and pages know.
    async fn changed(&self, id: i64) -> Result<(), ApiError> {
        self.forge.compare_pulls().await?;
        self.forge.feed().publish(Event::Changed {
            project: project_at(self.project),
            area: "policy",
            id: id.to_string(),
        });
        Ok(())
    }

    fn kind_json(&self, it: &KindInfo) -> Value {
        let url = self.url(&["types", it.id]);
        json!({ "id": it.id, "displayName": it.name, "description": it.name, "url": url })
    }

    fn url(&self, tail: &[&str]) -> url::Url {
        let project = self.project.id.to_string();
        let mut segments = vec![self.project.organization.as_str(), &project, "_apis", "policy"];
        segments.extend(tail);
        below(self.forge.base_url(), &segments)
    }

    fn policy_json(&self, policy: &Policy) -> Value {
        json!({
            "id": policy.id,
            "type": policy.info().map(|it| self.kind_json(it)),
            "revision": policy.revision,
            "isEnabled": policy.enabled,
            "isBlocking": policy.blocking,
            "isDeleted": false,
            "isEnterpriseManaged": false,
            "settings": policy.settings,
            "createdBy": identity_json(self.forge.base_url(), &self.project.organization, &policy.created_by),
            "createdDate": policy.created_at,
            "url": self.url(&["configurations", &policy.id.to_string()]),
        })
    }

    /// `evaluations?artifactId=vstfs:///CodeReview/CodeReviewId/{project}/{pull request}`.
    async fn evaluations(&self) -> Result<Response, ApiError> {
        let artifact = self.call.query.get(&["artifactId"]).unwrap_or_default();
        let id = artifact.rsplit(['/']).next().unwrap_or_default();
        let id = id.rsplit("%2F").next().unwrap_or_default();
        let number: i64 = id.parse().map_err(|_| {
            ApiError::bad_request(
                "artifactId is not vstfs:///CodeReview/CodeReviewId/{projectId}/{pullRequestId}.",
            )
        })?;
        let (repository, pull) = self.pull(number).await?;
        let mut shown = Vec::new();
        for policy in self.forge.policies_of(&repository, &pull.target).await? {
            shown.push(self.evaluation_json(&repository, &pull, &policy).await?);
        }
        Ok(list(shown))
    }

    async fn pull(&self, id: i64) -> Result<(Repository, PullRequest), ApiError> {
        let missing = || super::pulls::no_pull(&id.to_string());
        let found = self.forge.store().pull(id).await?.ok_or_else(missing)?;
        let repository = self
            .forge
            .repository_by_id(found.repository)
            .await
            .map_err(|_| missing())?;
        if repository.project.id != self.project.id {
            return Err(missing());
        }
        self.forge.check_read(&self.call.principal, &repository).await?;
        let pull = self
            .forge
            .fresh_pull(&repository, id)
            .await?
            .ok_or_else(missing)?;
        Ok((repository, pull))
    }

    async fn evaluation_json(
        &self,
        repository: &Repository,
        pull: &PullRequest,
        policy: &Policy,
    ) -> Result<Value, ApiError> {
        let paths = self.forge.changed_by(repository, pull).await?;
        let found = policy.evaluate(pull, &paths);
        let check = pull.checks.get(&policy.id);
        let mut context = json!({ "reason": found.reason });
        if let Some(check) = check {
            context["buildId"] = json!(check.build);
            context["buildDefinitionId"] = json!(policy.number("buildDefinitionId"));
            context["lastMergeCommit"] = json!(check.merge);
            context["isExpired"] = json!(
                check.merge != pull.merge.commit
                    && !pull.merge.commit.is_empty()
                    && check.source != pull.merge.source
            );
        }
        Ok(json!({
            "evaluationId": evaluation_id(pull.id, policy.id),
            "artifactId": format!("vstfs:///CodeReview/CodeReviewId/{}/{}", self.project.id, pull.id),
            "status": found.status,
            "startedDate": pull.created_at,
            "context": context,
            "configuration": self.policy_json(policy),
        }))
    }

    /// One evaluation; PATCH queues its build again.
    async fn evaluation(&self, id: &str) -> Result<Response, ApiError> {
        let wanted = Uuid::parse_str(id).map_err(|_| ApiError::not_found(&format!("evaluation {id}")))?;
        let (pull, policy) =
            evaluation_of(wanted).ok_or_else(|| ApiError::not_found(&format!("evaluation {id}")))?;
        let (repository, mut pull) = self.pull(pull).await?;
        let policy = self.find(&policy.to_string()).await?;
        if self.call.method == Method::PATCH && policy.is(Kind::Build) && pull.is_active() {
            if pull.created_by.id != self.call.principal.id {
                self.forge
                    .check_verb(
                        &self.call.principal,
                        &repository,
                        "review",
                        "queue a build of this pull request",
                    )
                    .await?;
            }
            let _turn = self.forge.turn(&repository).await;
            if let Some(now) = self.forge.store().pull(pull.id).await? {
                pull = now;
            }
            self.forge.queue_build(&repository, &mut pull, &policy).await?;
            self.forge.keep_pull(&repository, &pull, Vec::new()).await?;
        }
        let shown = self.evaluation_json(&repository, &pull, &policy).await?;
        Ok(Json(shown).into_response())
    }
}

/// An evaluation has no row; its id holds both numbers.
fn evaluation_id(pull: i64, policy: i64) -> Uuid {
    let (pull, policy) = (pull.unsigned_abs(), policy.unsigned_abs());
    Uuid::from_u64_pair(pull, policy)
}

fn evaluation_of(id: Uuid) -> Option<(i64, i64)> {
    let (pull, policy) = id.as_u64_pair();
    Some((i64::try_from(pull).ok()?, i64::try_from(policy).ok()?))
}

fn check_settings(policy: &Policy, kind: policy::Kind) -> Result<(), ApiError> {
    let wrong = |what: &str| {
        Err(ApiError::bad_request(format!(
            "The policy's settings lack {what}."
        )))
    };
    let positive = |name: &str| policy.number(name).is_some_and(|number| number > 0);
    match kind {
        Kind::Approvers if !positive("minimumApproverCount") => {
            wrong("minimumApproverCount, a number of 1 or more")
        }
        Kind::Build if !positive("buildDefinitionId") => wrong("buildDefinitionId, the id of a pipeline"),
        Kind::RequiredReviewers if !policy.settings["requiredReviewerIds"].is_array() => {
            wrong("requiredReviewerIds, a list of ids of people or groups")
        }
        Kind::Status
            if policy.settings["statusName"]
                .as_str()
                .unwrap_or_default()
                .is_empty() =>
        {
            wrong("statusName, the name under which a service posts")
        }
        _ => Ok(()),
    }
}
