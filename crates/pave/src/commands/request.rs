//! `pave request` and `pave preview`: templates from the command line.

use pave_journal::Hop;
use pave_names::{State, Station};
use serde_json::{Map, Value, json};

use crate::cli::{Format, Preview, Read, Request};
use crate::client::Client;
use crate::commands::trace::{self, encode, follow, hops};
use crate::failure::Failure;
use crate::output;
use crate::platform::place::Place;

/// How the name of a request that goes by pull request begins.
const PROPOSAL: &str = "pullrequest/";

pub(crate) async fn run(place: &Place, command: Request) -> Result<(), Failure> {
    let client = Client::connect(place)?;
    match command {
        Request::New {
            template,
            values,
            wait,
            output,
        } => create(&client, &template, &values, wait, output).await,
        Request::List(Read { output }) => list(&client, output).await,
        Request::Show { name, output } => show(&client, &name, output).await,
        Request::Delete { name, wait } => delete(&client, &name, wait).await,
    }
}

async fn create(
    client: &Client,
    template: &str,
    values: &[String],
    wait: bool,
    format: Format,
) -> Result<(), Failure> {
    let body = json!({ "templateRef": template_ref(template), "values": parse_values(values)? });
    let task = client.post("/api/scaffolder/v2/tasks", &body).await?;
    let id = task["id"].as_str().unwrap_or_default();
    let task = client.get(&format!("/api/scaffolder/v2/tasks/{id}")).await?;
    if !output::machine(&task, &[id.to_owned()], format) {
        output::note(format!("task {id} is on its way"));
        output::note(format!("same as: pave trace task/{id}"));
    }
    if wait {
        follow(client, task["road"].as_str().unwrap_or_default()).await?;
    }
    Ok(())
}

/// Requests that the list looks back at for those that go by pull request.
const RECENT: usize = 200;

/// Environments, then what was asked for by pull request.
async fn list(client: &Client, format: Format) -> Result<(), Failure> {
    let items = |answer: Value| answer["items"].as_array().cloned().unwrap_or_default();
    let environments = items(client.get("/api/pave/v1/environments").await?);
    let roads = items(client.get(&format!("/api/pave/v1/roads?limit={RECENT}")).await?);
    let mut rows: Vec<Vec<String>> = environments.iter().map(environment_row).collect();
    let mut proposals = Vec::new();
    for road in roads {
        if let Some(row) = proposal_row(&road, &hops(&road)?) {
            rows.push(row);
            proposals.push(road);
        }
    }
    let names: Vec<String> = rows.iter().map(|row| row[0].clone()).collect();
    let all = json!({ "environments": environments, "pullRequests": proposals });
    if output::machine(&all, &names, format) {
        return Ok(());
    }
    if rows.is_empty() {
        output::note(
            "no requests yet; make one with `pave request new create-team-environment envName=… dbUser=…`",
        );
    } else {
        output::table(&["NAME", "STATE", "CREATED", "CAUSE"], &rows);
    }
    Ok(())
}

fn environment_row(item: &Value) -> Vec<String> {
    vec![
        format!("{}/{}", text(item, "namespace"), text(item, "name")),
        text(item, "state"),
        moment(item, "createdAt"),
        text(item, "cause"),
    ]
}

/// The row of a request that goes by pull request and makes no environment, named so that `pave trace` finds it.
fn proposal_row(road: &Value, hops: &[Hop]) -> Option<Vec<String>> {
    let proposal = hops.iter().find(|hop| hop.station == Station::PullRequest)?;
    if hops.iter().any(|hop| hop.station == Station::Claim) {
        return None;
    }
    let id = proposal.subject.rsplit('/').next()?;
    let stands = hops.iter().find(|hop| hop.state != State::Ok).or(hops.last())?;
    Some(vec![
        format!("{PROPOSAL}{id}"),
        stands.state.to_string(),
        moment(road, "startedAt"),
        stands.cause.clone(),
    ])
}

async fn show(client: &Client, name: &str, format: Format) -> Result<(), Failure> {
    if name.starts_with(PROPOSAL) {
        return trace::show(client, name, format).await;
    }
    let environment = client
        .get(&format!("/api/pave/v1/environments/{}", path(name)?))
        .await?;
    if !output::machine(&environment, &[name.to_owned()], format) {
        output::line(environment["yaml"].as_str().unwrap_or_default().trim_end());
        output::note(format!(
            "\nstate: {}  {}",
            text(&environment, "state"),
            text(&environment, "cause")
        ));
        output::note(format!("same as: pave trace {name}"));
    }
    Ok(())
}

async fn delete(client: &Client, name: &str, wait: bool) -> Result<(), Failure> {
    if name.starts_with(PROPOSAL) {
        return Err(Failure::user(format!("`{name}` is taken back the way it came")).hint(
            "abandon it while it is open; after its merge, remove its files by another pull request, whose run destroys what it made",
        ));
    }
    let answer = client
        .delete(&format!("/api/pave/v1/environments/{}", path(name)?))
        .await?;
    output::note(format!(
        "the removal of {name} is committed; same as: pave trace task/{}",
        text(&answer, "taskId")
    ));
    if wait {
        follow(client, &text(&answer, "road")).await?;
    }
    Ok(())
}

/// What a request would write and make, without making it.
pub(crate) async fn preview(place: &Place, command: Preview) -> Result<(), Failure> {
    let client = Client::connect(place)?;
    let body =
        json!({ "templateRef": template_ref(&command.template), "values": parse_values(&command.values)? });
    let plan = client.post("/api/pave/v1/plan", &body).await?;
    let list = |key: &str| plan[key].as_array().cloned().unwrap_or_default();
    let names: Vec<String> = list("files").iter().map(|file| text(file, "path")).collect();
    if output::machine(&plan, &names, command.output) {
        return Ok(());
    }
    for file in list("files") {
        output::line(format!(
            "--- {} ({})",
            text(&file, "path"),
            if file["before"].is_null() {
                "new"
            } else {
                "changed"
            }
        ));
        output::line(text(&file, "content").trim_end());
    }
    output::line("");
    let rows: Vec<Vec<String>> = list("resources")
        .iter()
        .map(|it| {
            vec![
                text(it, "layer"),
                text(it, "kind"),
                text(it, "name"),
                text(it, "summary"),
            ]
        })
        .collect();
    output::table(&["LAYER", "KIND", "NAME", "WHAT"], &rows);
    for denial in list("denials") {
        output::note(format!("not permitted: {}", denial.as_str().unwrap_or_default()));
    }
    for diagnostic in list("diagnostics") {
        if let Ok(diagnostic) = serde_json::from_value(diagnostic) {
            crate::drawing::diagnostic(&diagnostic, output::coloured())
                .iter()
                .for_each(output::note);
        }
    }
    Ok(())
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// A time to the second.
fn moment(value: &Value, key: &str) -> String {
    let text = text(value, key);
    let time: Option<jiff::Timestamp> = text.parse().ok();
    time.map_or(text, |it| format!("{it:.0}"))
}

fn template_ref(text: &str) -> String {
    if text.contains(':') {
        text.to_owned()
    } else {
        format!("template:default/{text}")
    }
}

/// `team-a/orders` as a path of the API.
fn path(name: &str) -> Result<String, Failure> {
    match name.split_once('/') {
        Some((namespace, name)) => Ok(format!("{}/{}", encode(namespace), encode(name))),
        None => Err(Failure::user(format!("`{name}` does not say which team"))
            .hint("write it as `team/name`, or `pullrequest/id`; `pave request list` shows them")),
    }
}

/// `name=value` pairs; a value that is JSON, other than a bare word, is taken as JSON.
fn parse_values(pairs: &[String]) -> Result<Value, Failure> {
    let mut values = Map::new();
    for pair in pairs {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::user(format!("`{pair}` is not `name=value`")))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        values.insert(name.to_owned(), value);
    }
    Ok(Value::Object(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_where_they_can_be() {
        let pairs = ["a=x", "b=3", "c=[1]", "d=a=b"].map(String::from);
        assert_eq!(
            parse_values(&pairs).unwrap(),
            json!({ "a": "x", "b": 3, "c": [1], "d": "a=b" })
        );
        assert!(parse_values(&["nothing".into()]).is_err());
    }
}
