use serde_json::{Map, Value, json};

use crate::{Action, Container, Filter, Job, JobKind, Plan, Pool, Shell, Stage, Step, Trigger, Variable};

/// The pipeline as it runs, as `preview` answers it: templates gone, shortcuts written out as tasks.
pub(super) fn write(plan: &Plan) -> String {
    let mut root = Map::new();
    set(&mut root, "name", plan.run_name.as_deref());
    match &plan.trigger {
        Trigger::Default => {}
        other => put(&mut root, "trigger", trigger(other)),
    }
    match &plan.pr {
        Trigger::Default => {}
        other => put(&mut root, "pr", trigger(other)),
    }
    let repositories: Vec<Value> = plan
        .repositories
        .iter()
        .map(|one| {
            let mut map = Map::new();
            let keys = ["repository", "type", "name", "ref", "endpoint"];
            for (key, text) in
                keys.iter()
                    .zip([&one.alias, &one.kind, &one.name, &one.reference, &one.endpoint])
            {
                set(&mut map, key, Some(text));
            }
            Value::Object(map)
        })
        .collect();
    if !repositories.is_empty() {
        put(&mut root, "resources", json!({"repositories": repositories}));
    }
    put_list(&mut root, "variables", variables(&plan.variables));
    let mut stages: Vec<Value> = plan.stages.iter().map(stage).collect();
    // Left out, `dependsOn` would mean the stage before.
    for (value, stage) in stages.iter_mut().zip(&plan.stages).skip(1) {
        if stage.depends_on.is_empty() {
            value["dependsOn"] = json!([]);
        }
    }
    put(&mut root, "stages", stages.into());
    pave_yaml::to_string(&Value::Object(root))
}

fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    map.insert(key.to_owned(), value);
}

fn set(map: &mut Map<String, Value>, key: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        put(map, key, value.into());
    }
}

fn put_list(map: &mut Map<String, Value>, key: &str, items: Vec<Value>) {
    if !items.is_empty() {
        put(map, key, items.into());
    }
}

fn flag(map: &mut Map<String, Value>, key: &str, value: bool, usual: bool) {
    if value != usual {
        put(map, key, value.into());
    }
}

fn number(map: &mut Map<String, Value>, key: &str, value: u32, usual: u32) {
    if value != usual {
        put(map, key, value.into());
    }
}

fn trigger(trigger: &Trigger) -> Value {
    let Trigger::Filtered {
        branches,
        paths,
        tags,
        batch,
        ..
    } = trigger
    else {
        return "none".into();
    };
    let mut map = Map::new();
    flag(&mut map, "batch", *batch, false);
    for (key, filter) in [("branches", branches), ("paths", paths), ("tags", tags)] {
        if !filter.is_empty() {
            put(&mut map, key, lists(filter));
        }
    }
    Value::Object(map)
}

fn lists(filter: &Filter) -> Value {
    let mut map = Map::new();
    put_list(
        &mut map,
        "include",
        filter.include.iter().map(|text| text.as_str().into()).collect(),
    );
    put_list(
        &mut map,
        "exclude",
        filter.exclude.iter().map(|text| text.as_str().into()).collect(),
    );
    Value::Object(map)
}

fn variables(list: &[Variable]) -> Vec<Value> {
    list.iter()
        .map(|variable| match variable {
            Variable::Group { name, .. } => json!({"group": name}),
            Variable::Value {
                name,
                value,
                read_only,
            } => {
                let mut map = Map::new();
                put(&mut map, "name", name.as_str().into());
                put(&mut map, "value", value.as_str().into());
                flag(&mut map, "readonly", *read_only, false);
                Value::Object(map)
            }
        })
        .collect()
}

fn stage(stage: &Stage) -> Value {
    let mut map = Map::new();
    put(&mut map, "stage", stage.name.as_str().into());
    set(
        &mut map,
        "displayName",
        Some(&stage.display_name)
            .filter(|name| **name != stage.name)
            .map(String::as_str),
    );
    put_list(&mut map, "dependsOn", texts(&stage.depends_on));
    set(&mut map, "condition", stage.condition.as_deref());
    if stage.manual {
        put(&mut map, "trigger", "manual".into());
    }
    flag(&mut map, "isSkippable", stage.is_skippable, true);
    set(&mut map, "lockBehavior", stage.lock_behavior.as_deref());
    put_list(&mut map, "variables", variables(&stage.variables));
    put(&mut map, "jobs", stage.jobs.iter().map(job).collect());
    Value::Object(map)
}

fn texts(list: &[String]) -> Vec<Value> {
    list.iter().map(|text| text.as_str().into()).collect()
}

fn job(job: &Job) -> Value {
    let mut map = Map::new();
    let key = if matches!(job.kind, JobKind::Deployment { .. }) {
        "deployment"
    } else {
        "job"
    };
    put(&mut map, key, job.name.as_str().into());
    set(
        &mut map,
        "displayName",
        Some(&job.display_name)
            .filter(|name| **name != job.name)
            .map(String::as_str),
    );
    put_list(&mut map, "dependsOn", texts(&job.depends_on));
    set(&mut map, "condition", job.condition.as_deref());
    flag(&mut map, "continueOnError", job.continue_on_error, false);
    number(&mut map, "timeoutInMinutes", job.timeout_minutes, 60);
    number(&mut map, "cancelTimeoutInMinutes", job.cancel_timeout_minutes, 5);
    if job.pool != Pool::default() {
        put(&mut map, "pool", pool(&job.pool));
    }
    if let Some(clean) = &job.clean_workspace {
        put(&mut map, "workspace", json!({"clean": clean}));
    }
    if let Some(found) = &job.runs_in {
        put(&mut map, "container", container(found));
    }
    if !job.services.is_empty() {
        let services = job
            .services
            .iter()
            .map(|(name, found)| (name.clone(), container(found)));
        put(&mut map, "services", Value::Object(services.collect()));
    }
    put_list(&mut map, "variables", variables(&job.variables));
    let steps = |hook: &str| -> Vec<Value> {
        let of_hook = job
            .steps
            .iter()
            .filter(|step| step.hook == hook && !is_implicit(step));
        of_hook.map(step).collect()
    };
    if let JobKind::Deployment {
        environment,
        strategy,
    } = &job.kind
    {
        let resource = Some(&environment.resource_name).filter(|name| !name.is_empty());
        let name = resource.map_or_else(
            || environment.name.clone(),
            |name| format!("{}.{name}", environment.name),
        );
        put(&mut map, "environment", name.into());
        let mut hooks = Map::new();
        let mut increments: Vec<Value> = Vec::new();
        for leg in &job.matrix {
            let increment = leg
                .variables
                .iter()
                .find(|(name, _)| name == "Strategy.Increment");
            if let Some(number) = increment.and_then(|(_, text)| text.parse::<u32>().ok())
                && !increments.contains(&number.into())
            {
                increments.push(number.into());
            }
        }
        put_list(&mut hooks, "increments", increments);
        number(&mut hooks, "maxParallel", job.max_parallel, 0);
        for hook in ["preDeploy", "deploy", "routeTraffic", "postRouteTraffic"] {
            let steps = steps(hook);
            if !steps.is_empty() {
                put(&mut hooks, hook, json!({"steps": steps}));
            }
        }
        let mut on = Map::new();
        for hook in ["success", "failure"] {
            let steps = steps(hook);
            if !steps.is_empty() {
                put(&mut on, hook, json!({"steps": steps}));
            }
        }
        if !on.is_empty() {
            put(&mut hooks, "on", Value::Object(on));
        }
        put(&mut map, "strategy", json!({strategy: hooks}));
    } else {
        matrix(&mut map, job);
        put(&mut map, "steps", steps("").into());
    }
    Value::Object(map)
}

fn matrix(map: &mut Map<String, Value>, job: &Job) {
    let mut strategy = Map::new();
    if let Some(expression) = &job.matrix_expression {
        put(&mut strategy, "matrix", expression.as_str().into());
    } else if !job.matrix.is_empty() {
        let legs: Map<String, Value> = job
            .matrix
            .iter()
            .map(|leg| {
                let variables = leg
                    .variables
                    .iter()
                    .map(|(key, value)| (key.clone(), value.as_str().into()));
                (leg.name.clone(), Value::Object(variables.collect()))
            })
            .collect();
        put(&mut strategy, "matrix", Value::Object(legs));
    }
    number(&mut strategy, "maxParallel", job.max_parallel, 0);
    if !strategy.is_empty() {
        put(map, "strategy", Value::Object(strategy));
    }
}

fn container(container: &Container) -> Value {
    let mut map = Map::new();
    put(&mut map, "image", container.image.as_str().into());
    let set_text = |map: &mut Map<String, Value>, key: &str, text: &str| {
        set(map, key, Some(text).filter(|text| !text.is_empty()));
    };
    set_text(&mut map, "options", &container.options);
    set_text(&mut map, "endpoint", &container.endpoint);
    put_pairs(&mut map, "env", &container.env);
    put_list(&mut map, "ports", texts(&container.ports));
    put_list(&mut map, "volumes", texts(&container.volumes));
    Value::Object(map)
}

fn pool(pool: &Pool) -> Value {
    let mut map = Map::new();
    set(&mut map, "name", Some(&pool.name));
    set(&mut map, "vmImage", pool.vm_image.as_deref());
    put_list(&mut map, "demands", texts(&pool.demands));
    Value::Object(map)
}

fn is_implicit(step: &Step) -> bool {
    match &step.action {
        Action::Checkout(checkout) => checkout.implicit,
        Action::Download { source, run, .. } => source.is_empty() && run.is_none(),
        _ => false,
    }
}

fn step(step: &Step) -> Value {
    let (task, inputs) = as_task(&step.action);
    let mut map = Map::new();
    put(&mut map, "task", task.into());
    set(&mut map, "name", step.name.as_deref());
    set(&mut map, "displayName", Some(&step.display_name));
    set(&mut map, "condition", step.condition.as_deref());
    flag(&mut map, "continueOnError", step.continue_on_error, false);
    flag(&mut map, "enabled", step.enabled, true);
    number(&mut map, "timeoutInMinutes", step.timeout_minutes, 0);
    number(&mut map, "retryCountOnTaskFailure", step.retries, 0);
    set(&mut map, "target", step.target.as_deref());
    put_pairs(&mut map, "env", &step.env);
    put_pairs(&mut map, "inputs", &inputs);
    Value::Object(map)
}

fn put_pairs(map: &mut Map<String, Value>, key: &str, pairs: &[(String, String)]) {
    if !pairs.is_empty() {
        let pairs = pairs
            .iter()
            .map(|(key, value)| (key.clone(), value.as_str().into()));
        put(map, key, Value::Object(pairs.collect()));
    }
}

/// A step in the long form, as the service writes it out.
fn as_task(action: &Action) -> (String, Vec<(String, String)>) {
    let mut inputs: Vec<(String, String)> = Vec::new();
    let mut add = |key: &str, value: &str| {
        if !value.is_empty() {
            inputs.push((key.to_owned(), value.to_owned()));
        }
    };
    let name = match action {
        Action::Script {
            shell,
            text,
            working_directory,
            fail_on_stderr,
        } => {
            let name = match shell {
                Shell::Script => "CmdLine@2",
                Shell::Bash => "Bash@3",
                Shell::Pwsh | Shell::PowerShell => "PowerShell@2",
            };
            if *shell != Shell::Script {
                add("targetType", "inline");
            }
            add("script", text);
            add(
                "workingDirectory",
                working_directory.as_deref().unwrap_or_default(),
            );
            add("failOnStderr", if *fail_on_stderr { "true" } else { "" });
            add("pwsh", if *shell == Shell::Pwsh { "true" } else { "" });
            name.to_owned()
        }
        Action::Checkout(checkout) => {
            add("repository", &checkout.repository);
            add("clean", if checkout.clean { "true" } else { "" });
            let depth = checkout.fetch_depth.map(|depth| depth.to_string());
            add("fetchDepth", depth.as_deref().unwrap_or_default());
            add("path", checkout.path.as_deref().unwrap_or_default());
            add("submodules", checkout.submodules.as_deref().unwrap_or_default());
            let tags = checkout.fetch_tags.map(|tags| tags.to_string());
            add("fetchTags", tags.as_deref().unwrap_or_default());
            add("lfs", if checkout.lfs { "true" } else { "" });
            add(
                "persistCredentials",
                if checkout.persist_credentials { "true" } else { "" },
            );
            format!("{}@1", crate::tasks::CHECKOUT)
        }
        Action::Task {
            name,
            major,
            inputs: written,
        } => {
            for (key, value) in written {
                add(key, value);
            }
            format!("{name}@{major}")
        }
        Action::Publish { path, artifact } => {
            add("path", path);
            add("artifact", artifact);
            "PublishPipelineArtifact@1".to_owned()
        }
        Action::Download {
            source,
            run,
            artifact,
            path,
            patterns,
        } => {
            add("buildType", source);
            if let Some(run) = run {
                add("project", &run.project);
                add("pipeline", &run.pipeline);
                add("runVersion", &run.version);
                add("runId", &run.id);
                add("runBranch", &run.branch);
                add("tags", &run.tags);
            }
            add("artifact", artifact);
            add("path", path);
            add("patterns", patterns);
            "DownloadPipelineArtifact@2".to_owned()
        }
    };
    (name, inputs)
}
