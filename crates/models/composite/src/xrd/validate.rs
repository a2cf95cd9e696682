use pave_diagnostic::{Diagnostic, nearest};
use serde_json::Value;

use super::schema::{KEPT_AT_ROOT, KEPT_IN_SPEC, KEPT_IN_STATUS};
use super::strings;
use crate::finding::Finding;

const VERSION_FIELDS: [&str; 8] = [
    "name",
    "served",
    "referenceable",
    "schema",
    "additionalPrinterColumns",
    "deprecated",
    "deprecationWarning",
    "subresources",
];

pub(super) fn validate(xrd: &Value) -> Vec<Finding> {
    let mut check = Checker {
        xrd,
        findings: Vec::new(),
    };
    check.names();
    check.scope();
    check.versions();
    check.findings
}

struct Checker<'a> {
    xrd: &'a Value,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn text(&self, pointer: &str) -> &str {
        self.xrd
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn has(&self, pointer: &str) -> bool {
        self.xrd.pointer(pointer).is_some_and(|it| !it.is_null())
    }

    fn push(&mut self, pointer: &str, diagnostic: Diagnostic) {
        self.findings.push(Finding::new(pointer, diagnostic));
    }

    fn names(&mut self) {
        for field in ["/spec/group", "/spec/names/kind", "/spec/names/plural"] {
            if self.text(field).is_empty() {
                let name = field.trim_start_matches("/spec/").replace('/', ".");
                self.push(
                    field,
                    Diagnostic::error("PV1301", format!("an XRD needs `spec.{name}`")),
                );
            }
        }
        let expected = format!("{}.{}", self.text("/spec/names/plural"), self.text("/spec/group"));
        let name = self.text("/metadata/name").to_owned();
        if name != expected && !self.text("/spec/names/plural").is_empty() {
            let message = format!("the XRD is named `{name}`, but its name must be `<plural>.<group>`");
            self.push(
                "/metadata/name",
                Diagnostic::error("PV1302", message).with_help(format!("rename it to `{expected}`")),
            );
        }
        for field in [
            "/spec/names/plural",
            "/spec/names/singular",
            "/spec/claimNames/plural",
            "/spec/claimNames/singular",
        ] {
            let text = self.text(field).to_owned();
            if text != text.to_lowercase() {
                let diagnostic = Diagnostic::error("PV1303", format!("`{text}` must be in lower case"));
                self.push(
                    field,
                    diagnostic.with_help(format!("write `{}`", text.to_lowercase())),
                );
            }
        }
        for field in ["kind", "plural", "singular", "listKind"] {
            let own = self.text(&format!("/spec/names/{field}")).to_owned();
            let claim = format!("/spec/claimNames/{field}");
            if !own.is_empty() && own == self.text(&claim) {
                let message = format!("claim and composite resource cannot both have the {field} `{own}`");
                self.push(&claim, Diagnostic::error("PV1304", message));
            }
        }
    }

    fn scope(&mut self) {
        let version = self.text("/apiVersion").to_owned();
        let is_v2 = version.ends_with("/v2");
        if !version.starts_with("apiextensions.crossplane.io/v") {
            let message = format!("`{version}` has no CompositeResourceDefinition");
            let help = "write `apiVersion: apiextensions.crossplane.io/v1`";
            self.push(
                "/apiVersion",
                Diagnostic::error("PV1305", message).with_help(help),
            );
        }
        let scope = self.text("/spec/scope").to_owned();
        let known = ["LegacyCluster", "Namespaced", "Cluster"];
        if !scope.is_empty() && !known.contains(&scope.as_str()) {
            let hint =
                nearest(&scope, known).map_or_else(String::new, |it| format!("; did you mean `{it}`?"));
            let message = format!("`scope: {scope}` is unknown{hint}");
            self.push("/spec/scope", Diagnostic::error("PV1306", message));
        }
        let legacy = matches!(scope.as_str(), "LegacyCluster") || (scope.is_empty() && !is_v2);
        if !legacy && self.has("/spec/claimNames") {
            let shown = if scope.is_empty() { "Namespaced" } else { &scope };
            let message = format!("composite resources with scope {shown} cannot have claims");
            let help = "keep the claim: drop `scope` (it is then LegacyCluster); \
                        or drop `claimNames` and use the composite resource itself";
            let place = if scope.is_empty() {
                "/spec/claimNames"
            } else {
                "/spec/scope"
            };
            self.push(place, Diagnostic::error("PV1307", message).with_help(help));
        }
        if !legacy && self.has("/spec/connectionSecretKeys") {
            let message = "`connectionSecretKeys` needs scope LegacyCluster";
            self.push("/spec/connectionSecretKeys", Diagnostic::error("PV1307", message));
        }
    }

    fn versions(&mut self) {
        let versions = self
            .xrd
            .pointer("/spec/versions")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if versions.is_empty() {
            self.push(
                "/spec/versions",
                Diagnostic::error("PV1301", "an XRD needs at least one version"),
            );
            return;
        }
        let referenceable = versions.iter().filter(|it| it["referenceable"] == true).count();
        if referenceable != 1 {
            let message =
                format!("exactly one version must have `referenceable: true`; {referenceable} have");
            self.push("/spec/versions", Diagnostic::error("PV1308", message));
        }
        for (index, version) in versions.iter().enumerate() {
            let pointer = format!("/spec/versions/{index}");
            for key in version.as_object().into_iter().flat_map(|it| it.keys()) {
                self.version_field(&pointer, key);
            }
            let schema = &version["schema"]["openAPIV3Schema"];
            if schema.is_object() {
                self.schema(schema, &format!("{pointer}/schema/openAPIV3Schema"));
            } else {
                let message = "the version has no `schema.openAPIV3Schema`, so no field of its own is kept";
                self.push(&pointer, Diagnostic::warning("PV1309", message));
            }
        }
    }

    fn version_field(&mut self, pointer: &str, key: &str) {
        if VERSION_FIELDS.contains(&key) {
            return;
        }
        let help = match key {
            "storage" => Some("the referenceable version is the one that is stored".to_owned()),
            _ => nearest(key, VERSION_FIELDS).map(|it| format!("did you mean `{it}`?")),
        };
        let mut diagnostic =
            Diagnostic::warning("PV1310", format!("a version of an XRD has no field `{key}`"));
        diagnostic.help = help;
        self.push(&format!("{pointer}/{key}"), diagnostic);
    }

    /// Says what upstream drops when it assembles the CRD.
    fn schema(&mut self, schema: &Value, pointer: &str) {
        let root = ["type", "properties", "required"];
        self.dropped(schema, pointer, &[&KEPT_AT_ROOT[..], &root].concat());
        for key in schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(|it| it.keys())
        {
            if !["spec", "status", "apiVersion", "kind", "metadata"].contains(&key.as_str()) {
                self.drop(
                    &format!("{pointer}/properties/{key}"),
                    &format!("the property `{key}` beside `spec` and `status`"),
                );
            }
        }
        let spec = &schema["properties"]["spec"];
        self.dropped(
            spec,
            &format!("{pointer}/properties/spec"),
            &[&KEPT_IN_SPEC[..], &["type"]].concat(),
        );
        let status = &schema["properties"]["status"];
        self.dropped(
            status,
            &format!("{pointer}/properties/status"),
            &[&KEPT_IN_STATUS[..], &["type"]].concat(),
        );
        self.unrequired(spec, pointer);
    }

    fn dropped(&mut self, schema: &Value, pointer: &str, kept: &[&str]) {
        for key in schema.as_object().into_iter().flat_map(|it| it.keys()) {
            if !kept.contains(&key.as_str()) {
                self.drop(&format!("{pointer}/{key}"), &format!("`{key}`"));
            }
        }
    }

    fn drop(&mut self, pointer: &str, what: &str) {
        let message = format!("{what} is dropped when the CRD is made from this XRD");
        self.push(pointer, Diagnostic::warning("PV1311", message));
    }

    /// An empty claim is accepted when nothing is required, and all patches from it are then skipped.
    fn unrequired(&mut self, spec: &Value, pointer: &str) {
        let properties: Vec<&String> = spec["properties"]
            .as_object()
            .into_iter()
            .flat_map(|it| it.keys())
            .collect();
        let optional = properties
            .iter()
            .all(|key| spec["properties"][key.as_str()].get("default").is_none());
        if !properties.is_empty() && optional && strings(&spec["required"]).is_empty() {
            let names: Vec<&str> = properties.iter().map(|it| it.as_str()).collect();
            let diagnostic = Diagnostic::warning(
                "PV1312",
                "no field of `spec` is required, so an empty claim is accepted",
            )
            .with_help(format!("add `required: [{}]`", names.join(", ")))
            .with_effect("patches from fields that are not set are skipped");
            self.push(&format!("{pointer}/properties/spec"), diagnostic);
        }
    }
}
