use std::collections::HashMap;

use pave_journal::Hop;
use pave_names::{Direction, State, Station};

use super::Request;

/// Which request made what, gathered from the journal's hops in their order.
#[derive(Default)]
pub(super) struct Requests {
    requesters: HashMap<String, String>,
    namespaces: HashMap<String, String>,
    made: HashMap<String, String>,
}

impl Requests {
    /// Takes a hop in; says whether it is news about what stands in the cloud.
    pub(super) fn note(&mut self, hop: &Hop) -> bool {
        match hop.station {
            Station::Task => {
                let requester = hop.link["requestedBy"].as_str();
                self.requesters
                    .extend(requester.map(|it| (hop.road.to_string(), it.to_owned())));
                false
            }
            Station::Claim => {
                let namespace = hop.link["namespace"].as_str();
                self.namespaces
                    .extend(namespace.map(|it| (hop.road.to_string(), it.to_owned())));
                false
            }
            Station::Cloud => {
                let Some(id) = hop.link["armId"].as_str().map(str::to_lowercase) else {
                    return false;
                };
                if hop.direction == Direction::Down {
                    if hop.state == State::Ok {
                        self.made.remove(&id);
                    }
                } else {
                    // A later request that changes it did not make it.
                    self.made.entry(id).or_insert_with(|| hop.road.to_string());
                }
                true
            }
            _ => false,
        }
    }

    /// Requests by the ARM ids, in lower case, of what they made; `group_of` knows the group that a namespace belongs to.
    pub(super) fn by_resource(&self, group_of: impl Fn(&str) -> Option<String>) -> HashMap<String, Request> {
        let request = |road: &String| Request {
            road: road.clone(),
            requested_by: self.requesters.get(road).cloned(),
            team: self.namespaces.get(road).and_then(|it| group_of(it)),
        };
        self.made
            .iter()
            .map(|(id, road)| (id.clone(), request(road)))
            .collect()
    }
}
