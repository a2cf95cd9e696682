//! Waiting for a condition instead of for a time.

use std::time::{Duration, Instant};

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until a condition holds; an error names what was waited for once patience has run out.
///
/// # Errors
/// When the condition does not hold in time.
pub async fn wait_until(
    patience: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> bool,
) -> anyhow::Result<()> {
    wait_for(patience, what, async || condition().await.then_some(())).await
}

/// Waits until there is a value, and gives it.
///
/// # Errors
/// When there is none in time.
pub async fn wait_for<T>(
    patience: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        anyhow::ensure!(
            began.elapsed() < patience,
            "waited {patience:?} in vain for {what}"
        );
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn gives_what_it_waited_for() {
        let mut looks = 0;
        let found = wait_for(Duration::from_secs(5), "the third look", async || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(found.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn names_what_did_not_come() {
        let error = wait_until(Duration::ZERO, "a miracle", async || false)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("a miracle"), "{error}");
    }
}
