//! How the kinds of a road nest, as far as lost indentation needs to know it.

/// What may stand below a key.
#[derive(Debug)]
pub(super) enum Shape {
    /// A single value.
    Text,
    /// Anything.
    Any,
    /// A mapping with exactly these keys.
    Fields(&'static [(&'static str, &'static Shape)]),
    /// A mapping with these keys, and others of any shape.
    Open(&'static [(&'static str, &'static Shape)]),
    /// A list.
    List(&'static Shape),
    /// A JSON schema.
    Schema,
    /// Names with a JSON schema each.
    Schemas,
    /// A text block that is a manifest itself.
    Manifest,
}

use Shape::{Any, Fields, List, Manifest, Open, Schema, Schemas, Text};

const SCHEMA_TEXTS: &[&str] = &[
    "type",
    "title",
    "description",
    "default",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "nullable",
];
const TEXTS: Shape = List(&Text);
const METADATA: Shape = Open(&[
    ("name", &Text),
    ("namespace", &Text),
    ("title", &Text),
    ("description", &Text),
    ("labels", &Any),
    ("annotations", &Any),
    ("tags", &TEXTS),
]);
const NAME: Shape = Fields(&[("name", &Text)]);
const REFERENCE: Shape = Fields(&[
    ("apiVersion", &Text),
    ("kind", &Text),
    ("name", &Text),
    ("namespace", &Text),
]);
const SELECTOR: Shape = Open(&[("matchLabels", &Any), ("matchControllerRef", &Text)]);

const OBJECT: Shape = Open(&[
    ("apiVersion", &Text),
    ("kind", &Text),
    ("metadata", &METADATA),
    (
        "spec",
        &Open(&[
            ("compositionRef", &NAME),
            ("compositionSelector", &SELECTOR),
            ("compositionUpdatePolicy", &Text),
            ("compositeDeletePolicy", &Text),
            ("resourceRef", &REFERENCE),
            (
                "writeConnectionSecretToRef",
                &Fields(&[("name", &Text), ("namespace", &Text)]),
            ),
            ("forProvider", &Any),
            ("initProvider", &Any),
            ("providerConfigRef", &Fields(&[("name", &Text), ("kind", &Text)])),
            ("deletionPolicy", &Text),
            ("managementPolicies", &TEXTS),
        ]),
    ),
]);

const STEP: Shape = Fields(&[
    ("id", &Text),
    ("name", &Text),
    ("action", &Text),
    ("if", &Text),
    ("each", &Any),
    (
        "input",
        &Open(&[
            ("repoUrl", &Text),
            ("filePath", &Text),
            ("content", &Manifest),
            ("commitMessage", &Text),
            ("branch", &Text),
            ("branchName", &Text),
            ("title", &Text),
            ("description", &Text),
            ("url", &Text),
            ("targetPath", &Text),
            ("sourcePath", &Text),
            ("values", &Any),
        ]),
    ),
]);

const TEMPLATE: Shape = Fields(&[
    ("apiVersion", &Text),
    ("kind", &Text),
    ("metadata", &METADATA),
    (
        "spec",
        &Fields(&[
            ("owner", &Text),
            ("type", &Text),
            ("lifecycle", &Text),
            ("parameters", &List(&Schema)),
            ("steps", &List(&STEP)),
            (
                "output",
                &Fields(&[
                    ("links", &List(&Open(&[("title", &Text), ("url", &Text)]))),
                    ("text", &List(&Open(&[("title", &Text), ("content", &Text)]))),
                ]),
            ),
        ]),
    ),
]);

const NAMES: Shape = Fields(&[
    ("kind", &Text),
    ("plural", &Text),
    ("singular", &Text),
    ("listKind", &Text),
    ("shortNames", &TEXTS),
    ("categories", &TEXTS),
]);

const DEFINITION: Shape = Fields(&[
    ("apiVersion", &Text),
    ("kind", &Text),
    ("metadata", &METADATA),
    (
        "spec",
        &Fields(&[
            ("group", &Text),
            ("names", &NAMES),
            ("claimNames", &NAMES),
            ("scope", &Text),
            ("connectionSecretKeys", &TEXTS),
            ("defaultCompositionRef", &NAME),
            ("enforcedCompositionRef", &NAME),
            (
                "versions",
                &List(&Fields(&[
                    ("name", &Text),
                    ("served", &Text),
                    ("referenceable", &Text),
                    ("schema", &Fields(&[("openAPIV3Schema", &Schema)])),
                    (
                        "additionalPrinterColumns",
                        &List(&Open(&[("name", &Text), ("type", &Text), ("jsonPath", &Text)])),
                    ),
                    ("deprecated", &Text),
                ])),
            ),
        ]),
    ),
]);

const PATCHES: Shape = List(&Fields(&[
    ("type", &Text),
    ("fromFieldPath", &Text),
    ("toFieldPath", &Text),
    ("patchSetName", &Text),
    (
        "combine",
        &Fields(&[
            ("strategy", &Text),
            ("string", &Fields(&[("fmt", &Text)])),
            ("variables", &List(&Fields(&[("fromFieldPath", &Text)]))),
        ]),
    ),
    ("transforms", &List(&Open(&[("type", &Text)]))),
    (
        "policy",
        &Fields(&[("fromFieldPath", &Text), ("toFieldPath", &Text)]),
    ),
]));

const RESOURCES: Shape = List(&Fields(&[
    ("name", &Text),
    ("base", &OBJECT),
    ("patches", &PATCHES),
    (
        "connectionDetails",
        &List(&Open(&[
            ("name", &Text),
            ("type", &Text),
            ("fromConnectionSecretKey", &Text),
            ("fromFieldPath", &Text),
            ("value", &Text),
        ])),
    ),
    (
        "readinessChecks",
        &List(&Open(&[("type", &Text), ("fieldPath", &Text)])),
    ),
]));

const COMPOSITION: Shape = Fields(&[
    ("apiVersion", &Text),
    ("kind", &Text),
    ("metadata", &METADATA),
    (
        "spec",
        &Fields(&[
            (
                "compositeTypeRef",
                &Fields(&[("apiVersion", &Text), ("kind", &Text)]),
            ),
            ("mode", &Text),
            ("writeConnectionSecretsToNamespace", &Text),
            (
                "patchSets",
                &List(&Fields(&[("name", &Text), ("patches", &PATCHES)])),
            ),
            ("resources", &RESOURCES),
            (
                "pipeline",
                &List(&Fields(&[
                    ("step", &Text),
                    ("functionRef", &NAME),
                    ("input", &Open(&[("resources", &RESOURCES)])),
                ])),
            ),
        ]),
    ),
]);

const SOURCE: Shape = Open(&[
    ("repoURL", &Text),
    ("targetRevision", &Text),
    ("path", &Text),
    ("chart", &Text),
    ("directory", &Any),
]);

const APPLICATION: Shape = Fields(&[
    ("apiVersion", &Text),
    ("kind", &Text),
    ("metadata", &METADATA),
    (
        "spec",
        &Fields(&[
            ("project", &Text),
            ("source", &SOURCE),
            ("sources", &List(&SOURCE)),
            (
                "destination",
                &Fields(&[("namespace", &Text), ("server", &Text), ("name", &Text)]),
            ),
            (
                "syncPolicy",
                &Open(&[
                    (
                        "automated",
                        &Fields(&[
                            ("prune", &Text),
                            ("selfHeal", &Text),
                            ("allowEmpty", &Text),
                            ("enabled", &Text),
                        ]),
                    ),
                    ("syncOptions", &TEXTS),
                    ("retry", &Any),
                ]),
            ),
        ]),
    ),
]);

/// The shape of a kind; other kinds are taken for ordinary objects.
pub(super) fn of_kind(kind: &str) -> &'static Shape {
    match kind {
        "Template" => &TEMPLATE,
        "CompositeResourceDefinition" => &DEFINITION,
        "Composition" => &COMPOSITION,
        "Application" => &APPLICATION,
        _ => &OBJECT,
    }
}

impl Shape {
    /// What stands below a key that this shape names.
    pub(super) fn known(&self, key: &str) -> Option<&'static Self> {
        match self {
            Fields(fields) | Open(fields) => fields
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, shape)| *shape),
            Schema => schema_field(key),
            _ => None,
        }
    }

    /// What stands below any other key, where there may be others.
    pub(super) fn other(&self) -> Option<&'static Self> {
        match self {
            Any | Open(_) => Some(&Any),
            Schemas => Some(&Schema),
            _ => None,
        }
    }

    /// Whether a key with or without a value on its line can be of this shape.
    pub(super) fn takes(&self, has_value: bool) -> bool {
        match self {
            Text => has_value,
            Fields(_) | Open(_) | Schemas | Schema | Manifest => !has_value,
            Any | List(_) => true,
        }
    }
}

fn schema_field(key: &str) -> Option<&'static Shape> {
    Some(match key {
        "properties" | "dependencies" | "definitions" => &Schemas,
        "items" | "not" | "if" | "then" | "else" | "additionalProperties" => &Schema,
        "required" | "enum" | "enumNames" => &TEXTS,
        "allOf" | "anyOf" | "oneOf" => &List(&Schema),
        _ if SCHEMA_TEXTS.contains(&key) => &Text,
        _ if key.starts_with("ui:") || key.starts_with("x-kubernetes-") => &Any,
        _ => return None,
    })
}
