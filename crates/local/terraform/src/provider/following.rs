//! Waiting for what Azure does.

use std::time::{Duration, Instant};

use pave_arm::{Accepted, ArmClient, ArmError, Progress};
use serde_json::Value as Json;
use tokio::sync::watch;

use super::Phase;

/// The shortest wait between two questions, and the one between later ones.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(2);

/// Why waiting ended without what was waited for.
#[derive(Debug)]
pub(super) enum Ended {
    /// Azure said no.
    Failed(ArmError),
    /// The time that `timeouts` gives is over.
    Late(Duration),
    /// Terraform was interrupted.
    Stopped,
}

impl From<ArmError> for Ended {
    fn from(failure: ArmError) -> Self {
        Self::Failed(failure)
    }
}

/// Waits with growing patience, until a deadline or an interrupt.
pub(super) struct Patience {
    phase: watch::Receiver<Phase>,
    limit: Duration,
    began: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new(phase: watch::Receiver<Phase>, limit: Duration) -> Self {
        Self {
            phase,
            limit,
            began: Instant::now(),
            pause: SHORTEST,
        }
    }

    async fn wait(&mut self, asked: Option<Duration>) -> Result<(), Ended> {
        let pause = asked.unwrap_or_default().max(self.pause);
        self.pause = (self.pause * 3 / 2).min(LONGEST);
        if self.began.elapsed() + pause > self.limit {
            return Err(Ended::Late(self.limit));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            _ = self.phase.wait_for(|phase| *phase != Phase::Running) => Err(Ended::Stopped),
        }
    }

    /// Follows an accepted request to its end.
    pub(super) async fn follow(&mut self, arm: &ArmClient, accepted: &Accepted) -> Result<(), Ended> {
        let Some(operation) = &accepted.operation else {
            return Ok(());
        };
        let mut asked = operation.retry_after;
        loop {
            if asked.is_some_and(|asked| asked > Duration::ZERO) {
                self.wait(asked).await?;
            }
            match arm.poll(operation).await {
                Ok(Progress::Succeeded(_)) => return Ok(()),
                Ok(Progress::Unknown) => asked = None,
                Ok(Progress::Running { retry_after, .. }) => asked = retry_after,
                // Refused for now: asked again later, as long as there is time.
                Err(failure)
                    if failure
                        .status()
                        .is_some_and(|status| status == 429 || status >= 500) =>
                {
                    asked = failure.retry_after();
                }
                Ok(Progress::Failed(failure)) | Err(failure) => return Err(failure.into()),
            }
            if asked.is_none_or(|asked| asked == Duration::ZERO) {
                self.wait(None).await?;
            }
        }
    }

    /// Waits until the resource itself says that it is ready, and gives its document; none if it is gone.
    pub(super) async fn settled(
        &mut self,
        arm: &ArmClient,
        id: &str,
        version: &str,
    ) -> Result<Option<Json>, Ended> {
        loop {
            let Some(document) = arm.get(id, version).await? else {
                return Ok(None);
            };
            let state = document["properties"]["provisioningState"]
                .as_str()
                .unwrap_or("Succeeded");
            if ["Succeeded", "Failed", "Canceled"].contains(&state) {
                return Ok(Some(document));
            }
            self.wait(None).await?;
        }
    }

    /// Waits until there is nothing any more.
    pub(super) async fn gone(&mut self, arm: &ArmClient, id: &str, version: &str) -> Result<(), Ended> {
        while arm.get(id, version).await?.is_some() {
            self.wait(None).await?;
        }
        Ok(())
    }
}

/// `90m`, `1h30m`, `10s`, as Go writes durations; none if it is not one.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |end| digits + end);
        let seconds = match &rest[digits..unit_end] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        total += number * seconds;
        rest = &rest[unit_end..];
    }
    (!text.trim().is_empty())
        .then(|| Duration::try_from_secs_f64(total).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go_writes_them() {
        for (text, seconds) in [
            ("90m", Some(5400)),
            ("1h30m", Some(5400)),
            ("10s", Some(10)),
            ("2d", None),
            ("", None),
            ("10", None),
        ] {
            assert_eq!(duration(text), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
