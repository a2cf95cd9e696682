//! What stands in the way of a merge, in upstream's words.
//!
//! Git says which objects each side has of a path (stage 1 the common ancestor, 2 the target, 3 the source) and, in
//! messages, what kind of clash it saw. Azure DevOps names clashes by what the source did, then the target.

use std::collections::BTreeMap;

use pave_git::Program;

use super::merge;
use crate::ForgeError;

/// One clash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// The path it is about; of a rename the one before.
    pub(crate) path: String,
    /// Upstream's word, e.g. `editEdit`.
    pub(crate) kind: &'static str,
    /// Objects of the three sides; empty where one has none.
    pub(crate) base: String,
    pub(crate) target: String,
    pub(crate) source: String,
    /// The path that a side moved the file to.
    pub(crate) target_path: Option<String>,
    pub(crate) source_path: Option<String>,
}

/// Merges once more and tells what clashes, by path.
pub(crate) async fn find(git: &Program, target: &str, source: &str) -> Result<Vec<Conflict>, ForgeError> {
    let arguments = ["merge-tree", "--write-tree", "-z", target, source];
    let output = merge::merge_tree(git, &arguments).await?;
    if output.status.code() != Some(1) {
        return Ok(Vec::new());
    }
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// Objects of one path by stage.
type Stages = BTreeMap<String, [String; 3]>;

fn parse(printed: &str) -> Vec<Conflict> {
    let mut tokens = printed.split('\0');
    // The tree.
    tokens.next();
    let mut stages = Stages::new();
    for line in tokens.by_ref() {
        let Some((head, path)) = line.split_once('\t') else {
            break;
        };
        let fields: Vec<&str> = head.split(' ').collect();
        if let [_, object, stage] = fields.as_slice()
            && let Some(index) = stage.parse().ok().and_then(|it: usize| it.checked_sub(1))
            && let Some(place) = stages.entry(path.to_owned()).or_default().get_mut(index)
        {
            (*object).clone_into(place);
        }
    }
    let mut found = Vec::new();
    while let Some(count) = tokens.next().and_then(|it| it.trim().parse().ok()) {
        let paths: Vec<&str> = tokens.by_ref().take(count).collect();
        let (kind, _message) = (tokens.next().unwrap_or_default(), tokens.next());
        found.extend(special(kind, &paths, &mut stages));
    }
    for (path, [base, target, source]) in stages {
        let kind = match (base.is_empty(), target.is_empty(), source.is_empty()) {
            (true, false, false) => "addAdd",
            (false, true, false) => "editDelete",
            (false, false, true) => "deleteEdit",
            _ => "editEdit",
        };
        found.push(Conflict {
            path,
            kind,
            base,
            target,
            source,
            ..Conflict::default()
        });
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// A clash that is about more than one path; its paths are taken out of `stages`.
fn special(kind: &str, paths: &[&str], stages: &mut Stages) -> Option<Conflict> {
    match (kind, paths) {
        ("CONFLICT (rename/rename)", [old, ours, theirs]) => {
            let [base, ..] = stages.remove(*old).unwrap_or_default();
            let [_, target, _] = stages.remove(*ours).unwrap_or_default();
            let [_, _, source] = stages.remove(*theirs).unwrap_or_default();
            Some(Conflict {
                path: (*old).to_owned(),
                kind: "rename1to2",
                base,
                target,
                source,
                target_path: Some((*ours).to_owned()),
                source_path: Some((*theirs).to_owned()),
            })
        }
        ("CONFLICT (rename/delete)", [new, old, ..]) => {
            let [base, target, source] = stages.remove(*new)?;
            let moved = Some((*new).to_owned());
            let by_source = !source.is_empty();
            Some(Conflict {
                path: (*old).to_owned(),
                kind: if by_source { "renameDelete" } else { "deleteRename" },
                base,
                target,
                source,
                target_path: moved.clone().filter(|_| !by_source),
                source_path: moved.filter(|_| by_source),
            })
        }
        ("CONFLICT (file/directory)", [moved, old, ..]) => {
            let [base, target, source] = stages.remove(*moved)?;
            Some(Conflict {
                path: (*old).to_owned(),
                kind: if source.is_empty() {
                    "directoryFile"
                } else {
                    "fileDirectory"
                },
                base,
                target,
                source,
                ..Conflict::default()
            })
        }
        ("CONFLICT (rename involved in collision)", [path, ..]) => {
            let [base, target, source] = stages.remove(*path)?;
            Some(Conflict {
                path: (*path).to_owned(),
                kind: "rename2to1",
                base,
                target,
                source,
                ..Conflict::default()
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn clashes_have_upstreams_names() {
        let check = |printed: &str, expected: &[(&str, &str, &str, &str, &str)]| {
            let found = parse(&printed.replace('|', "\0"));
            let found: Vec<_> = found
                .iter()
                .map(|it| {
                    (
                        it.path.as_str(),
                        it.kind,
                        it.base.as_str(),
                        it.target.as_str(),
                        it.source.as_str(),
                    )
                })
                .collect();
            assert_eq!(found, expected, "{printed}");
        };
        check(
            "tree|100644 b 1\ta|100644 t 2\ta|100644 s 3\ta||1|a|Auto-merging|m\n|1|a|CONFLICT (contents)|m\n|",
            &[("a", "editEdit", "b", "t", "s")],
        );
        check(
            "tree|100644 t 2\ta|100644 s 3\ta||1|a|CONFLICT (contents)|m\n|",
            &[("a", "addAdd", "", "t", "s")],
        );
        check(
            "tree|100644 b 1\ta|100644 t 2\ta|100644 b 1\tc|100644 s 3\tc||1|a|CONFLICT (modify/delete)|m\n|1|c|CONFLICT (modify/delete)|m\n|",
            &[
                ("a", "deleteEdit", "b", "t", ""),
                ("c", "editDelete", "b", "", "s"),
            ],
        );
        check(
            "tree|100644 b 1\told|100644 t 2\tx|100644 s 3\ty||3|old|x|y|CONFLICT (rename/rename)|m\n|",
            &[("old", "rename1to2", "b", "t", "s")],
        );
        check(
            "tree|100644 b 1\tnew|100644 s 3\tnew||2|new|old|CONFLICT (rename/delete)|m\n|",
            &[("old", "renameDelete", "b", "", "s")],
        );
        check(
            "tree|100644 s 3\td~x||2|d~x|d|CONFLICT (file/directory)|m\n|",
            &[("d", "fileDirectory", "", "", "s")],
        );
        check("tree", &[]);
    }
}
