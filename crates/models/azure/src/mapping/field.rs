use serde_json::{Map, Value, json};

use crate::names::normalize_location;

/// One parameter of a managed resource and its place in ARM's document.
#[derive(Debug)]
pub struct Field {
    /// Path below `forProvider`; at most one dot, before which stands the name of a block.
    pub path: &'static str,
    /// JSON pointer into ARM's document; empty where ARM never hears of it.
    pub arm: &'static str,
    /// How the value is written there.
    pub codec: Codec,
    /// When the value can be said and changed.
    pub lifetime: Lifetime,
    /// Whether a thing cannot be made without it.
    pub required: bool,
    /// Whether a value chosen by Azure is written back into `forProvider`.
    pub late_initialized: bool,
    /// What it is, for `kubectl explain`.
    pub description: &'static str,
}

/// When a parameter can be said and changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// At any time.
    Any,
    /// At creation; ARM does not report it later, so it is never compared.
    CreateOnly,
    /// At creation; a later difference cannot be corrected.
    Immutable,
    /// ARM takes it only once the thing exists.
    UpdateOnly,
}

/// How a parameter is written in ARM's document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// As it is, a text.
    Text,
    /// As it is, a number.
    Number,
    /// True as `Enabled`, false as `Disabled`.
    Switch,
    /// Megabytes as gigabytes.
    Megabytes,
    /// azurerm's `GP_Standard_D4s_v3` as `{name, tier}`.
    Sku,
    /// A region, whose name ARM normalizes.
    Location,
    /// A map of texts that is replaced as a whole.
    Tags,
}

impl Field {
    /// A text that may change; the `const` methods below make it something else.
    pub(super) const fn text(path: &'static str, arm: &'static str, description: &'static str) -> Self {
        let (codec, lifetime) = (Codec::Text, Lifetime::Any);
        Self {
            path,
            arm,
            codec,
            lifetime,
            required: false,
            late_initialized: false,
            description,
        }
    }

    pub(super) const fn coded(self, codec: Codec) -> Self {
        Self { codec, ..self }
    }

    pub(super) const fn lives(self, lifetime: Lifetime) -> Self {
        Self { lifetime, ..self }
    }

    pub(super) const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    pub(super) const fn late(self) -> Self {
        Self {
            late_initialized: true,
            ..self
        }
    }

    /// The block that the field stands in, and its name there.
    pub(super) fn split(&self) -> (Option<&'static str>, &'static str) {
        self.path
            .split_once('.')
            .map_or((None, self.path), |(block, name)| (Some(block), name))
    }
}

/// The tiers by azurerm's prefix.
const TIERS: [(&str, &str); 3] = [
    ("B", "Burstable"),
    ("GP", "GeneralPurpose"),
    ("MO", "MemoryOptimized"),
];

impl Codec {
    /// The value as ARM wants it.
    pub(crate) fn encode(self, value: &Value) -> Value {
        match self {
            Self::Text | Self::Number | Self::Tags => value.clone(),
            Self::Switch => json!(if value == true { "Enabled" } else { "Disabled" }),
            Self::Megabytes => value
                .as_f64()
                .map_or(Value::Null, |megabytes| whole(megabytes / 1024.0)),
            Self::Sku => value.as_str().map_or(Value::Null, sku_to_arm),
            Self::Location => value
                .as_str()
                .map_or(Value::Null, |name| json!(normalize_location(name))),
        }
    }

    /// The value as the managed resource shows it; none where ARM says nothing.
    pub(crate) fn decode(self, value: &Value) -> Option<Value> {
        let decoded = match self {
            Self::Text | Self::Number => value.clone(),
            Self::Switch => json!(value.as_str()?.eq_ignore_ascii_case("Enabled")),
            Self::Megabytes => whole(value.as_f64()? * 1024.0),
            Self::Sku => json!(sku_from_arm(value)?),
            Self::Location => json!(normalize_location(value.as_str()?)),
            Self::Tags => value
                .as_object()
                .filter(|tags| !tags.is_empty())
                .map(|tags| json!(tags))?,
        };
        (!decoded.is_null()).then_some(decoded)
    }

    /// Whether a parameter says what ARM already reports.
    pub(crate) fn agrees(self, desired: &Value, observed: &Value) -> bool {
        let sent = self.encode(desired);
        match self {
            Self::Text | Self::Location => same_text(&sent, observed, self == Self::Location),
            Self::Number | Self::Megabytes => sent.as_f64() == observed.as_f64(),
            Self::Switch => same_text(&sent, observed, true),
            Self::Sku => {
                same_text(&sent["name"], &observed["name"], true)
                    && same_text(&sent["tier"], &observed["tier"], true)
            }
            Self::Tags => {
                let none = Map::new();
                sent.as_object().unwrap_or(&none) == observed.as_object().unwrap_or(&none)
            }
        }
    }

    pub(super) fn schema(self, description: &str) -> Value {
        let mut schema = match self {
            Self::Text | Self::Sku | Self::Location => json!({"type": "string"}),
            Self::Number | Self::Megabytes => json!({"type": "number"}),
            Self::Switch => json!({"type": "boolean"}),
            Self::Tags => json!({"type": "object", "additionalProperties": {"type": "string"},
                "x-kubernetes-map-type": "granular"}),
        };
        schema["description"] = json!(description);
        schema
    }
}

fn sku_to_arm(name: &str) -> Value {
    let known = name.split_once('_').and_then(|(prefix, rest)| {
        TIERS
            .iter()
            .find(|(short, _)| *short == prefix)
            .map(|(_, tier)| (rest, *tier))
    });
    // A name without a known prefix goes through as it is: ARM's refusal says more than ours could.
    known.map_or_else(
        || json!({"name": name}),
        |(name, tier)| json!({"name": name, "tier": tier}),
    )
}

fn sku_from_arm(sku: &Value) -> Option<String> {
    let name = sku["name"].as_str()?;
    let tier = sku["tier"].as_str().unwrap_or("");
    let prefix = TIERS
        .iter()
        .find(|(_, long)| long.eq_ignore_ascii_case(tier))
        .map(|(short, _)| *short);
    Some(prefix.map_or_else(|| name.to_owned(), |prefix| format!("{prefix}_{name}")))
}

fn same_text(desired: &Value, observed: &Value, any_case: bool) -> bool {
    match (desired.as_str(), observed.as_str()) {
        (Some(desired), Some(observed)) if any_case => {
            normalize_location(desired) == normalize_location(observed)
        }
        (Some(desired), Some(observed)) => desired == observed,
        // What is not there differs from every text but the empty one.
        (Some(desired), None) => desired.is_empty(),
        (None, observed) => observed.is_none(),
    }
}

/// Numbers without a fraction are written without one.
fn whole(number: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "sizes of disks are far below 2^53"
    )]
    let integer = number as i64;
    #[expect(clippy::cast_precision_loss, reason = "sizes of disks are far below 2^53")]
    let exact = integer as f64;
    if (exact - number).abs() < f64::EPSILON {
        json!(integer)
    } else {
        json!(number)
    }
}
