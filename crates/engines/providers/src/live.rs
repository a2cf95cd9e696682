//! An object that is to be as it says: observe, create, update, publish.

use std::time::{Duration, Instant};

use pave_arm::{Accepted, ArmError};
use pave_azure::mapping::{
    Availability, Difference, HEALTH_VERSION, Kind, create_parameters, external_name, health_path,
    health_summary,
};
use pave_runtime::clock;
use serde_json::{Map, Value};

use crate::conditions::{Condition, find, is_ready};
use crate::connect::Connection;
use crate::failure::Failure;
use crate::memory::{Action, Pending};
use crate::plan::{Policies, poll_delay};
use crate::references::{self, Resolved};
use crate::round::{Again, Followed, Round};
use crate::secrets::{ConnectionSecret, PasswordReference, value_of};

const CREATE_PENDING: &str = "crossplane.io/external-create-pending";
const CREATE_SUCCEEDED: &str = "crossplane.io/external-create-succeeded";
const CREATE_FAILED: &str = "crossplane.io/external-create-failed";

/// The key under which upstream publishes the password a second time; only a provider writes it.
const PUBLISHED_PASSWORD: &str = "attribute.administrator_password";

/// What a round found out on its way.
struct Site {
    connection: Connection,
    policies: Policies,
    resolved: Resolved,
    id: String,
    finished: Option<Action>,
}

/// Brings the thing in Azure where the object wants it, one step per round.
pub(crate) async fn keep(round: &mut Round<'_>, policies: Policies) -> Result<Again, Failure> {
    let finished = match round.follow().await? {
        Followed::Running(delay) => return Ok(Some(delay)),
        Followed::Finished(action) => Some(action),
        Followed::Nothing => None,
    };
    let candidates = |kind: &_| {
        round
            .engine
            .cache
            .of_kind(kind)
            .into_iter()
            .map(|(_, object)| object)
            .collect()
    };
    let resolved =
        references::resolve(round.kind, &round.object, &candidates).map_err(Failure::References)?;
    for (field, value) in &resolved {
        round.object["spec"]["forProvider"][field] = value.clone();
    }
    let connection = round.connect().await?;
    let parameters = create_parameters(&round.object["spec"]);
    let id = round.kind.arm_id(
        &connection.subscription,
        &parameters,
        external_name(&round.object),
    );
    let id = id.map_err(|error| Failure::Place(error.to_string()))?;
    if let Some(predecessor) = round.engine.cache.predecessor(round.kind, &round.object, &id) {
        // Adopting it now would call ready what is about to vanish.
        let waiting = Failure::Succession(round.kind.kind, predecessor);
        round
            .report(&[Condition::creating(waiting.to_string())], None)
            .await?;
        return Err(waiting);
    }
    let observed = connection
        .client
        .get(&id, round.kind.api_version)
        .await
        .map_err(Failure::Observe)?;
    let site = Site {
        connection,
        policies,
        resolved,
        id,
        finished,
    };
    match observed {
        Some(observed) => existing(round, site, observed).await,
        None => create(round, site, &parameters).await,
    }
}

async fn create(round: &mut Round<'_>, site: Site, parameters: &Value) -> Result<Again, Failure> {
    let Site {
        connection,
        policies,
        resolved,
        id,
        finished,
    } = site;
    if finished == Some(Action::Create) {
        // ARM says that it is done and does not show it yet: its reads may lag behind.
        return Ok(Some(round.unsettled_delay()));
    }
    if !policies.create {
        return Err(Failure::Absent);
    }
    let password_reference = round
        .kind
        .has_password
        .then(|| PasswordReference::read(parameters))
        .flatten();
    let findings = round.kind.check(
        external_name(&round.object),
        parameters,
        password_reference.is_some(),
    );
    if !findings.is_empty() {
        let messages: Vec<String> = findings
            .into_iter()
            .map(|it| format!("{} ({})", it.message, it.help))
            .collect();
        return Err(Failure::Invalid(messages.join("; ")));
    }
    let password = match password_reference {
        Some(reference) => Some(reference.obtain(&round.engine.client, &round.object).await?),
        None => None,
    };
    round
        .prepare(resolved, &[(CREATE_PENDING, &clock::rfc3339())])
        .await?;
    let body = round.kind.desired_body(parameters, password.as_deref());
    let accepted = match connection.client.put(&id, round.kind.api_version, &body).await {
        Ok(accepted) => accepted,
        Err(error) if is_busy(&error) => return Ok(Some(round.unsettled_delay())),
        Err(error) => {
            round
                .prepare(Map::new(), &[(CREATE_FAILED, &clock::rfc3339())])
                .await?;
            return Err(Failure::Create(error));
        }
    };
    round.tell(
        false,
        "CreatedExternalResource",
        "Successfully requested creation of external resource".into(),
    );
    round.memory.unsettled_since = None;
    let again = if accepted.operation.is_some() {
        let ongoing = [
            Condition::synced(),
            Condition::creating(String::new()),
            Condition::operation_ongoing(String::new()),
        ];
        let again = follow_from_now(round, &connection, accepted, Action::Create);
        round.report(&ongoing, None).await?;
        Ok(Some(again))
    } else if accepted.body.get("id").is_some() {
        let finished = Some(Action::Create);
        let site = Site {
            connection,
            policies,
            resolved: Resolved::new(),
            id,
            finished,
        };
        existing(round, site, accepted.body).await
    } else {
        Ok(Some(round.unsettled_delay()))
    };
    round
        .prepare(Map::new(), &[(CREATE_SUCCEEDED, &clock::rfc3339())])
        .await?;
    again
}

/// The server works on something else: an ordinary state of Azure, and no trouble of this resource.
fn is_busy(error: &ArmError) -> bool {
    matches!(error.code(), Some("ServerIsBusy" | "AnotherOperationInProgress"))
}

/// Remembers the operation and says when to ask for it first.
pub(crate) fn follow_from_now(
    round: &mut Round<'_>,
    connection: &Connection,
    accepted: Accepted,
    action: Action,
) -> Duration {
    let since = Instant::now();
    let Some(operation) = accepted.operation else {
        return poll_delay(None, since.elapsed());
    };
    let delay = poll_delay(operation.retry_after, since.elapsed());
    let client = connection.client.clone();
    round.memory.pending = Some(Pending {
        client,
        operation,
        action,
        since,
    });
    delay
}

async fn existing(round: &mut Round<'_>, site: Site, observed: Value) -> Result<Again, Failure> {
    let mut site = site;
    round.prepare(std::mem::take(&mut site.resolved), &[]).await?;
    let at_provider = round.kind.at_provider(&observed, round.parameters());
    let mut conditions = Vec::new();
    if site.finished.is_some() || find(&round.object, "LastAsyncOperation").is_none() {
        conditions.extend([Condition::operation_succeeded(), Condition::operation_finished()]);
    }
    match round.kind.availability(&observed) {
        Availability::Changing(state) | Availability::Leaving(state) => {
            let ready = passing(round, &state);
            conditions.extend([Condition::synced(), ready]);
            round.report(&conditions, Some(at_provider)).await?;
            return Ok(Some(round.unsettled_delay()));
        }
        Availability::Unavailable(state) => {
            let why = unavailable(round.kind, &site, &state).await;
            conditions.push(Condition::unavailable(why));
        }
        Availability::Available => conditions.push(Condition::available()),
    }
    round.memory.unsettled_since = None;
    let rotated = publish(round, &observed, site.policies, site.finished).await?;
    let differences = round.kind.differences(round.parameters(), &observed);
    let correct = site.policies.update && (!differences.is_empty() || rotated.is_some());
    if !correct {
        round.memory.corrected = None;
        conditions.push(Condition::synced());
    }
    round.report(&conditions, Some(at_provider)).await?;
    if correct {
        return update(round, site, &differences, rotated).await;
    }
    if site.policies.late_initialize
        && let Some(Value::Object(chosen)) = round.kind.late_initialize(&round.object["spec"], &observed)
    {
        round.prepare(chosen, &[]).await?;
    }
    Ok(Some(round.settled()))
}

/// What is said of something that cannot be used; of a server also why, if Azure Resource Health knows it.
async fn unavailable(kind: &Kind, site: &Site, state: &str) -> String {
    let words = format!("Azure reports the state {state}");
    if !kind.has_password {
        return words;
    }
    let asked = site
        .connection
        .client
        .get(&health_path(&site.id), HEALTH_VERSION)
        .await;
    match asked {
        Ok(status) => status
            .as_ref()
            .and_then(health_summary)
            .map_or_else(|| words.clone(), |why| format!("{words}: {why}")),
        Err(error) => {
            tracing::debug!(%error, id = site.id, "Azure Resource Health does not answer");
            words
        }
    }
}

fn passing(round: &Round<'_>, state: &str) -> Condition {
    let words = format!("Azure reports the state {state}");
    let was_ready = is_ready(&round.object)
        || find(&round.object, "Ready").is_some_and(|ready| ready["reason"] == "Unavailable");
    if was_ready {
        Condition::unavailable(words)
    } else {
        Condition::creating(words)
    }
}

/// Writes the connection secret. Returns a password that Azure has yet to hear of.
///
/// What was last published is what Azure was last told: a different password in the administrator's Secret means
/// that somebody changed it there.
async fn publish(
    round: &mut Round<'_>,
    observed: &Value,
    policies: Policies,
    finished: Option<Action>,
) -> Result<Option<String>, Failure> {
    let client = round.engine.client.clone();
    let reference = round
        .kind
        .has_password
        .then(|| PasswordReference::read(round.parameters()))
        .flatten();
    let password = match reference {
        Some(reference) => reference.peek(&client).await?,
        None => None,
    };
    let Some(secret) = ConnectionSecret::of(&round.object) else {
        return Ok(None);
    };
    let known = secret.read(&client).await?;
    let published = known
        .as_ref()
        .and_then(|known| value_of(known, PUBLISHED_PASSWORD));
    let changed = published.is_some() && password.is_some() && published != password;
    let told = finished == Some(Action::Update) && round.memory.sent_password == password;
    let rotate = changed && !told && policies.update;
    let visible = if rotate {
        published.as_deref()
    } else {
        password.as_deref()
    };
    let name = external_name(&round.object);
    let details = round
        .kind
        .connection_details(observed, name, round.parameters(), visible);
    secret.publish(&client, known.as_ref(), &details).await?;
    if told {
        round.memory.sent_password = None;
    }
    Ok(password.filter(|_| rotate))
}

async fn update(
    round: &mut Round<'_>,
    site: Site,
    differences: &[Difference],
    password: Option<String>,
) -> Result<Again, Failure> {
    refuse_replacement(differences)?;
    let found = format!("{differences:?}");
    if !differences.is_empty() && round.memory.corrected.as_ref() == Some(&found) {
        // Forgotten, so that the next round tries again.
        round.memory.corrected = None;
        let words = words(differences, |it| {
            format!("`{}` is still `{}`", it.field, shown(&it.observed))
        });
        return Err(Failure::CannotUpdate(format!(
            "Azure accepted the update, yet {words}"
        )));
    }
    let body = round
        .kind
        .patch_body(round.parameters(), differences, password.as_deref());
    let (client, version) = (&site.connection.client, round.kind.api_version);
    let sent = match round.kind.update {
        pave_azure::mapping::Update::Patch => client.patch(&site.id, version, &body).await,
        pave_azure::mapping::Update::Put => client.put(&site.id, version, &body).await,
    };
    let accepted = match sent {
        Ok(accepted) => accepted,
        Err(error) if is_busy(&error) => return Ok(Some(round.unsettled_delay())),
        Err(error) => return Err(Failure::Update(error)),
    };
    let changes = words(differences, |it| {
        format!(
            "{} from `{}` to `{}`",
            it.field,
            shown(&it.observed),
            shown(&it.desired)
        )
    });
    let changes = if changes.is_empty() {
        "the administrator's password".to_owned()
    } else {
        changes
    };
    let message = format!("Successfully requested update of external resource: {changes}");
    round.tell(false, "UpdatedExternalResource", message);
    round.memory.corrected = Some(found);
    round.memory.sent_password = password;
    let ongoing = accepted.operation.is_some();
    let again = follow_from_now(round, &site.connection, accepted, Action::Update);
    let mut conditions = vec![Condition::synced()];
    conditions.extend(ongoing.then(|| Condition::operation_ongoing(String::new())));
    round.report(&conditions, None).await?;
    // Without an operation the change is done: the next round looks at once.
    Ok(Some(if ongoing { again } else { Duration::ZERO }))
}

/// As terraform inside upstream: nothing is deleted to be made anew.
fn refuse_replacement(differences: &[Difference]) -> Result<(), Failure> {
    let immutable: Vec<Difference> = differences.iter().filter(|it| it.immutable).cloned().collect();
    if immutable.is_empty() {
        return Ok(());
    }
    let words = words(&immutable, |it| {
        format!(
            "cannot change the value of `{}` from `{}` to `{}`",
            it.field,
            shown(&it.observed),
            shown(&it.desired)
        )
    });
    Err(Failure::CannotUpdate(format!(
        "refuse to update the external resource because the following update requires replacing it: {words}"
    )))
}

fn words(differences: &[Difference], one: impl Fn(&Difference) -> String) -> String {
    differences.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "unset".to_owned(),
        other => other.to_string(),
    }
}
