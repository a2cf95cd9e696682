//! One step: input rendered and checked, the action run, for each item where the step says so.

use std::sync::Arc;

use pave_template::expression::render_value;
use serde_json::{Map, Value, json};

use crate::action::{Action, ActionContext, ActionError, Outputs};
use crate::redact::masked;
use crate::run::Run;

impl Run<'_> {
    pub(crate) async fn perform(
        &self,
        step: &Value,
        id: &str,
        outputs: &Value,
    ) -> Result<Outputs, ActionError> {
        let name = step["action"].as_str().unwrap_or_default();
        let action = self
            .registry
            .get(name)
            .ok_or_else(|| self.registry.unknown(name))?;
        match step.get("each").filter(|each| !each.is_null()) {
            None => self.once(action, step, (id, None), outputs, None).await,
            Some(each) => self.rounds(action, step, id, outputs, each).await,
        }
    }

    /// Runs a step for every item; the outputs become lists.
    async fn rounds(
        &self,
        action: &Arc<dyn Action>,
        step: &Value,
        id: &str,
        outputs: &Value,
        each: &Value,
    ) -> Result<Outputs, ActionError> {
        let context = self.task_context();
        let secrets = self.visible_secrets();
        let rendered = render_value(
            each,
            &self.scope(outputs, &context, None).with("secrets", &secrets),
        );
        let mut collected: Outputs = Map::new();
        for (round, (key, value)) in items(rendered.value.as_ref())?.into_iter().enumerate() {
            if self.cancelled.is_cancelled() {
                return Err(ActionError::new("Error", "cancelled"));
            }
            let item = json!({ "key": key, "value": value });
            if let Some(condition) = step.get("if")
                && !self.condition(condition, id, outputs, Some(&item), false).await
            {
                let message = format!("Skipping step each: {item} because its if condition was false");
                self.recorder
                    .log(Some(id), None, &self.redactor.redact(&message))
                    .await;
                continue;
            }
            let message = self.redactor.redact(&format!("Running step each: {item}"));
            self.recorder.log(Some(id), None, &message).await;
            for (name, value) in self
                .once(action, step, (id, Some(round)), outputs, Some(&item))
                .await?
            {
                let list = collected.entry(name).or_insert_with(|| json!([]));
                if let Some(list) = list.as_array_mut() {
                    list.push(value);
                }
            }
        }
        Ok(collected)
    }

    /// Secrets as a step sees them: masked in a dry run.
    fn visible_secrets(&self) -> Value {
        if self.is_preview {
            masked(self.secrets)
        } else {
            self.secrets.clone()
        }
    }

    async fn once(
        &self,
        action: &Arc<dyn Action>,
        step: &Value,
        (id, round): (&str, Option<usize>),
        outputs: &Value,
        each: Option<&Value>,
    ) -> Result<Outputs, ActionError> {
        let spec = action.spec();
        let context = self.task_context();
        let secrets = self.visible_secrets();
        let input = step.get("input").cloned().unwrap_or_else(|| json!({}));
        let rendered = render_value(
            &input,
            &self.scope(outputs, &context, each).with("secrets", &secrets),
        );
        for (pointer, fault) in &rendered.faults {
            let message = format!(
                "input `{}` is left as it is written: {fault}",
                pointer.trim_start_matches('/')
            );
            self.recorder.log(Some(id), None, &message).await;
        }
        let input = rendered.value.unwrap_or(Value::Null);
        self.redactor.hide_derived(&input, &rendered.traces);
        if self.is_preview && !spec.supports_dry_run {
            let message = format!("Skipping because {} does not support dry-run", spec.id);
            self.recorder.log(Some(id), None, &message).await;
            return Ok(spec.example_output().as_object().cloned().unwrap_or_default());
        }
        let input = self.checked(action, id, input).await?;
        let step_key = match round {
            Some(round) => format!("{}/{id}/{round}", self.task_id),
            None => format!("{}/{id}", self.task_id),
        };
        let context = ActionContext {
            input,
            traces: rendered.traces,
            workspace: self.workspace,
            services: self.services,
            principal: self.principal,
            task_id: self.task_id,
            step_id: id,
            step_key,
            road: self.road,
            direction: self.direction,
            template_ref: self.spec.template_info["entityRef"].as_str().unwrap_or_default(),
            base_url: self.spec.template_info["baseUrl"].as_str(),
            directory: self.directory,
            dry_run: self.is_preview,
            cancelled: self.cancelled,
            http: self.http,
            planned: self.planned,
            findings: self.findings,
            recorder: self.recorder,
            redactor: self.redactor,
        };
        tokio::select! {
            biased;
            result = action.run(&context) => result,
            () = self.cancelled.cancelled(), if spec.effect == pave_template::action::Effect::Idempotent => {
                Err(ActionError::new("Error", "cancelled"))
            }
        }
    }

    /// The input without unknown keys, or upstream's error.
    async fn checked(
        &self,
        action: &Arc<dyn Action>,
        id: &str,
        input: Value,
    ) -> Result<Map<String, Value>, ActionError> {
        let spec = action.spec();
        let input = match input {
            Value::Object(input) => input,
            Value::Null => Map::new(),
            _ => {
                return Err(ActionError::input(format!(
                    "Invalid input passed to action {}, instance is not of a type(s) object",
                    spec.id
                )));
            }
        };
        let checked = spec.check_input(input, self.services.defaults.strict_inputs);
        if !checked.errors.is_empty() {
            let errors = checked.errors.join(", ");
            return Err(ActionError::input(format!(
                "Invalid input passed to action {}, {errors}",
                spec.id
            )));
        }
        for key in &checked.dropped {
            let hint = spec
                .input_keys()
                .and_then(|known| pave_diagnostic::nearest(key, known))
                .map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
            let message = format!(
                "warn: action {} has no input `{key}`, it is ignored{hint}",
                spec.id
            );
            self.recorder.log(Some(id), None, &message).await;
        }
        Ok(checked.input)
    }
}

/// Keys and values to go through: of a list by number, of a map by name.
fn items(value: Option<&Value>) -> Result<Vec<(Value, Value)>, ActionError> {
    match value {
        Some(Value::Array(items)) => {
            let items = items.iter().enumerate();
            Ok(items
                .map(|(index, item)| (Value::from(index.to_string()), item.clone()))
                .collect())
        }
        Some(Value::Object(map)) => Ok(map
            .iter()
            .map(|(key, item)| (Value::from(key.as_str()), item.clone()))
            .collect()),
        _ => Err(ActionError::input("`each` must be a list or a map")),
    }
}
