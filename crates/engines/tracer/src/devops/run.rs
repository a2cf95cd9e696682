//! What a run of a pipeline says of its place on the road.

use jiff::Timestamp;
use pave_journal::Hop;
use pave_names::{RoadId, State, Station};
use serde_json::{Value, json};
use url::Url;

use super::proposal::encode;

/// Attachment that names what an apply made: `{resources: [{address, type, id}]}`.
pub(super) const APPLIED: &str = "terraform-apply-results";

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) organization: String,
    pub(super) project: String,
    pub(super) build: i64,
}

impl Place {
    pub(super) fn of_link(link: &Value) -> Option<Self> {
        let known = &link["run"];
        let text = |key: &str| known[key].as_str().map(str::to_owned);
        Some(Self {
            organization: text("organization")?,
            project: text("project")?,
            build: known["build"].as_str()?.parse().ok()?,
        })
    }

    /// A path of the REST API below the build.
    pub(super) fn path(&self, tail: &str) -> String {
        format!(
            "{}/{}/_apis/build/builds/{}{tail}?api-version=7.1",
            encode(&self.organization),
            encode(&self.project),
            self.build
        )
    }

    fn link(&self, base: &Url) -> Value {
        let mut page = base.clone();
        if let Ok(mut path) = page.path_segments_mut() {
            path.pop_if_empty()
                .extend([self.organization.as_str(), &self.project, "_build", "results"]);
        }
        page.query_pairs_mut()
            .append_pair("buildId", &self.build.to_string());
        json!({
            "url": page,
            "run": { "organization": self.organization, "project": self.project, "build": self.build.to_string() },
        })
    }
}

/// Whether the run only tries a pull request: it belongs to the review, not to what comes after the merge.
pub(super) fn validates(build: &Value) -> bool {
    build["reason"] == "pullRequest"
}

/// The hops of a run: itself, Terraform's plan and apply, and what the apply made in the cloud.
pub(super) fn hops(
    road: &RoadId,
    place: &Place,
    build: &Value,
    timeline: &Value,
    applied: &[Value],
    base: &Url,
    now: Timestamp,
) -> Vec<Hop> {
    let run = format!("{}/{}/{}", place.organization, place.project, place.build);
    let records: Vec<&Value> = timeline["records"].as_array().into_iter().flatten().collect();
    let hop = |station, subject: String, title: String, (state, cause): (State, String)| {
        let mut hop = Hop::new(road.clone(), station, subject, state, now);
        hop.title = title;
        hop.cause = cause;
        hop.link = place.link(base);
        hop
    };
    let name = build
        .pointer("/definition/name")
        .and_then(Value::as_str)
        .unwrap_or("pipeline");
    let number = build["buildNumber"].as_str().unwrap_or_default();
    let mut hops = vec![hop(
        Station::Run,
        format!("run/{run}"),
        format!("{name} {number}"),
        standing(build, &records),
    )];
    for (station, command) in [(Station::Plan, "plan"), (Station::Apply, "apply")] {
        // A step that has not begun gets no hop yet, or its wait would count as its work.
        let begun = |record: &&&Value| record["state"] != "pending" && runs_terraform(record, command);
        for record in records.iter().filter(begun) {
            let id = record["id"].as_str().unwrap_or_default();
            let title = record["name"].as_str().unwrap_or(command).to_owned();
            hops.push(hop(station, format!("{command}/{run}/{id}"), title, step(record)));
        }
    }
    let made = applied
        .iter()
        .flat_map(|it| it["resources"].as_array().into_iter().flatten());
    for resource in made {
        let Some(id) = resource["id"]
            .as_str()
            .filter(|id| id.starts_with("/subscriptions/"))
        else {
            continue;
        };
        let address = resource["address"].as_str().unwrap_or_default();
        let last = id.rsplit('/').next().unwrap_or_default();
        let mut cloud = hop(
            Station::Cloud,
            format!("cloud{id}"),
            format!("{address}: {last}"),
            (State::Ok, String::new()),
        );
        cloud.link["armId"] = json!(id);
        hops.push(cloud);
    }
    hops
}

/// Whether a record is a step of a Terraform task with this command. The task's inputs say so; a host that does not
/// show them leaves the step's name.
fn runs_terraform(record: &Value, command: &str) -> bool {
    let task = record
        .pointer("/task/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if record["type"] != "Task" || !task.starts_with("TerraformTask") {
        return false;
    }
    if let Some(found) = record.pointer("/task/inputs/command").and_then(Value::as_str) {
        return found == command;
    }
    let name = record["name"].as_str().unwrap_or_default().to_lowercase();
    name.split(|it: char| !it.is_alphanumeric())
        .any(|word| word == command)
}

fn standing(build: &Value, records: &[&Value]) -> (State, String) {
    match (
        build["status"].as_str().unwrap_or_default(),
        build["result"].as_str().unwrap_or_default(),
    ) {
        ("completed", "succeeded" | "partiallySucceeded") => (State::Ok, String::new()),
        ("completed", "canceled") => (State::Failed, "the run was canceled".to_owned()),
        ("completed", _) => (
            State::Failed,
            first_error(records).unwrap_or_else(|| "the run failed".to_owned()),
        ),
        ("notStarted" | "postponed", _) => (State::Pending, "waits for an agent".to_owned()),
        _ if records
            .iter()
            .any(|it| it["type"] == "Checkpoint.Approval" && it["state"] != "completed") =>
        {
            (State::Waiting, "waits for an approval".to_owned())
        }
        _ => (State::Running, String::new()),
    }
}

fn first_error(records: &[&Value]) -> Option<String> {
    let mut tasks = records.iter().filter(|record| record["type"] == "Task");
    let (record, words) = tasks.find_map(|record| Some((record, error_of(record)?)))?;
    let step = record["name"].as_str().unwrap_or("a step");
    Some(format!("{step}: {words}"))
}

/// What went wrong in a step, with file and line: of several errors the first one that has a place.
fn error_of(record: &Value) -> Option<String> {
    let issues = record["issues"].as_array()?;
    let errors = || issues.iter().filter(|it| it["type"] == "error");
    let place = |issue: &Value| issue.pointer("/data/sourcepath").cloned();
    let found = errors()
        .find(|it| place(it).is_some())
        .or_else(|| errors().next())?;
    let words = found["message"].as_str()?;
    let Some(file) = place(found).as_ref().and_then(Value::as_str).map(str::to_owned) else {
        return Some(words.to_owned());
    };
    if words.contains(&format!("{file}:")) {
        return Some(words.to_owned());
    }
    let line = found.pointer("/data/linenumber").and_then(Value::as_str);
    Some(match line {
        Some(line) => format!("{file}:{line}: {words}"),
        None => format!("{file}: {words}"),
    })
}

fn step(record: &Value) -> (State, String) {
    let issue = || error_of(record).unwrap_or_else(|| "the step failed".to_owned());
    match (
        record["state"].as_str().unwrap_or_default(),
        record["result"].as_str().unwrap_or_default(),
    ) {
        ("completed", "succeeded" | "succeededWithIssues") => (State::Ok, String::new()),
        ("completed", "skipped") => (
            State::Failed,
            "skipped, because something before it failed".to_owned(),
        ),
        ("completed", "canceled") => (State::Failed, "canceled".to_owned()),
        ("completed", _) => (State::Failed, issue()),
        ("inProgress", _) => (State::Running, String::new()),
        _ => (State::Pending, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(build: &Value, records: &Value, applied: &[Value], expected: &[(Station, State, &str)]) {
        let place = Place {
            organization: "pave".into(),
            project: "backstage".into(),
            build: 3,
        };
        let road = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
        let base = Url::parse("https://host:1/").unwrap();
        let timeline = json!({ "records": records });
        let hops = hops(
            &road,
            &place,
            build,
            &timeline,
            applied,
            &base,
            Timestamp::UNIX_EPOCH,
        );
        let told: Vec<_> = hops
            .iter()
            .map(|it| (it.station, it.state, it.cause.as_str()))
            .collect();
        assert_eq!(told, expected, "{build}");
        assert_eq!(Place::of_link(&hops[0].link), Some(place));
    }

    fn terraform(command: &str, state: &str, result: &Value, issues: &Value) -> Value {
        json!({
            "id": command, "type": "Task", "name": format!("Terraform {command}"), "state": state, "result": result,
            "issues": issues, "task": { "name": "TerraformTaskV4", "inputs": { "command": command } },
        })
    }

    #[test]
    fn a_run_stands_at_its_own_station_and_at_those_of_its_terraform_steps() {
        let plan = terraform("plan", "completed", &json!("succeeded"), &json!([]));
        check(
            &json!({ "status": "inProgress" }),
            &json!([plan, terraform("apply", "inProgress", &Value::Null, &json!([]))]),
            &[],
            &[
                (Station::Run, State::Running, ""),
                (Station::Plan, State::Ok, ""),
                (Station::Apply, State::Running, ""),
            ],
        );
        let failed = terraform(
            "apply",
            "completed",
            &json!("failed"),
            &json!([{ "type": "error", "message": "main.tf:5: no such location" }]),
        );
        check(
            &json!({ "status": "completed", "result": "failed" }),
            &json!([plan, failed]),
            &[],
            &[
                (
                    Station::Run,
                    State::Failed,
                    "Terraform apply: main.tf:5: no such location",
                ),
                (Station::Plan, State::Ok, ""),
                (Station::Apply, State::Failed, "main.tf:5: no such location"),
            ],
        );
        let (general, placed) = (
            json!({ "type": "error", "message": "the step failed with 1" }),
            json!({ "type": "error", "message": "no such name", "data": { "sourcepath": "a/main.tf", "linenumber": "5" } }),
        );
        let failed = terraform("plan", "completed", &json!("failed"), &json!([general, placed]));
        check(
            &json!({ "status": "completed", "result": "failed" }),
            &json!([failed]),
            &[],
            &[
                (
                    Station::Run,
                    State::Failed,
                    "Terraform plan: a/main.tf:5: no such name",
                ),
                (Station::Plan, State::Failed, "a/main.tf:5: no such name"),
            ],
        );
        check(
            &json!({ "status": "completed", "result": "succeeded" }),
            &json!([]),
            &[json!({ "resources": [
                { "address": "azurerm_resource_group.example", "id": "/subscriptions/s/resourceGroups/rg-one" },
                { "address": "terraform_data.x", "id": "abc" },
            ] })],
            &[(Station::Run, State::Ok, ""), (Station::Cloud, State::Ok, "")],
        );
        check(
            &json!({ "status": "inProgress" }),
            &json!([{ "type": "Checkpoint.Approval", "state": "inProgress" }]),
            &[],
            &[(Station::Run, State::Waiting, "waits for an approval")],
        );
        check(
            &json!({ "status": "notStarted" }),
            &json!([]),
            &[],
            &[(Station::Run, State::Pending, "waits for an agent")],
        );
    }
}
