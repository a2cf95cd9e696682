//! Who may do what, asked of the one authorizer.

use pave_auth::{AccessRequest, Principal};
use pave_devops::{AreaError, Project};

use crate::pipelines::Pipelines;

/// What rights are asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Realm {
    Pipelines,
    ServiceEndpoints,
    VariableGroups,
    Environments,
    Repositories,
}

impl Realm {
    fn word(self) -> &'static str {
        match self {
            Self::Pipelines => "pipelines",
            Self::ServiceEndpoints => "serviceendpoints",
            Self::VariableGroups => "variablegroups",
            Self::Environments => "environments",
            Self::Repositories => "forge",
        }
    }
}

impl Pipelines {
    pub(crate) async fn allows(
        &self,
        principal: &Principal,
        verb: &str,
        realm: Realm,
        project: &Project,
        name: &str,
    ) -> Result<(), String> {
        let path = format!(
            "/{}/{}/{}/{name}",
            realm.word(),
            project.organization,
            project.name
        );
        let request = AccessRequest::path(verb, path);
        let decision = self.options().authorizer.authorize(principal, &request).await;
        if decision.allowed {
            Ok(())
        } else {
            Err(decision.reason)
        }
    }

    /// Refuses who may not; who may not even look is told that there is nothing.
    pub(crate) async fn check(
        &self,
        principal: &Principal,
        verb: &str,
        realm: Realm,
        project: &Project,
        name: &str,
    ) -> Result<(), AreaError> {
        let Err(reason) = self.allows(principal, verb, realm, project, name).await else {
            return Ok(());
        };
        if verb == "get" {
            return Err(AreaError::not_found(format!(
                "`{name}` was not found among {}, or you may not see it: {reason}",
                realm.word()
            )));
        }
        Err(AreaError::forbidden(format!(
            "Access denied. {} needs permission `{verb}` on {} `{name}`: {reason}",
            principal.display_name,
            realm.word()
        )))
    }
}
