//! Whom one can name as a reviewer or an approver.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use pave_auth::Principal;
use serde_json::{Value, json};

use crate::context::Portal;
use crate::error::ApiError;
use crate::session::Caller;

pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/people", get(list))
}

async fn list(State(portal): State<Portal>, _: Caller) -> Result<Json<Value>, ApiError> {
    let principals = portal.identities.principals().await?;
    Ok(Json(json!({ "items": all(&principals) })))
}

/// People by name, then groups with how many they are. A group goes by its name, as every stand-in takes it.
fn all(principals: &[Principal]) -> Vec<Value> {
    let mut people: Vec<&Principal> = principals.iter().filter(|it| !is_program(it)).collect();
    people.sort_by_key(|it| it.display_name.to_lowercase());
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for group in people.iter().flat_map(|it| &it.groups) {
        *groups.entry(group).or_default() += 1;
    }
    let person = |it: &&Principal| {
        let unique = if it.email.is_empty() { &it.user } else { &it.email };
        json!({ "id": it.id, "kind": "user", "displayName": it.display_name, "uniqueName": unique, "groups": it.groups })
    };
    let group = |(name, members): (&str, usize)| json!({ "id": name, "kind": "group", "displayName": name, "uniqueName": format!("group:default/{name}"), "members": members });
    people
        .iter()
        .map(person)
        .chain(groups.into_iter().map(group))
        .collect()
}

/// Whether nobody reads what one says to it: service accounts, and those that Pave itself signs in as.
fn is_program(principal: &Principal) -> bool {
    principal.user.starts_with("system:")
        || (!principal.groups.is_empty() && principal.groups.iter().all(|group| group.starts_with("pave:")))
}

#[cfg(test)]
mod tests {
    use pave_names::EntityRef;

    use super::*;

    #[test]
    fn people_come_before_groups_and_programs_are_left_out() {
        let person = |name: &str, groups: &[&str]| Principal {
            id: uuid::Uuid::nil(),
            entity: EntityRef::new("user", "default", name),
            user: name.to_owned(),
            groups: groups.iter().map(|it| (*it).to_owned()).collect(),
            display_name: name.to_owned(),
            email: String::new(),
        };
        let robot = Principal::service_account("pave-system", "build-service");
        let found = all(&[
            person("bob", &["team-b", "platform"]),
            robot,
            person("reader", &["pave:readers"]),
            person("alice", &["platform"]),
        ]);
        let names: Vec<&str> = found.iter().filter_map(|it| it["displayName"].as_str()).collect();
        assert_eq!(names, ["alice", "bob", "platform", "team-b"]);
        assert_eq!(found[2]["members"], 2);
    }
}
