use crate::route::{Target, parse};

#[test]
fn paths_lead_where_azure_devops_says() {
    let git = |organization: &str, project: &str, repository: &str, tail: &[&str]| {
        Some(Target::Git {
            organization: organization.to_owned(),
            project: project.to_owned(),
            repository: repository.to_owned(),
            tail: tail.iter().map(ToString::to_string).collect(),
        })
    };
    let api = |organization: &str, project: Option<&str>, tail: &[&str]| {
        Some(Target::Api {
            organization: organization.to_owned(),
            project: project.map(str::to_owned),
            tail: tail.iter().map(ToString::to_string).collect(),
        })
    };
    let cases = [
        ("/o/p/_git/r/info/refs", git("o", "p", "r", &["info", "refs"])),
        (
            "/o/_git/r/git-upload-pack",
            git("o", "r", "r", &["git-upload-pack"]),
        ),
        ("/tfs/o/p/_git/r", git("o", "p", "r", &[])),
        ("/o/my%20p/_git/my%20r", git("o", "my p", "my r", &[])),
        ("/o/_apis", api("o", None, &[])),
        ("/o/_apis/Location", api("o", None, &["Location"])),
        (
            "/o/p/_apis/git/Repositories/r/items/a/b",
            api("o", Some("p"), &["git", "Repositories", "r", "items", "a", "b"]),
        ),
        ("/", None),
        ("/_git/r", None),
        ("/o/p/_git", None),
        ("/o/%ff/_git/r", None),
    ];
    for (path, expected) in cases {
        assert_eq!(parse(path), expected, "{path}");
    }
}
