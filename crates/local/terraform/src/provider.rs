//! The calls of the protocol: messages in, messages out. What they mean for Azure is [`cloud`]'s.

mod cloud;
mod following;
mod say;
mod schema;
mod settings;

use std::sync::{Arc, OnceLock};

use pave_azure::azurerm::{self, Resource, Step, Type, Value};
use serde_json::Value as Json;
use tokio::sync::watch;

use crate::msgpack;
use crate::protocol::{
    ApplyRequest, ApplyResponse, AttributePath, ConfigureRequest, Diagnostic, DiagnosticsResponse,
    DynamicValue, ImportRequest, ImportResponse, ImportedResource, PathStep, PlanRequest, PlanResponse,
    PrepareRequest, PrepareResponse, ReadDataRequest, ReadDataResponse, ReadRequest, ReadResponse, Selector,
    StopResponse, UpgradeRequest, UpgradeResponse, ValidateRequest,
};
use cloud::Cloud;
use say::{error, error_at, internal};

pub(crate) use schema::schema;

/// Whether Terraform has asked us to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// Give up what is waited for; a state is still written.
    Stopping,
    /// Go.
    Ended,
}

/// The provider of one Terraform process.
pub(crate) struct Provider {
    cloud: OnceLock<Arc<Cloud>>,
    phase: watch::Sender<Phase>,
}

impl Provider {
    pub(crate) fn new() -> Self {
        Self {
            cloud: OnceLock::new(),
            phase: watch::Sender::new(Phase::Running),
        }
    }

    /// Waits for [`Provider::end`].
    pub(crate) async fn shut_down(&self) {
        let mut phase = self.phase.subscribe();
        // The sender lives as long as this.
        drop(phase.wait_for(|phase| *phase == Phase::Ended).await);
    }

    pub(crate) fn end(&self) {
        self.phase.send_replace(Phase::Ended);
    }

    pub(crate) fn stop(&self) -> StopResponse {
        self.phase.send_replace(Phase::Stopping);
        StopResponse::default()
    }

    pub(crate) async fn configure(&self, request: ConfigureRequest) -> DiagnosticsResponse {
        let kind = azurerm::provider().kind();
        let outcome = match value(request.config.as_ref(), &kind) {
            Err(problem) => Err(vec![problem]),
            Ok(configuration) => settings::configure(&configuration, self.phase.subscribe()).await,
        };
        let diagnostics = match outcome {
            Ok(None) => Vec::new(),
            Ok(Some(cloud)) => {
                // Terraform configures a process once.
                drop(self.cloud.set(Arc::new(cloud)));
                Vec::new()
            }
            Err(diagnostics) => diagnostics,
        };
        DiagnosticsResponse { diagnostics }
    }

    fn cloud(&self) -> Result<Arc<Cloud>, Vec<Diagnostic>> {
        self.cloud.get().cloned().ok_or_else(|| {
            vec![error(
                "azurerm is not configured yet",
                "A value in `provider \"azurerm\"` is only known after apply. Apply in two steps (`-target`), or write the value.",
            )]
        })
    }

    pub(crate) async fn read(&self, request: ReadRequest) -> ReadResponse {
        let private = request.private;
        let outcome = async {
            let (resource, kind) = resource(&request.type_name)?;
            let prior = value(request.current_state.as_ref(), &kind).map_err(|problem| vec![problem])?;
            let state = self.cloud()?.read(resource, &prior).await?;
            Ok::<_, Vec<Diagnostic>>(dynamic(&state, &kind))
        };
        match outcome.await {
            Ok(state) => ReadResponse {
                new_state: Some(state),
                private,
                ..ReadResponse::default()
            },
            Err(diagnostics) => ReadResponse {
                new_state: request.current_state,
                diagnostics,
                private,
            },
        }
    }

    pub(crate) async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        let outcome = async {
            let (resource, kind) = resource(&request.type_name)?;
            let of =
                |value_of: Option<&DynamicValue>| value(value_of, &kind).map_err(|problem| vec![problem]);
            let (prior, planned) = (
                of(request.prior_state.as_ref())?,
                of(request.planned_state.as_ref())?,
            );
            let applied = self.cloud()?.apply(resource, &prior, &planned).await;
            Ok::<_, Vec<Diagnostic>>((dynamic(&applied.state, &kind), applied.diagnostics))
        };
        let (new_state, diagnostics) = match outcome.await {
            Ok((state, diagnostics)) => (Some(state), diagnostics),
            Err(diagnostics) => (request.prior_state, diagnostics),
        };
        ApplyResponse {
            new_state,
            private: request.planned_private,
            diagnostics,
            legacy_type_system: true,
        }
    }

    pub(crate) async fn read_data(&self, request: &ReadDataRequest) -> ReadDataResponse {
        let outcome = async {
            let (resource, kind) = known(azurerm::data_source(&request.type_name), &request.type_name)?;
            let configuration = value(request.config.as_ref(), &kind).map_err(|problem| vec![problem])?;
            let state = self.cloud()?.read_data(resource, &configuration).await?;
            Ok::<_, Vec<Diagnostic>>(dynamic(&state, &kind))
        };
        match outcome.await {
            Ok(state) => ReadDataResponse {
                state: Some(state),
                diagnostics: Vec::new(),
            },
            Err(diagnostics) => ReadDataResponse {
                state: None,
                diagnostics,
            },
        }
    }
}

/// Passes the configuration on: defaults are filled in when it is used.
pub(crate) fn prepare(request: PrepareRequest) -> PrepareResponse {
    PrepareResponse {
        prepared_config: request.config,
        diagnostics: Vec::new(),
    }
}

pub(crate) fn validate(request: &ValidateRequest) -> DiagnosticsResponse {
    DiagnosticsResponse {
        diagnostics: check(azurerm::resource(&request.type_name), request),
    }
}

pub(crate) fn validate_data(request: &ValidateRequest) -> DiagnosticsResponse {
    DiagnosticsResponse {
        diagnostics: check(azurerm::data_source(&request.type_name), request),
    }
}

fn check(found: Option<&'static Resource>, request: &ValidateRequest) -> Vec<Diagnostic> {
    let (resource, kind) = match known(found, &request.type_name) {
        Ok(found) => found,
        Err(diagnostics) => return diagnostics,
    };
    let configuration = match value(request.config.as_ref(), &kind) {
        Ok(configuration) => configuration,
        Err(problem) => return vec![problem],
    };
    let problems = resource.check(&configuration);
    problems
        .iter()
        .map(|problem| refusal(resource, problem))
        .collect()
}

fn refusal(resource: &Resource, problem: &azurerm::Problem) -> Diagnostic {
    let detail = format!(
        "Azure would refuse this {}. To mend it, {}.",
        resource.title, problem.help
    );
    error_at(
        say::sentence(&problem.message),
        detail,
        path_to(resource, problem.path),
    )
}

/// The path of names joined by dots, through lists of one block where blocks stand in the way.
fn path_to(resource: &Resource, path: &str) -> AttributePath {
    let mut steps = Vec::new();
    let mut block = Some(&resource.block);
    for name in path.split('.') {
        steps.push(Selector::AttributeName(name.to_owned()));
        let nested = block.and_then(|block| block.nested(name));
        if nested.is_some_and(|nested| nested.nesting == azurerm::Nesting::List) && !path.ends_with(name) {
            steps.push(Selector::ElementKeyInt(0));
        }
        block = nested.map(|nested| &nested.block);
    }
    AttributePath {
        steps: steps
            .into_iter()
            .map(|step| PathStep { selector: Some(step) })
            .collect(),
    }
}

/// A state as it lies in the state file, in the words of today's schema.
pub(crate) fn upgrade(request: &UpgradeRequest) -> UpgradeResponse {
    let outcome = resource(&request.type_name).and_then(|(resource, kind)| {
        let raw = request.raw_state.clone().unwrap_or_default();
        let json: Json = serde_json::from_slice(&raw.json).map_err(|failure| {
            vec![internal(&format!(
                "the state of a {} is not JSON: {failure}",
                resource.title
            ))]
        })?;
        let state = resource.block.conform(&Value::from_json(&json, &kind));
        Ok(dynamic(&state, &kind))
    });
    match outcome {
        Ok(state) => UpgradeResponse {
            upgraded_state: Some(state),
            diagnostics: Vec::new(),
        },
        Err(diagnostics) => UpgradeResponse {
            upgraded_state: None,
            diagnostics,
        },
    }
}

pub(crate) fn plan(request: &PlanRequest) -> PlanResponse {
    let planned_private = request.prior_private.clone();
    match planned(request) {
        Ok((planned, requires_replace)) => PlanResponse {
            planned_state: Some(planned),
            requires_replace,
            planned_private,
            legacy_type_system: true,
            diagnostics: Vec::new(),
        },
        Err(diagnostics) => PlanResponse {
            planned_private,
            diagnostics,
            ..PlanResponse::default()
        },
    }
}

fn planned(request: &PlanRequest) -> Result<(DynamicValue, Vec<AttributePath>), Vec<Diagnostic>> {
    let (resource, kind) = resource(&request.type_name)?;
    let of = |value_of: Option<&DynamicValue>| value(value_of, &kind).map_err(|problem| vec![problem]);
    if of(request.proposed_new_state.as_ref())?.is_null() {
        return Ok((dynamic(&Value::Null, &kind), Vec::new()));
    }
    let (prior, configuration) = (of(request.prior_state.as_ref())?, of(request.config.as_ref())?);
    let planned = resource.plan(&prior, &configuration);
    let problems = resource.check_change(&prior, &planned);
    if !problems.is_empty() {
        return Err(problems
            .iter()
            .map(|problem| refusal(resource, problem))
            .collect());
    }
    let replace = planned.replace.iter().map(|path| AttributePath {
        steps: path.iter().map(step).collect(),
    });
    Ok((dynamic(&planned.value, &kind), replace.collect()))
}

fn step(step: &Step) -> PathStep {
    let selector = match step {
        Step::Name(name) => Selector::AttributeName((*name).to_owned()),
        Step::Index(index) => Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX)),
    };
    PathStep {
        selector: Some(selector),
    }
}

pub(crate) fn import(request: &ImportRequest) -> ImportResponse {
    let outcome = resource(&request.type_name).and_then(|(resource, kind)| {
        let state = resource.imported(request.id.trim()).map_err(|failure| {
            let summary = format!("cannot import this {}", resource.title);
            vec![error(
                say::sentence(&summary),
                say::sentence(&failure.to_string()),
            )]
        })?;
        Ok(dynamic(&state, &kind))
    });
    match outcome {
        Ok(state) => {
            let imported = ImportedResource {
                type_name: request.type_name.clone(),
                state: Some(state),
                private: Vec::new(),
            };
            ImportResponse {
                imported_resources: vec![imported],
                diagnostics: Vec::new(),
            }
        }
        Err(diagnostics) => ImportResponse {
            imported_resources: Vec::new(),
            diagnostics,
        },
    }
}

fn resource(name: &str) -> Result<(&'static Resource, Type), Vec<Diagnostic>> {
    known(azurerm::resource(name), name)
}

fn known(found: Option<&'static Resource>, name: &str) -> Result<(&'static Resource, Type), Vec<Diagnostic>> {
    let found = found.ok_or_else(|| {
        let names: Vec<&str> = azurerm::resources().iter().map(|known| known.name).collect();
        let detail = format!(
            "This is Pave's small azurerm. It has {}. For everything else set {}: the run then takes HashiCorp's provider \
             from the registry.",
            names.join(", "),
            azurerm::SWITCH
        );
        vec![error(format!("The small azurerm provider has no {name}"), detail)]
    })?;
    Ok((found, found.block.kind()))
}

fn value(dynamic: Option<&DynamicValue>, kind: &Type) -> Result<Value, Diagnostic> {
    let Some(dynamic) = dynamic else {
        return Ok(Value::Null);
    };
    if dynamic.msgpack.is_empty() && !dynamic.json.is_empty() {
        let json: Json =
            serde_json::from_slice(&dynamic.json).map_err(|failure| internal(&failure.to_string()))?;
        return Ok(Value::from_json(&json, kind));
    }
    if dynamic.msgpack.is_empty() {
        return Ok(Value::Null);
    }
    msgpack::decode(&dynamic.msgpack, kind).map_err(|failure| internal(&failure.to_string()))
}

fn dynamic(value: &Value, kind: &Type) -> DynamicValue {
    DynamicValue {
        msgpack: msgpack::encode(value, kind),
        json: Vec::new(),
    }
}
