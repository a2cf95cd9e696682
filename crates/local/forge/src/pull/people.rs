//! From ids to people and groups.

use pave_auth::Principal;
use uuid::Uuid;

use super::Reviewer;
use crate::ForgeError;
use crate::forge::Forge;

/// Namespace of the ids that groups get: derived from the name, since nobody stores them.
const GROUPS: Uuid = Uuid::from_u128(0x7061_7665_0000_4000_8000_6772_6f75_7073);

/// The id by which a group is asked for a vote.
pub(crate) fn group_id(name: &str) -> Uuid {
    Uuid::new_v5(&GROUPS, name.as_bytes())
}

impl Reviewer {
    pub(crate) fn person(principal: &Principal) -> Self {
        let unique = if principal.email.is_empty() {
            &principal.user
        } else {
            &principal.email
        };
        Self {
            id: principal.id,
            name: principal.display_name.clone(),
            unique: unique.clone(),
            group: None,
            vote: 0,
            required: false,
            flagged: false,
            groups: principal.groups.clone(),
        }
    }

    fn group(name: &str) -> Self {
        Self {
            id: group_id(name),
            name: name.to_owned(),
            unique: format!("vstfs:///Framework/Group/{name}"),
            group: Some(name.to_owned()),
            vote: 0,
            required: false,
            flagged: false,
            groups: Vec::new(),
        }
    }
}

impl Forge {
    /// Somebody by id, as they are now.
    pub(crate) async fn person(&self, id: Uuid) -> Result<Option<Principal>, ForgeError> {
        let all = self.identities().principals().await?;
        Ok(all.into_iter().find(|it| it.id == id))
    }

    /// A reviewer by id, mail address, user name, or the name of a group.
    pub(crate) async fn reviewer(&self, wanted: &str) -> Result<Option<Reviewer>, ForgeError> {
        let all = self.identities().principals().await?;
        let id = Uuid::parse_str(wanted).ok();
        let is = |it: &&Principal| {
            id.is_some_and(|id| id == it.id)
                || it.user.eq_ignore_ascii_case(wanted)
                || it.email.eq_ignore_ascii_case(wanted)
                || it.entity.to_string().eq_ignore_ascii_case(wanted)
        };
        if let Some(found) = all.iter().find(is) {
            return Ok(Some(Reviewer::person(found)));
        }
        let mut groups = all.iter().flat_map(|it| &it.groups);
        let found = groups.find(|name| id.map_or(name.as_str() == wanted, |id| group_id(name) == id));
        Ok(found.map(|name| Reviewer::group(name)))
    }
}
