use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Identifies one request on its whole way, from the form field to the cloud property.
///
/// It is a W3C trace id: 32 lower-case hex digits, not all zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoadId(String);

/// The text is not 32 hex digits, or is all zeros.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a road id: expected 32 hex digits that are not all zero")]
pub struct RoadIdError(String);

impl RoadId {
    /// Makes a fresh random id.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string())
    }

    /// The 32 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id in UUID form, as ARM's correlation id wants it.
    #[must_use]
    pub fn to_uuid(&self) -> uuid::Uuid {
        uuid::Uuid::try_parse(&self.0).unwrap_or_default()
    }
}

impl FromStr for RoadId {
    type Err = RoadIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.replace('-', "").to_ascii_lowercase();
        let valid = lower.len() == 32
            && lower.bytes().all(|byte| byte.is_ascii_hexdigit())
            && lower.bytes().any(|byte| byte != b'0');
        if valid {
            Ok(Self(lower))
        } else {
            Err(RoadIdError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RoadId {
    type Error = RoadIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RoadId> for String {
    fn from(id: RoadId) -> Self {
        id.0
    }
}

impl fmt::Display for RoadId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_road_id_is_a_trace_id() {
        let id = RoadId::random();
        assert_eq!(id.as_str().parse::<RoadId>(), Ok(id.clone()));
        assert_eq!(id.to_uuid().to_string().parse::<RoadId>(), Ok(id));
        for bad in ["", "xyz", "00000000000000000000000000000000", "0123"] {
            assert!(bad.parse::<RoadId>().is_err(), "{bad}");
        }
    }
}
