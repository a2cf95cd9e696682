//! Leases: who may write a blob alone, and until when.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::BlobError;

/// Lengths that a lease with an end may have, in seconds.
const SECONDS: std::ops::RangeInclusive<i64> = 15..=60;

/// The lease of a blob. None was ever taken, or was given back, when it has no id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Lease {
    id: String,
    /// -1 for one without end.
    seconds: i64,
    /// Milliseconds; nothing for one without end.
    ends_at: Option<i64>,
    /// When it is broken, once somebody asked for that.
    broken_at: Option<i64>,
}

/// How a lease stands, in Azure's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseState {
    Available,
    Leased,
    Expired,
    Breaking,
    Broken,
}

impl LeaseState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Leased => "leased",
            Self::Expired => "expired",
            Self::Breaking => "breaking",
            Self::Broken => "broken",
        }
    }

    /// `x-ms-lease-status`.
    pub(crate) const fn status(self) -> &'static str {
        match self {
            Self::Leased | Self::Breaking => "locked",
            _ => "unlocked",
        }
    }
}

/// What somebody wants of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LeaseAction {
    Acquire { proposed: Option<String>, seconds: i64 },
    Renew { id: String },
    Change { id: String, proposed: String },
    Release { id: String },
    Break { period: Option<i64> },
}

impl Lease {
    pub(crate) fn state(&self, now: i64) -> LeaseState {
        if self.id.is_empty() {
            return LeaseState::Available;
        }
        match (self.broken_at, self.ends_at) {
            (Some(at), _) if at <= now => LeaseState::Broken,
            (Some(_), _) => LeaseState::Breaking,
            (None, Some(end)) if end <= now => LeaseState::Expired,
            (None, _) => LeaseState::Leased,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// `x-ms-lease-duration`, while it is leased.
    pub(crate) fn duration(&self, now: i64) -> Option<&'static str> {
        (self.state(now) == LeaseState::Leased).then_some(if self.ends_at.is_some() {
            "fixed"
        } else {
            "infinite"
        })
    }

    /// Whether a blob may be read or, where `writes`, changed by who shows this lease id.
    pub(crate) fn check(&self, shown: Option<&str>, writes: bool, now: i64) -> Result<(), BlobError> {
        let locked = self.state(now).status() == "locked";
        match shown {
            None if locked && writes => Err(BlobError::lease_missing()),
            Some(_) if !locked => Err(BlobError::precondition(
                "LeaseNotPresentWithBlobOperation",
                "There is currently no lease on the blob.",
            )),
            Some(shown) if !shown.eq_ignore_ascii_case(&self.id) => Err(BlobError::precondition(
                "LeaseIdMismatchWithBlobOperation",
                "The lease ID specified did not match the lease ID for the blob.",
            )),
            _ => Ok(()),
        }
    }

    /// A write ends what is left of a lease that is over.
    pub(crate) fn after_write(&mut self, now: i64) {
        if matches!(self.state(now), LeaseState::Expired | LeaseState::Broken) {
            *self = Self::default();
        }
    }

    /// Does what is asked. Breaking gives the seconds that are left of it.
    pub(crate) fn apply(&mut self, action: &LeaseAction, now: i64) -> Result<Option<i64>, BlobError> {
        let state = self.state(now);
        match action {
            LeaseAction::Acquire { proposed, seconds } => self.acquire(proposed.as_deref(), *seconds, now)?,
            LeaseAction::Renew { id } => {
                self.own(id)?;
                if matches!(state, LeaseState::Breaking | LeaseState::Broken) {
                    return Err(BlobError::conflict(
                        "LeaseIsBrokenAndCannotBeRenewed",
                        "The lease ID matched, but the lease has been broken explicitly and cannot be renewed.",
                    ));
                }
                self.ends_at = end(self.seconds, now);
            }
            LeaseAction::Change { id, proposed } => {
                if state != LeaseState::Leased {
                    return Err(not_present());
                }
                // Who lost the answer to a change asks again with the old id.
                if !proposed.eq_ignore_ascii_case(&self.id) {
                    self.own(id)?;
                }
                self.id.clone_from(proposed);
            }
            LeaseAction::Release { id } => {
                self.own(id)?;
                *self = Self::default();
            }
            LeaseAction::Break { period } => return self.break_up(*period, now).map(Some),
        }
        Ok(None)
    }

    fn acquire(&mut self, proposed: Option<&str>, seconds: i64, now: i64) -> Result<(), BlobError> {
        if seconds != -1 && !SECONDS.contains(&seconds) {
            return Err(BlobError::bad_header("x-ms-lease-duration"));
        }
        let same = proposed.is_some_and(|it| it.eq_ignore_ascii_case(&self.id));
        match self.state(now) {
            LeaseState::Leased if !same => {
                return Err(BlobError::conflict(
                    "LeaseAlreadyPresent",
                    "There is already a lease present.",
                ));
            }
            LeaseState::Breaking => {
                return Err(BlobError::conflict(
                    "LeaseIsBreakingAndCannotBeAcquired",
                    "The lease is breaking and cannot be acquired until it is broken.",
                ));
            }
            _ => {}
        }
        *self = Self {
            id: proposed.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned),
            seconds,
            ends_at: end(seconds, now),
            broken_at: None,
        };
        Ok(())
    }

    fn break_up(&mut self, period: Option<i64>, now: i64) -> Result<i64, BlobError> {
        let left = |at: i64| (at - now).max(0).saturating_add(999) / 1000;
        match self.state(now) {
            LeaseState::Available => return Err(not_present()),
            LeaseState::Expired | LeaseState::Broken => self.broken_at = Some(now),
            LeaseState::Leased | LeaseState::Breaking => {
                let natural = self.broken_at.or(self.ends_at);
                let asked = period.map(|seconds| now.saturating_add(seconds.saturating_mul(1000)));
                // Without a period, one without end is broken at once; a break is never put off.
                let at = match (asked, natural) {
                    (Some(asked), Some(natural)) => asked.min(natural),
                    (Some(at), None) | (None, Some(at)) => at,
                    (None, None) => now,
                };
                self.broken_at = Some(at);
            }
        }
        Ok(left(self.broken_at.unwrap_or(now)))
    }

    fn own(&self, id: &str) -> Result<(), BlobError> {
        if !self.id.is_empty() && id.eq_ignore_ascii_case(&self.id) {
            return Ok(());
        }
        Err(BlobError::conflict(
            "LeaseIdMismatchWithLeaseOperation",
            "The lease ID specified did not match the lease ID for the blob.",
        ))
    }
}

fn not_present() -> BlobError {
    BlobError::conflict(
        "LeaseNotPresentWithLeaseOperation",
        "There is currently no lease on the blob.",
    )
}

fn end(seconds: i64, now: i64) -> Option<i64> {
    (seconds >= 0).then(|| now.saturating_add(seconds.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "11111111-1111-1111-1111-111111111111";
    const B: &str = "22222222-2222-2222-2222-222222222222";

    fn acquire(id: &str, seconds: i64) -> LeaseAction {
        LeaseAction::Acquire {
            proposed: Some(id.to_owned()),
            seconds,
        }
    }

    /// Does the steps, each at its second; the last one ends with this code, and leaves this state.
    fn check(steps: &[(i64, LeaseAction)], code: Option<&str>, state: LeaseState) {
        let mut lease = Lease::default();
        let mut last = None;
        let mut now = 0;
        for (second, action) in steps {
            now = second * 1000;
            last = lease.apply(action, now).err().map(|error| error.code);
        }
        assert_eq!((last, lease.state(now)), (code, state), "{steps:?}");
    }

    #[test]
    fn leases_follow_azures_table() {
        use LeaseState::{Available, Breaking, Broken, Leased};
        let renew = |id: &str| LeaseAction::Renew { id: id.to_owned() };
        let release = |id: &str| LeaseAction::Release { id: id.to_owned() };
        let breaking = |period| LeaseAction::Break { period };
        let change = LeaseAction::Change {
            id: A.to_owned(),
            proposed: B.to_owned(),
        };
        let mismatch = Some("LeaseIdMismatchWithLeaseOperation");
        let absent = Some("LeaseNotPresentWithLeaseOperation");
        check(&[(0, acquire(A, -1))], None, Leased);
        check(&[(0, acquire(A, -1)), (1, acquire(A, 15))], None, Leased);
        check(
            &[(0, acquire(A, -1)), (1, acquire(B, -1))],
            Some("LeaseAlreadyPresent"),
            Leased,
        );
        check(&[(0, acquire(A, 15)), (15, acquire(B, -1))], None, Leased);
        check(&[(0, acquire(A, 14))], Some("InvalidHeaderValue"), Available);
        check(&[(0, acquire(A, 15)), (20, renew(A))], None, Leased);
        check(&[(0, acquire(A, 15)), (1, renew(B))], mismatch, Leased);
        check(&[(0, acquire(A, -1)), (1, release(B))], mismatch, Leased);
        check(&[(0, acquire(A, -1)), (1, release(A))], None, Available);
        check(&[(0, release(A))], mismatch, Available);
        check(&[(0, acquire(A, -1)), (1, change.clone())], None, Leased);
        check(&[(0, change)], absent, Available);
        check(&[(0, breaking(None))], absent, Available);
        check(&[(0, acquire(A, -1)), (1, breaking(None))], None, Broken);
        check(&[(0, acquire(A, -1)), (1, breaking(Some(9)))], None, Breaking);
        check(&[(0, acquire(A, 30)), (1, breaking(None))], None, Breaking);
        check(
            &[(0, acquire(A, -1)), (1, breaking(Some(9))), (2, acquire(B, -1))],
            Some("LeaseIsBreakingAndCannotBeAcquired"),
            Breaking,
        );
        check(
            &[(0, acquire(A, -1)), (1, breaking(None)), (2, renew(A))],
            Some("LeaseIsBrokenAndCannotBeRenewed"),
            Broken,
        );
        check(
            &[(0, acquire(A, -1)), (1, breaking(None)), (2, acquire(B, -1))],
            None,
            Leased,
        );
    }

    #[test]
    fn writes_need_the_lease_and_reads_only_no_wrong_one() {
        let mut leased = Lease::default();
        leased.apply(&acquire(A, -1), 0).unwrap();
        for (lease, shown, writes, code) in [
            (&leased, None, true, Some("LeaseIdMissing")),
            (&leased, None, false, None),
            (&leased, Some(A), true, None),
            (&leased, Some(B), true, Some("LeaseIdMismatchWithBlobOperation")),
            (&leased, Some(B), false, Some("LeaseIdMismatchWithBlobOperation")),
            (&Lease::default(), None, true, None),
            (
                &Lease::default(),
                Some(A),
                true,
                Some("LeaseNotPresentWithBlobOperation"),
            ),
        ] {
            let found = lease.check(shown, writes, 1).err().map(|error| error.code);
            assert_eq!(found, code, "{lease:?} {shown:?}");
        }
    }
}
