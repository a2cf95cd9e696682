//! The snippets of the first post: every defect is found, named and, where it is safe, mended.

mod support;

use pave_diagnostic::{Diagnostic, Severity};
use pave_road::{Options, apply_fixes, check};
use support::{draw, folder};

/// Defect, code, file, line, words that must be said, and whether a fix is offered.
type Row = (
    u32,
    &'static str,
    &'static str,
    usize,
    &'static [&'static str],
    bool,
);

const CLAIM: &str = "environments/prod-env.yaml";

/// The twenty defects, numbered as in the list of what is wrong with the post's snippets.
const DEFECTS: &[Row] = &[
    (
        2,
        "PV1307",
        "definition.yaml",
        13,
        &["Namespaced", "drop `scope`", "drop `claimNames`"],
        true,
    ),
    (
        3,
        "PV1312",
        "definition.yaml",
        22,
        &[
            "required: [dbName, dbUser]",
            "feed patches",
            "composition.yaml:23",
        ],
        true,
    ),
    (
        4,
        "PV2102",
        "composition.yaml",
        1,
        &["crossplane.io", "apiextensions.crossplane.io/v1"],
        true,
    ),
    (
        5,
        "PV2124",
        "composition.yaml",
        9,
        &["mode", "2.x", "Pipeline"],
        true,
    ),
    (
        6,
        "PV2103",
        "composition.yaml",
        12,
        &["v1alpha1", "v1beta1"],
        true,
    ),
    (
        6,
        "PV2107",
        "composition.yaml",
        13,
        &[
            "archived",
            "retired",
            "FlexibleServer",
            "ResourceGroup",
            "FlexibleServerDatabase",
        ],
        false,
    ),
    (
        7,
        "PV2108",
        "composition.yaml",
        17,
        &["administratorLoginPassword", "connection secret", "Git"],
        true,
    ),
    (
        8,
        "PV2105",
        "composition.yaml",
        15,
        &["sku", "sslEnforcement", "storageProfile", "resourceGroupName"],
        false,
    ),
    (
        9,
        "PV1329",
        "composition.yaml",
        16,
        &["${DB_USER}", "spec.dbUser"],
        true,
    ),
    (
        9,
        "PV1329",
        "composition.yaml",
        21,
        &["db-conn-${DB_NAME}", "db-conn-%s", "no valid name"],
        true,
    ),
    (
        10,
        "PV2110",
        "composition.yaml",
        20,
        &["namespace", "crossplane-system", "claimRef.namespace"],
        true,
    ),
    (
        11,
        "PV2111",
        "composition.yaml",
        24,
        &[
            "metadata.name",
            "crossplane.io/external-name",
            "two teams",
            "3 to 63",
        ],
        false,
    ),
    (
        11,
        "PV2112",
        "composition.yaml",
        11,
        &["no database", "FlexibleServerDatabase"],
        false,
    ),
    (
        11,
        "PV2129",
        "definition.yaml",
        25,
        &["names that Azure refuses", "RFC 1123", "63"],
        true,
    ),
    (
        12,
        "PV2104",
        CLAIM,
        14,
        &[
            "spec.params.dbName",
            "did you mean `spec.dbName`",
            "definition.yaml:25",
            "${DB_USER}",
        ],
        true,
    ),
    (
        12,
        "PV2104",
        CLAIM,
        15,
        &[
            "spec.params.dbUser",
            "did you mean `spec.dbUser`",
            "definition.yaml:27",
        ],
        false,
    ),
    (
        12,
        "PV2104",
        "template.yaml",
        43,
        &["spec.params.dbName", "did you mean `spec.dbName`"],
        true,
    ),
    (
        13,
        "PV2115",
        CLAIM,
        8,
        &[
            "no compatible Compositions found",
            "teamenv-azure",
            "env: azure-dev",
            "composition.yaml:3",
        ],
        true,
    ),
    (
        13,
        "PV2115",
        "template.yaml",
        37,
        &["no compatible Compositions found", "teamenv-azure"],
        true,
    ),
    (14, "PV2116", CLAIM, 9, &["prod-xr", "another namespace"], false),
    (14, "PV2116", "template.yaml", 38, &["resourceRef"], false),
    (
        15,
        "PV2117",
        CLAIM,
        3,
        &["namespace", "argocd", "application.yaml:7"],
        false,
    ),
    (15, "PV2117", "template.yaml", 32, &["namespace", "argocd"], false),
    (
        15,
        "PV2125",
        "application.yaml",
        7,
        &["argocd", "team's namespace"],
        false,
    ),
    (
        16,
        "PV2118",
        "definition.yaml",
        10,
        &["connectionSecretKeys"],
        true,
    ),
    (16, "PV2118", "composition.yaml", 10, &["connectionDetails"], true),
    (
        16,
        "PV2118",
        CLAIM,
        5,
        &["writeConnectionSecretToRef", "prod-connection"],
        true,
    ),
    (
        16,
        "PV2118",
        "template.yaml",
        34,
        &["${{ parameters.envName }}-connection"],
        true,
    ),
    (
        17,
        "PV1510",
        "template.yaml",
        28,
        &["`$` stands alone", "${{ parameters.envName }}"],
        true,
    ),
    (
        17,
        "PV1510",
        "template.yaml",
        33,
        &["${{ parameters.envName }}"],
        true,
    ),
    (
        17,
        "PV1510",
        "template.yaml",
        41,
        &["${{ parameters.envName }}"],
        true,
    ),
    (
        17,
        "PV1510",
        "template.yaml",
        43,
        &["${{ parameters.envName }}"],
        true,
    ),
    (
        17,
        "PV1510",
        "template.yaml",
        44,
        &["${{ parameters.dbUser }}"],
        true,
    ),
    (
        17,
        "PV1510",
        "template.yaml",
        45,
        &["${{ parameters.envName }}"],
        true,
    ),
    (
        18,
        "PV1525",
        "template.yaml",
        25,
        &[
            "publish:github",
            "filePath",
            "fetch:template",
            "publish:github:pull-request",
        ],
        true,
    ),
    (
        18,
        "PV1521",
        "template.yaml",
        27,
        &[
            "github.com:my-org/platform-configs",
            "github.com?owner=my-org&repo=platform-configs",
        ],
        true,
    ),
    (
        19,
        "PV2121",
        "composition.yaml",
        11,
        &["ProviderConfig `default`", "cannot get referenced ProviderConfig"],
        false,
    ),
    (
        19,
        "PV2122",
        "composition.yaml",
        11,
        &["firewall rule", "times out"],
        false,
    ),
    (
        20,
        "PV2123",
        "definition.yaml",
        27,
        &["admin", "azure_superuser", "pg_", "composition.yaml:25"],
        true,
    ),
    (
        20,
        "PV2123",
        "template.yaml",
        19,
        &["the form accepts", "administrator", "definition.yaml:27"],
        true,
    ),
];

fn restored() -> Vec<(String, String)> {
    folder("tests/fixtures/first-post")
}

fn find<'a>(found: &'a [Diagnostic], code: &str, file: &str, line: usize) -> Option<&'a Diagnostic> {
    found.iter().find(|it| {
        let place = it
            .labels
            .first()
            .map(|label| (label.location.file.as_str(), label.location.span.start.line));
        it.code == code && place == Some((file, line))
    })
}

#[test]
fn every_defect_is_found_with_its_place_its_words_and_its_fix() {
    let found = check(&restored(), &Options::default());
    for (number, code, file, line, words, fix) in DEFECTS {
        let Some(finding) = find(&found, code, file, *line) else {
            panic!("defect {number}: no {code} at {file}:{line}\n{}", draw(&found));
        };
        let text = draw(std::slice::from_ref(finding));
        for word in *words {
            assert!(
                text.contains(word),
                "defect {number} does not say `{word}`:\n{text}"
            );
        }
        assert_eq!(finding.fix.is_some(), *fix, "defect {number}:\n{text}");
        assert!(
            !finding.labels[0].path.is_empty(),
            "defect {number} names no field:\n{text}"
        );
        assert!(
            finding.help.is_some() && finding.effect.is_some(),
            "defect {number} says no help or effect:\n{text}"
        );
    }
    let told = found.iter().filter(|it| {
        DEFECTS
            .iter()
            .any(|(_, code, file, line, ..)| find(std::slice::from_ref(it), code, file, *line).is_some())
    });
    assert_eq!(
        told.count(),
        found.len() - 1,
        "only the second half of a moved block is not listed:\n{}",
        draw(&found)
    );
}

#[test]
fn the_whole_output() {
    insta::assert_snapshot!("restored", draw(&check(&restored(), &Options::default())));
}

/// Defect 1: the same lines are found without their indentation, and it is restored.
#[test]
fn lost_indentation_is_restored_and_hides_nothing() {
    let printed = folder("tests/fixtures/first-post-as-printed");
    let found = check(&printed, &Options::default());
    for (file, text) in &printed {
        let lost = find(&found, "PV2101", file, 1).unwrap();
        let fix = lost.fix.as_ref().unwrap();
        assert_eq!(fix.span.end.offset, text.len());
        let whole = restored().into_iter().find(|(name, _)| name == file).unwrap().1;
        assert_eq!(fix.replacement, whole);
    }
    for (number, code, file, line, ..) in DEFECTS.iter().filter(|row| row.2 != CLAIM) {
        assert!(
            find(&found, code, file, *line).is_some(),
            "defect {number}: no {code} at {file}:{line}"
        );
    }
    insta::assert_snapshot!("as_printed", draw(&found));
}

/// Applies fixes until none is left; none if they do not come to an end.
fn mend(mut files: Vec<(String, String)>) -> Option<Vec<(String, String)>> {
    for _ in 0..10 {
        let found = check(&files, &Options::default());
        if apply_fixes(&mut files, &found) == 0 {
            return Some(files);
        }
    }
    None
}

#[test]
fn the_fixes_come_to_an_end_and_leave_what_a_team_must_choose() {
    for name in [
        "tests/fixtures/first-post",
        "tests/fixtures/first-post-as-printed",
    ] {
        let files = mend(folder(name)).unwrap();
        let found = check(&files, &Options::default());
        let errors: Vec<&str> = found
            .iter()
            .filter(|it| it.severity == Severity::Error)
            .map(|it| it.code.as_str())
            .collect();
        // What the server needs is the team's choice, and so is another login than the claim's `admin`.
        let left: &[&str] = if name.ends_with("printed") {
            &["PV2105"]
        } else {
            &["PV2105", "PV2106"]
        };
        assert_eq!(errors, left, "{}", draw(&found));
        if !name.ends_with("printed") {
            let text: Vec<String> = files
                .iter()
                .map(|(path, text)| {
                    format!(
                        "# {path}
{text}"
                    )
                })
                .collect();
            let text = text.concat();
            insta::assert_snapshot!("mended", text);
        }
    }
}

#[test]
fn places_are_exact_in_the_file() {
    let files = restored();
    for finding in check(&files, &Options::default()) {
        for label in &finding.labels {
            let span = label.location.span;
            let text = &files
                .iter()
                .find(|(path, _)| *path == label.location.file)
                .unwrap()
                .1;
            let line = text.lines().nth(span.start.line - 1).unwrap();
            let rest: String = line.chars().skip(span.start.column - 1).collect();
            assert!(text[span.start.offset..].starts_with(&rest), "{finding:?}");
            assert!(!rest.starts_with(' ') && !rest.is_empty(), "{finding:?}");
        }
    }
}
