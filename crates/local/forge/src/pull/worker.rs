//! The task that keeps pull requests in step: it acts on what the feed tells, and compares at every start.

use std::time::Duration;

use pave_devops::Event;
use tokio::sync::broadcast::error::RecvError;

use crate::ForgeError;
use crate::forge::Forge;
use crate::pull::PullRequest;

/// How often everything is compared without a reason: a limit of time is nobody's event.
const ROUND: Duration = Duration::from_secs(60);

/// Runs until the process is to end.
pub(crate) async fn run(forge: Forge) {
    let token = forge.tasks().token();
    let mut events = forge.feed().subscribe();
    // From here on nothing is missed; what was before is found by looking.
    let mut compare = true;
    loop {
        if compare {
            tell(forge.compare_pulls().await);
            compare = false;
        }
        tokio::select! {
            () = token.cancelled() => return,
            () = forge.joined() => compare = true,
            () = tokio::time::sleep(ROUND) => compare = true,
            event = events.recv() => match event {
                Ok(event) => tell(forge.hear(&event).await),
                Err(RecvError::Lagged(_)) => compare = true,
                Err(RecvError::Closed) => return,
            },
        }
    }
}

fn tell(result: Result<(), ForgeError>) {
    if let Err(error) = result {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "pull requests cannot be followed"
        );
    }
}

impl Forge {
    async fn hear(&self, event: &Event) -> Result<(), ForgeError> {
        match event {
            Event::Push {
                repository, updates, ..
            } => {
                let moved = |name: &str| updates.iter().any(|(other, ..)| other == name);
                for pull in self.active_pulls(Some(repository.id)).await? {
                    if moved(&pull.source) || moved(&pull.target) {
                        self.follow_now(&pull).await?;
                    }
                }
            }
            Event::Run { build, .. } => {
                for pull in self.active_pulls(None).await? {
                    if pull.checks.values().any(|it| it.build == Some(*build)) {
                        self.follow_now(&pull).await?;
                    }
                }
            }
            Event::PullRequest { .. } | Event::Log { .. } | Event::Changed { .. } => {}
        }
        Ok(())
    }

    /// Looks at every active pull request.
    pub(crate) async fn compare_pulls(&self) -> Result<(), ForgeError> {
        for pull in self.active_pulls(None).await? {
            self.follow_now(&pull).await?;
        }
        Ok(())
    }

    async fn follow_now(&self, pull: &PullRequest) -> Result<(), ForgeError> {
        let repository = self.repository_by_id(pull.repository).await?;
        let _turn = self.turn(&repository).await;
        let Some(mut pull) = self.store().pull(pull.id).await? else {
            return Ok(());
        };
        match self.follow(&repository, &mut pull).await {
            // One that cannot be followed does not hold up the others.
            Err(error @ ForgeError::Git(_)) => {
                tracing::error!(pull = pull.id, %error, "pull request cannot be followed");
                Ok(())
            }
            other => other,
        }
    }
}
