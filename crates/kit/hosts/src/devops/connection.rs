use serde_json::Value;

use super::{DevOps, DevOpsError, Identity, text};
use crate::location::host_of;

/// Who we are to a host, as a test of the connection found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Who the token belongs to.
    pub user: Identity,
    /// `hosted` in the cloud, `onPremises` elsewhere; empty where the host does not say.
    pub deployment: String,
}

impl DevOps {
    /// Asks the host who we are: the test of a connection.
    ///
    /// # Errors
    /// Says in words whether the token is missing, wrong or expired, the host cannot be reached or trusted, or
    /// something other than Azure DevOps answers.
    pub async fn connection(&self) -> Result<Connection, DevOpsError> {
        let answer = self
            .call(
                http::Method::GET,
                &["_apis", "connectionData"],
                &[("api-version", "7.0-preview.1")],
                None,
            )
            .await;
        let host = host_of(&self.base);
        let answer = match answer {
            // Every server knows this path; one that does not is no such server, or has no such organization.
            Err(DevOpsError::NotFound { message, .. }) if message.is_empty() => {
                return Err(DevOpsError::NotAzureDevOps {
                    host,
                    found: "it does not know `_apis/connectionData`".to_owned(),
                });
            }
            answer => answer?,
        };
        let user = &answer["authenticatedUser"];
        if !user.is_object() {
            return Err(DevOpsError::NotAzureDevOps {
                host,
                found: "its answer does not say who is signed in".to_owned(),
            });
        }
        let user = Identity::read(user);
        if is_anonymous(&answer, &user) {
            return Err(if self.credential.is_some() {
                DevOpsError::WrongToken {
                    host,
                    detail: "it takes us for a stranger".to_owned(),
                }
            } else {
                DevOpsError::NoToken { host }
            });
        }
        Ok(Connection {
            user,
            deployment: text(&answer, "deploymentType"),
        })
    }
}

/// The cloud answers strangers with an identity made of the letter a.
fn is_anonymous(answer: &Value, user: &Identity) -> bool {
    let id = text(&answer["authenticatedUser"], "id");
    let is_nobody = !id.is_empty() && id.chars().all(|char| char == 'a' || char == '-');
    is_nobody || user.display_name == "Anonymous"
}
