use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::{LocalFiles, absolute, folder_of};

fn directory() -> (tempfile::TempDir, PathBuf) {
    let kept = tempfile::tempdir().unwrap();
    let root = kept.path().canonicalize().unwrap();
    for (path, text) in [
        ("app-config.yaml", "secret"),
        ("examples/entities.yaml", "entities"),
        ("examples/template/template.yaml", "template"),
        ("examples/template/content/run.sh", "run"),
        ("examples/template/content/sub/.hidden", "hidden"),
        ("examples/template/.git/config", "token"),
        ("other/template.yaml", "other"),
        (".dot/template.yaml", "dot"),
        ("outside.txt", "outside"),
    ] {
        let file = root.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let run = root.join("examples/template/content/run.sh");
    std::fs::set_permissions(run, std::fs::Permissions::from_mode(0o755)).unwrap();
    (kept, root)
}

#[test]
fn paths_are_put_together_without_looking() {
    let check = |folder: &str, path: &str, expected: &str| {
        assert_eq!(absolute(Path::new(folder), path), Path::new(expected));
    };
    check(
        "/app/packages/backend",
        "../../examples/a.yaml",
        "/app/examples/a.yaml",
    );
    check("/app", "./a//b/./c.yaml", "/app/a/b/c.yaml");
    check("/app", "/etc/x", "/etc/x");
    check("/app", "../../../x", "/x");
    let check = |path: &str, expected: &str| assert_eq!(folder_of(Path::new(path)), Path::new(expected));
    check("/app/a.yaml", "/app");
    check("/app/*/a.yaml", "/app/");
    check("/app/b/{x,y}.yaml", "/app/b");
}

#[test]
fn patterns_match_as_a_shell_does() {
    let (_kept, root) = directory();
    let check = |pattern: &str, expected: &[&str]| {
        let found = LocalFiles::default().find(&root.join(pattern)).unwrap();
        let expected: Vec<PathBuf> = expected.iter().map(|path| root.join(path)).collect();
        assert_eq!(found, expected, "{pattern}");
    };
    check("examples/entities.yaml", &["examples/entities.yaml"]);
    check("examples/none.yaml", &[]);
    check("examples", &[]);
    check(
        "**/template.yaml",
        &["examples/template/template.yaml", "other/template.yaml"],
    );
    check(".*/template.yaml", &[".dot/template.yaml"]);
    check("*/*.yaml", &["examples/entities.yaml", "other/template.yaml"]);
    check(
        "{other,examples/template}/t?mplate.yaml",
        &["examples/template/template.yaml", "other/template.yaml"],
    );
    check(
        "examples/template/content/**",
        &["examples/template/content/run.sh"],
    );
}

#[test]
fn nothing_outside_is_read() {
    let (_kept, root) = directory();
    let (inside, files) = (
        vec![root.join("examples")],
        LocalFiles::new(vec![root.join("app-config.yaml")]),
    );
    symlink(root.join("outside.txt"), root.join("examples/out.yaml")).unwrap();
    symlink("entities.yaml", root.join("examples/in.yaml")).unwrap();
    let read = |path: &str| files.read(&root.join(path), &inside);
    assert_eq!(read("examples/entities.yaml").unwrap(), b"entities");
    assert_eq!(read("examples/in.yaml").unwrap(), b"entities");
    assert!(read("examples/none.yaml").unwrap_err().is_not_found());
    assert!(!read("examples").unwrap_err().is_refused());
    for path in [
        "outside.txt",
        "examples/out.yaml",
        "examples/../outside.txt",
        "none",
    ] {
        assert!(read(path).unwrap_err().is_refused(), "{path}");
    }
    let all = [root.clone()];
    let own = files.read(&root.join("app-config.yaml"), &all).unwrap_err();
    assert!(own.is_refused(), "{own}");
}

#[test]
fn a_template_reads_what_lies_beside_it() {
    let (_kept, root) = directory();
    let files = LocalFiles::default();
    let template = root.join("examples/template/template.yaml");
    assert!(files.beside(&template, "./content").unwrap_err().is_refused());
    files.set_templates([template.clone()]);
    for escape in ["../entities.yaml", "/etc/passwd", "./content/../../x", ".."] {
        let refused = files.beside(&template, escape).unwrap_err().to_string();
        assert!(
            refused.starts_with("Relative path is not allowed to refer to a directory outside its parent"),
            "{refused}"
        );
    }
    let content = files.beside(&template, "./content").unwrap();
    let tree = files.tree_beside(&content).unwrap();
    let told: Vec<(&str, bool)> = tree.iter().map(|it| (it.path.as_str(), it.executable)).collect();
    assert_eq!(told, [("run.sh", true), ("sub/.hidden", false)]);
    let all = files.tree_beside(&files.beside(&template, ".").unwrap()).unwrap();
    assert!(all.iter().all(|file| !file.path.contains(".git")), "{all:?}");
    assert!(files.tree_beside(&root).unwrap_err().is_refused());
    assert!(
        files
            .read_beside(&root.join("outside.txt"))
            .unwrap_err()
            .is_refused()
    );

    symlink("run.sh", root.join("examples/template/content/again.sh")).unwrap();
    let tree = files.tree_beside(&content).unwrap();
    assert!(tree[0].symlink && tree[0].bytes == b"run.sh");
    symlink("../../../outside.txt", root.join("examples/template/content/out")).unwrap();
    assert!(files.tree_beside(&content).unwrap_err().is_refused());
}
