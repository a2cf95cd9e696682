//! An object that is going, and the thing in Azure with it.

use pave_arm::ArmError;
use pave_azure::mapping::{Availability, Removal, create_parameters, external_name};
use serde_json::Value;

use crate::conditions::Condition;
use crate::connect::Connection;
use crate::failure::Failure;
use crate::live::follow_from_now;
use crate::memory::Action;
use crate::round::{Again, Followed, Round};

/// Deletes the thing, waits until it is gone, then lets the object go.
pub(crate) async fn remove(round: &mut Round<'_>) -> Result<Again, Failure> {
    if round
        .memory
        .pending
        .as_ref()
        .is_some_and(|pending| pending.action != Action::Delete)
    {
        // Whatever else is under way, the thing is not wanted any more.
        round.memory.pending = None;
    }
    if let Followed::Running(delay) = round.follow().await? {
        return Ok(Some(delay));
    }
    let connection = round.connect().await?;
    let parameters = create_parameters(&round.object["spec"]);
    let id = round.kind.arm_id(
        &connection.subscription,
        &parameters,
        external_name(&round.object),
    );
    // Without a place it was never made: references are resolved before the first request.
    let Ok(id) = id else {
        return round.release().await.map(|()| None);
    };
    let observed = connection
        .client
        .get(&id, round.kind.api_version)
        .await
        .map_err(Failure::Observe)?;
    let Some(observed) = observed else {
        return round.release().await.map(|()| None);
    };
    round.report(&[Condition::deleting()], None).await?;
    if let Availability::Leaving(_) = round.kind.availability(&observed) {
        return Ok(Some(round.unsettled_delay()));
    }
    match round.kind.removal {
        Removal::Delete => delete(round, &connection, &id).await,
        Removal::Reset => reset(round, &connection, &id, &observed).await,
    }
}

async fn delete(round: &mut Round<'_>, connection: &Connection, id: &str) -> Result<Again, Failure> {
    match connection.client.delete(id, round.kind.api_version).await {
        Ok(None) => round.release().await.map(|()| None),
        Ok(Some(accepted)) => {
            requested(round).await?;
            if accepted.operation.is_none() {
                return Ok(Some(round.unsettled_delay()));
            }
            Ok(Some(follow_from_now(round, connection, accepted, Action::Delete)))
        }
        Err(error) if goes_with_its_parent(&error) => Ok(Some(round.unsettled_delay())),
        Err(error) => Err(Failure::Delete(error)),
    }
}

async fn reset(
    round: &mut Round<'_>,
    connection: &Connection,
    id: &str,
    observed: &Value,
) -> Result<Again, Failure> {
    let Some(body) = round.kind.reset_body(observed) else {
        return round.release().await.map(|()| None);
    };
    let accepted = connection
        .client
        .put(id, round.kind.api_version, &body)
        .await
        .map_err(Failure::Delete)?;
    requested(round).await?;
    if accepted.operation.is_none() {
        return Ok(Some(round.unsettled_delay()));
    }
    Ok(Some(follow_from_now(round, connection, accepted, Action::Delete)))
}

async fn requested(round: &mut Round<'_>) -> Result<(), Failure> {
    round.tell(
        false,
        "DeletedExternalResource",
        "Successfully requested deletion of external resource".into(),
    );
    round
        .report(
            &[Condition::synced(), Condition::operation_ongoing(String::new())],
            None,
        )
        .await
}

/// The parent is being deleted and takes this along.
fn goes_with_its_parent(error: &ArmError) -> bool {
    matches!(
        error.code(),
        Some(
            "ResourceGroupBeingDeleted" | "ServerIsBusy" | "ServerIsBeingDeleted" | "ResourceIsBeingDeleted"
        )
    )
}
