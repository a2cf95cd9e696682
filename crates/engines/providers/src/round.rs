//! One pass over one object, from what is known to what is written back.

use std::time::{Duration, Instant};

use kube::api::{Patch, PatchParams};
use pave_arm::Progress;
use pave_azure::mapping::{EXTERNAL_NAME, Kind};
use pave_names::{RoadId, annotation};
use pave_runtime::clock;
use rand::Rng;
use serde_json::{Map, Value, json};

use crate::cache::Key;
use crate::chores::{Chore, identity};
use crate::conditions::{self, Condition};
use crate::connect::Connection;
use crate::engine::{Engine, configuration_of, plain};
use crate::failure::Failure;
use crate::memory::{Action, Memory};
use crate::plan::{FINALIZER, Gate, gate, jittered, poll_delay, retry_delay};
use crate::{live, removal};

/// An operation that ARM does not know any more is given up after this long.
const LOST: Duration = Duration::from_secs(5);

/// How a round ends well: come again after that time, or when something happens.
pub(crate) type Again = Option<Duration>;

/// One pass over one object.
pub(crate) struct Round<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) kind: &'static Kind,
    pub(crate) object: Value,
    pub(crate) memory: Memory,
    key: &'a Key,
}

/// How a followed operation stands.
pub(crate) enum Followed {
    /// There is none.
    Nothing,
    /// It goes on.
    Running(Duration),
    /// It came to a good end in this round.
    Finished(Action),
}

/// Looks at an object once; says when to look again.
pub(crate) async fn run(engine: &Engine, key: &Key) -> Again {
    let memory = engine.take_memory(key);
    let Some(object) = engine.cache.get(key) else {
        engine.return_memory(key, None);
        return None;
    };
    let object = Value::clone(&object);
    let uid = object["metadata"]["uid"].clone();
    let memory = if memory.uid == uid {
        memory
    } else {
        Memory {
            uid,
            ..Memory::default()
        }
    };
    let mut round = Round {
        engine,
        kind: key.kind(),
        object,
        memory,
        key,
    };
    let outcome = round.pass().await;
    let again = round.conclude(outcome).await;
    engine.return_memory(key, Some(round.memory));
    again
}

impl Round<'_> {
    async fn pass(&mut self) -> Result<Again, Failure> {
        match gate(&self.object) {
            Gate::Paused(words) => self
                .report(&[Condition::paused(words)], None)
                .await
                .map(|()| None),
            Gate::Refused(message) => Err(Failure::Policies(message)),
            // The object or its other holders say when to go on.
            Gate::Released | Gate::Held => Ok(None),
            Gate::Forget => self.release().await.map(|()| None),
            Gate::Remove => removal::remove(self).await,
            Gate::Keep(policies) => live::keep(self, policies).await,
        }
    }

    async fn conclude(&mut self, outcome: Result<Again, Failure>) -> Again {
        let failure = match outcome {
            Ok(again) => {
                self.memory.failures = 0;
                self.memory.waiting = false;
                self.memory.last_warning = None;
                return again;
            }
            Err(failure) if failure.is_gone() => return None,
            Err(failure) => failure,
        };
        self.memory.failures += 1;
        let delay = retry_delay(
            self.memory.failures,
            self.engine.settings.first_retry,
            self.engine.settings.last_retry,
        );
        if failure.is_conflict() {
            // The watch brings the newer state in a moment.
            return Some(Duration::from_millis(5 * u64::from(self.memory.failures)).min(delay));
        }
        self.memory.waiting = true;
        let message = failure.to_string();
        if self.memory.last_warning.as_ref() != Some(&message) {
            self.tell(true, failure.event_reason(), message.clone());
            self.memory.last_warning = Some(message.clone());
        }
        if let Err(error) = self.report(&[Condition::not_synced(message)], None).await {
            tracing::debug!(%error, name = self.key.name, "cannot report a failure");
        }
        let delay = delay.max(failure.retry_after().unwrap_or_default());
        Some(jittered(delay, rand::rng().random()))
    }

    /// The parameters as they are now.
    pub(crate) fn parameters(&self) -> &Value {
        &self.object["spec"]["forProvider"]
    }

    /// The end of a round that found everything as wanted.
    pub(crate) fn settled(&self) -> Duration {
        jittered(self.engine.settings.poll, rand::rng().random())
    }

    /// Tells people what happened.
    pub(crate) fn tell(&self, warning: bool, reason: &'static str, message: String) {
        self.engine.leave(Chore::Event {
            object: identity(&self.object),
            warning,
            reason,
            message,
        });
    }

    /// A client of ARM whose requests carry the object's road.
    pub(crate) async fn connect(&mut self) -> Result<Connection, Failure> {
        let configuration = configuration_of(&self.object);
        let mut connection = self
            .engine
            .connections
            .connect(&self.engine.cache, configuration)
            .await?;
        let road = self.object["metadata"]["annotations"][annotation::ROAD].as_str();
        let road = road.and_then(|road| road.parse::<RoadId>().ok());
        connection.client = connection.client.correlated(road.map(|road| road.to_uuid()));
        if !self.memory.usage_recorded {
            let configuration = configuration.to_owned();
            self.engine.leave(Chore::Usage {
                object: identity(&self.object),
                configuration,
            });
            self.memory.usage_recorded = true;
        }
        Ok(connection)
    }

    /// Asks how the operation under way stands.
    pub(crate) async fn follow(&mut self) -> Result<Followed, Failure> {
        let Some(pending) = &self.memory.pending else {
            return Ok(Followed::Nothing);
        };
        let (action, elapsed) = (pending.action, pending.since.elapsed());
        let progress = pending.client.poll(&pending.operation).await;
        match progress.map_err(Failure::Observe)? {
            Progress::Running {
                retry_after,
                waits_for,
            } => {
                let mut conditions = vec![Condition::operation_ongoing(waits_for.clone())];
                conditions.extend((action == Action::Create).then(|| Condition::creating(waits_for)));
                self.report(&conditions, None).await?;
                Ok(Followed::Running(poll_delay(retry_after, elapsed)))
            }
            Progress::Unknown if elapsed < LOST => Ok(Followed::Running(poll_delay(
                pending.operation.retry_after,
                elapsed,
            ))),
            Progress::Unknown => {
                self.memory.pending = None;
                Ok(Followed::Nothing)
            }
            Progress::Succeeded(_) => {
                self.memory.pending = None;
                Ok(Followed::Finished(action))
            }
            Progress::Failed(error) => {
                self.memory.pending = None;
                let (reason, failure) = match action {
                    Action::Create => ("AsyncCreateFailure", Failure::Create(error)),
                    Action::Update => ("AsyncUpdateFailure", Failure::Update(error)),
                    Action::Delete => ("AsyncDeleteFailure", Failure::Delete(error)),
                };
                let failed = Condition::operation_failed(reason, failure.to_string());
                self.report(&[failed, Condition::operation_finished()], None)
                    .await?;
                Err(failure)
            }
        }
    }

    /// How long to wait for a passing state that no operation of ours explains.
    pub(crate) fn unsettled_delay(&mut self) -> Duration {
        let since = *self.memory.unsettled_since.get_or_insert_with(Instant::now);
        (since.elapsed() / 10).clamp(Duration::from_millis(50), Duration::from_secs(10))
    }

    /// Writes conditions and, if given, what Azure has; nothing is sent if nothing changes.
    pub(crate) async fn report(
        &mut self,
        new: &[Condition],
        at_provider: Option<Value>,
    ) -> Result<(), Failure> {
        let known = &self.object["status"];
        let mut status = if known.is_object() {
            known.clone()
        } else {
            json!({})
        };
        let generation = &self.object["metadata"]["generation"];
        let now = clock::rfc3339();
        for condition in new {
            conditions::set(&mut status, condition, generation, &now);
        }
        if let Some(at_provider) = at_provider {
            status["atProvider"] = at_provider;
        }
        if status == *known {
            return Ok(());
        }
        let patch = json!({"status": merge_patch(known, &status)});
        let api = self.engine.api(self.kind);
        let written = api
            .patch_status(&self.key.name, &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
        self.took(plain(&written));
        Ok(())
    }

    /// Finalizer, external name, resolved references and bookkeeping, in one write; nothing if all are there.
    pub(crate) async fn prepare(
        &mut self,
        parameters: Map<String, Value>,
        annotations: &[(&str, &str)],
    ) -> Result<(), Failure> {
        let metadata = &self.object["metadata"];
        let mut patch = json!({});
        let mut finalizers = metadata["finalizers"].as_array().cloned().unwrap_or_default();
        if !finalizers.iter().any(|it| it == FINALIZER) {
            finalizers.push(json!(FINALIZER));
            // The version keeps a finalizer that somebody else adds at the same moment.
            patch["metadata"]["resourceVersion"] = metadata["resourceVersion"].clone();
            patch["metadata"]["finalizers"] = json!(finalizers);
        }
        if metadata["annotations"][EXTERNAL_NAME]
            .as_str()
            .is_none_or(str::is_empty)
        {
            patch["metadata"]["annotations"][EXTERNAL_NAME] = metadata["name"].clone();
        }
        for (key, value) in annotations {
            patch["metadata"]["annotations"][key] = json!(value);
        }
        if !parameters.is_empty() {
            patch["spec"]["forProvider"] = Value::Object(parameters);
        }
        self.write(patch).await
    }

    /// Lets the object go.
    pub(crate) async fn release(&mut self) -> Result<(), Failure> {
        let metadata = &self.object["metadata"];
        let mut finalizers = metadata["finalizers"].as_array().cloned().unwrap_or_default();
        finalizers.retain(|it| it != FINALIZER);
        let patch =
            json!({"metadata": {"resourceVersion": metadata["resourceVersion"], "finalizers": finalizers}});
        self.write(patch).await
    }

    async fn write(&mut self, patch: Value) -> Result<(), Failure> {
        if patch.as_object().is_none_or(Map::is_empty) {
            return Ok(());
        }
        let api = self.engine.api(self.kind);
        let written = api
            .patch(&self.key.name, &PatchParams::default(), &Patch::Merge(&patch))
            .await?;
        self.took(plain(&written));
        Ok(())
    }

    /// Goes on with the state that a write brought back.
    fn took(&mut self, object: Value) {
        self.object = object.clone();
        self.engine.saw(self.key, object, true);
    }
}

/// The JSON merge patch that turns one document into the other.
pub(crate) fn merge_patch(from: &Value, to: &Value) -> Value {
    let (Some(before), Some(after)) = (from.as_object(), to.as_object()) else {
        return to.clone();
    };
    let mut patch = Map::new();
    for (key, value) in after {
        match before.get(key) {
            Some(known) if known == value => {}
            Some(known) => drop(patch.insert(key.clone(), merge_patch(known, value))),
            None => drop(patch.insert(key.clone(), value.clone())),
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}
