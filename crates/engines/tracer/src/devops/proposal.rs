//! What a pull request says of its place on the road.

use jiff::Timestamp;
use pave_journal::Hop;
use pave_names::{RoadId, State, Station};
use serde_json::{Value, json};
use url::Url;

/// Type of the policy that wants a number of approvals; the same everywhere.
const APPROVERS: &str = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd";
/// Field of a review's link: whether only others than the author can end its wait.
const AWAITS_OTHERS: &str = "awaitsOthers";

/// Where a pull request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) organization: String,
    pub(super) project: String,
    pub(super) repository: String,
    pub(super) id: i64,
}

impl Place {
    pub(super) fn of_link(link: &Value) -> Option<Self> {
        let known = &link["pullRequest"];
        let text = |key: &str| known[key].as_str().map(str::to_owned);
        Some(Self {
            organization: text("organization")?,
            project: text("project")?,
            repository: text("repository")?,
            id: known["id"].as_str()?.parse().ok()?,
        })
    }

    /// A path of the REST API below the pull request.
    pub(super) fn path(&self, tail: &str) -> String {
        let [organization, project, repository] =
            [&self.organization, &self.project, &self.repository].map(|part| encode(part));
        format!(
            "{organization}/{project}/_apis/git/repositories/{repository}/pullRequests/{}{tail}?api-version=7.1",
            self.id
        )
    }

    /// The path of what the branch policies say.
    pub(super) fn evaluations(&self, pull_request: &Value) -> String {
        let project = pull_request
            .pointer("/repository/project/id")
            .and_then(Value::as_str);
        format!(
            "{}/{}/_apis/policy/evaluations?artifactId=vstfs:///CodeReview/CodeReviewId/{}/{}&api-version=7.1-preview.1",
            encode(&self.organization),
            encode(&self.project),
            project.unwrap_or_default(),
            self.id
        )
    }

    fn link(&self, base: &Url) -> Value {
        let mut page = base.clone();
        if let Ok(mut path) = page.path_segments_mut() {
            path.pop_if_empty().extend([
                self.organization.as_str(),
                &self.project,
                "_git",
                &self.repository,
                "pullrequest",
                &self.id.to_string(),
            ]);
        }
        json!({
            "url": page,
            "pullRequest": {
                "organization": self.organization, "project": self.project, "repository": self.repository,
                "id": self.id.to_string(),
            },
        })
    }
}

/// Percent-encodes a segment of a path.
pub(super) fn encode(segment: &str) -> String {
    let mut url = Url::parse("http://host").ok();
    if let Some(url) = &mut url
        && let Ok(mut path) = url.path_segments_mut()
    {
        path.push(segment);
    }
    url.map_or_else(
        || segment.to_owned(),
        |url| url.path().trim_start_matches('/').to_owned(),
    )
}

/// The hops of a pull request: itself, its review, and its merge once it is completed.
pub(super) fn hops(
    road: &RoadId,
    place: &Place,
    pull_request: &Value,
    evaluations: &Value,
    base: &Url,
    now: Timestamp,
) -> Vec<Hop> {
    let text = |pointer: &str| {
        pull_request
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let subject = format!(
        "pullrequest/{}/{}/{}/{}",
        place.organization, place.project, place.repository, place.id
    );
    let hop = |station, subject: String, title: String, (state, cause): (State, String)| {
        let mut hop = Hop::new(road.clone(), station, subject, state, now);
        hop.title = title;
        hop.cause = cause;
        hop.link = place.link(base);
        hop
    };
    let status = text("/status");
    let (reviewed, cause) = reviewed(status, pull_request, evaluations);
    let mut review = hop(
        Station::Review,
        format!("review/{}", subject.trim_start_matches("pullrequest/")),
        reviewers(pull_request),
        (reviewed, cause),
    );
    if reviewed == State::Waiting && open_policies(evaluations).any(wants_others) {
        review.link[AWAITS_OTHERS] = json!(true);
    }
    let mut hops = vec![
        hop(
            Station::PullRequest,
            subject,
            format!("Pull request {}: {}", place.id, text("/title")),
            proposed(status, text("/mergeStatus")),
        ),
        review,
    ];
    let merged = text("/lastMergeCommit/commitId");
    if status == "completed" && !merged.is_empty() {
        let into = text("/targetRefName").trim_start_matches("refs/heads/");
        let mut merge = hop(
            Station::Merge,
            format!("commit/{merged}"),
            format!("Merged into {into} ({})", merged.get(..7).unwrap_or(merged)),
            (State::Ok, String::new()),
        );
        merge.link["repository"] = pull_request
            .pointer("/repository/remoteUrl")
            .cloned()
            .unwrap_or_default();
        merge.link["commit"] = json!(merged);
        hops.push(merge);
    }
    hops
}

fn proposed(status: &str, merge: &str) -> (State, String) {
    match (status, merge) {
        ("abandoned", _) => (State::Failed, "the pull request was abandoned".to_owned()),
        ("active", "conflicts") => (
            State::Failed,
            "the branch conflicts with its target; merge the target into it and resolve the conflicts"
                .to_owned(),
        ),
        _ => (State::Ok, String::new()),
    }
}

fn votes(pull_request: &Value) -> impl Iterator<Item = (&str, i64)> {
    let reviewers = pull_request["reviewers"].as_array().into_iter().flatten();
    reviewers.map(|it| {
        (
            it["displayName"].as_str().unwrap_or("somebody"),
            it["vote"].as_i64().unwrap_or_default(),
        )
    })
}

fn reviewers(pull_request: &Value) -> String {
    let said: Vec<String> = votes(pull_request)
        .filter_map(|(name, vote)| {
            let word = match vote {
                10 => "approved",
                5 => "approved with suggestions",
                -5 => "waits for the author",
                -10 => "rejected",
                _ => return None,
            };
            Some(format!("{name} {word}"))
        })
        .collect();
    if said.is_empty() {
        "Review".to_owned()
    } else {
        format!("Review: {}", said.join(", "))
    }
}

fn reviewed(status: &str, pull_request: &Value, evaluations: &Value) -> (State, String) {
    match status {
        "completed" => return (State::Ok, String::new()),
        "abandoned" => return (State::Deleted, String::new()),
        _ => {}
    }
    if let Some((name, _)) = votes(pull_request).find(|(_, vote)| *vote == -10) {
        return (State::Failed, format!("{name} rejected the change"));
    }
    if let Some((name, _)) = votes(pull_request).find(|(_, vote)| *vote == -5) {
        return (State::Waiting, format!("{name} waits for the author"));
    }
    let waits: Vec<String> = open_policies(evaluations).map(awaited).collect();
    let cause = if waits.is_empty() {
        "waits for somebody to complete the pull request".to_owned()
    } else {
        format!("waits for {}", waits.join(", and for "))
    };
    (State::Waiting, cause)
}

/// Evaluations of the policies that keep the pull request from being completed.
fn open_policies(evaluations: &Value) -> impl Iterator<Item = &Value> {
    let all = evaluations["value"].as_array().into_iter().flatten();
    all.filter(|it| {
        it.pointer("/configuration/isBlocking") == Some(&json!(true))
            && it["status"] != "approved"
            && it["status"] != "notApplicable"
    })
}

/// Whether a policy wants approvals that the author cannot give.
fn wants_others(evaluation: &Value) -> bool {
    evaluation.pointer("/configuration/type/id") == Some(&json!(APPROVERS))
        && evaluation.pointer("/configuration/settings/creatorVoteCounts") != Some(&json!(true))
}

/// What a policy waits for.
fn awaited(evaluation: &Value) -> String {
    let settings = &evaluation["configuration"]["settings"];
    if evaluation.pointer("/configuration/type/id") == Some(&json!(APPROVERS)) {
        let wanted = match settings["minimumApproverCount"].as_u64() {
            Some(count) if count > 1 => format!("{count} approvals"),
            _ => "an approval".to_owned(),
        };
        return if wants_others(evaluation) {
            format!("{wanted} by somebody other than the author")
        } else {
            format!("{wanted}; the author's own counts")
        };
    }
    let name = evaluation
        .pointer("/configuration/type/displayName")
        .and_then(Value::as_str)
        .unwrap_or("a policy");
    let status = evaluation["status"].as_str().unwrap_or("open");
    format!("the branch policy `{name}`, which is {status}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pull_request: &Value, evaluations: &Value, expected: &[(Station, State, &str)]) {
        let place = Place {
            organization: "pave".into(),
            project: "a project".into(),
            repository: "demo".into(),
            id: 7,
        };
        let road = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
        let base = Url::parse("https://host:1/").unwrap();
        let hops = hops(
            &road,
            &place,
            pull_request,
            evaluations,
            &base,
            Timestamp::UNIX_EPOCH,
        );
        let told: Vec<_> = hops
            .iter()
            .map(|it| (it.station, it.state, it.cause.as_str()))
            .collect();
        assert_eq!(told, expected, "{pull_request}");
        for hop in &hops {
            assert_eq!(Place::of_link(&hop.link).as_ref(), Some(&place));
        }
    }

    #[test]
    fn a_pull_request_stands_where_its_policies_and_votes_say() {
        let none = json!({ "value": [] });
        let build = json!({ "value": [{ "status": "queued", "configuration": { "isBlocking": true, "type": { "displayName": "Build" } } }] });
        check(
            &json!({ "status": "active", "title": "rg-one", "mergeStatus": "succeeded" }),
            &build,
            &[
                (Station::PullRequest, State::Ok, ""),
                (
                    Station::Review,
                    State::Waiting,
                    "waits for the branch policy `Build`, which is queued",
                ),
            ],
        );
        check(
            &json!({ "status": "active", "mergeStatus": "conflicts", "reviewers": [{ "displayName": "Bob", "vote": -10 }] }),
            &none,
            &[
                (
                    Station::PullRequest,
                    State::Failed,
                    "the branch conflicts with its target; merge the target into it and resolve the conflicts",
                ),
                (Station::Review, State::Failed, "Bob rejected the change"),
            ],
        );
        check(
            &json!({ "status": "completed", "targetRefName": "refs/heads/main", "lastMergeCommit": { "commitId": "abcdef0123" } }),
            &none,
            &[
                (Station::PullRequest, State::Ok, ""),
                (Station::Review, State::Ok, ""),
                (Station::Merge, State::Ok, ""),
            ],
        );
        check(
            &json!({ "status": "abandoned" }),
            &none,
            &[
                (
                    Station::PullRequest,
                    State::Failed,
                    "the pull request was abandoned",
                ),
                (Station::Review, State::Deleted, ""),
            ],
        );
    }

    #[test]
    fn a_review_says_who_can_end_its_wait() {
        let check = |settings: Value, expected: &str, awaits_others: bool| {
            let evaluation = json!({ "status": "running", "configuration": {
                "isBlocking": true, "type": { "id": APPROVERS, "displayName": "Minimum number of reviewers" }, "settings": settings } });
            assert_eq!(awaited(&evaluation), expected);
            assert_eq!(wants_others(&evaluation), awaits_others, "{expected}");
        };
        check(
            json!({ "minimumApproverCount": 1 }),
            "an approval by somebody other than the author",
            true,
        );
        check(
            json!({ "minimumApproverCount": 2, "creatorVoteCounts": false }),
            "2 approvals by somebody other than the author",
            true,
        );
        check(
            json!({ "minimumApproverCount": 1, "creatorVoteCounts": true }),
            "an approval; the author's own counts",
            false,
        );
    }

    #[test]
    fn segments_are_encoded() {
        assert_eq!(encode("a project/x"), "a%20project%2Fx");
    }
}
