//! What definitions were before.

use pave_devops::{AreaError, AreaRequest};
use serde_json::json;

use super::find;
use crate::pipelines::Pipelines;
use crate::rest::shape::Links;
use crate::rest::{Answer, list};
use crate::store::{Kind, Stored};
use crate::things::{Definition, Revision};

pub(super) async fn keep_revision(
    pipelines: &Pipelines,
    request: &AreaRequest,
    id: i64,
    body: &Definition,
    change: &str,
    comment: &str,
) -> Result<(), AreaError> {
    let revision = Revision {
        definition: id,
        body: body.clone(),
        changed_by: request.principal.clone(),
        changed_at: crate::engine::timeline::now(),
        change: change.to_owned(),
        comment: comment.to_owned(),
    };
    let name = format!("{id}:{}", body.revision);
    pipelines
        .store()
        .add(Kind::Revision, body.project.id, &name, &revision, None)
        .await?;
    Ok(())
}

/// The definition as it was at the revision that is asked for.
pub(super) async fn at_revision(
    pipelines: &Pipelines,
    request: &AreaRequest,
    stored: Stored<Definition>,
) -> Result<Stored<Definition>, AreaError> {
    let wanted = request.parameter("revision").filter(|it| !it.is_empty());
    let Some(wanted) = wanted.filter(|it| *it != stored.body.revision.to_string()) else {
        return Ok(stored);
    };
    let name = format!("{}:{wanted}", stored.id);
    let found = pipelines
        .store()
        .named::<Revision>(Kind::Revision, stored.project, &name)
        .await?;
    let words = || format!("Definition {} has no revision {wanted}.", stored.id);
    let body = found.ok_or_else(|| AreaError::not_found(words()))?.body.body;
    Ok(Stored {
        body,
        secret: None,
        ..stored
    })
}

pub(super) async fn revisions(pipelines: &Pipelines, request: &AreaRequest, number: &str) -> Answer {
    let stored = find(pipelines, request, number).await?;
    let links = Links {
        base: &request.base_url,
    };
    let all = pipelines
        .store()
        .things::<Revision>(Kind::Revision, Some(stored.project))
        .await?;
    let own = all.iter().filter(|it| it.body.definition == stored.id);
    let shape = |it: &Stored<Revision>| {
        let project = &stored.body.project;
        let path = format!(
            "build/Definitions/{}?revision={}",
            stored.id, it.body.body.revision
        );
        json!({
            "revision": it.body.body.revision, "name": it.body.body.name, "changeType": it.body.change,
            "changedBy": links.identity(&it.body.changed_by, project), "changedDate": it.body.changed_at,
            "comment": it.body.comment, "definitionUrl": links.api(project, &path),
        })
    };
    list(own.map(shape).collect())
}
