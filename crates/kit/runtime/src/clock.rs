//! The time of day, read in one place.

use jiff::Timestamp;

/// The present moment.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Whole seconds since the Unix epoch.
#[must_use]
pub fn unix_seconds() -> i64 {
    now().as_second()
}

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn unix_millis() -> i64 {
    now().as_millisecond()
}

/// The present moment as Kubernetes writes it: RFC 3339, whole seconds, `Z`.
#[must_use]
pub fn rfc3339() -> String {
    to_rfc3339(now())
}

/// A moment as Kubernetes writes it: RFC 3339, whole seconds, `Z`.
#[must_use]
pub fn to_rfc3339(moment: Timestamp) -> String {
    Timestamp::from_second(moment.as_second())
        .unwrap_or(moment)
        .to_string()
}
