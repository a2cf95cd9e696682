//! `CopyFiles`, and the patterns that it shares with artifacts.

use std::path::Path;

use super::super::files::Inside;
use super::super::session::Session;
use super::super::step::{Result, StepError};
use super::Inputs;

/// Copies files that match to a folder.
pub(crate) fn run(session: &Session, inputs: &Inputs) -> Result {
    let source = inputs
        .get(&["SourceFolder"])
        .map_or_else(|| session.sources(), |path| session.path(path));
    let target = session.path(inputs.must(&["TargetFolder"])?);
    let patterns = inputs.get(&["Contents"]).unwrap_or("**");
    if !target.starts_with(&session.job.workspace) {
        return Err(StepError::Words(
            "CopyFiles copies within the workspace only.".to_owned(),
        ));
    }
    let inside = Inside::open(&session.job.workspace)?;
    let mut copied = 0;
    let mut open = vec![source.clone()];
    while let Some(directory) = open.pop() {
        inside.file(&directory)?;
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            let kind = std::fs::symlink_metadata(&path)?;
            let relative = path.strip_prefix(&source).unwrap_or(&path).to_owned();
            if kind.is_dir() && path != target {
                open.push(path);
            } else if kind.is_file() && matches(patterns, &relative.to_string_lossy()) {
                let flat = inputs.flag("flattenFolders");
                let name = if flat {
                    Path::new(path.file_name().unwrap_or_default()).to_owned()
                } else {
                    relative
                };
                copy(session, &inside, &path, &target.join(name))?;
                copied += 1;
            }
        }
    }
    session.say(&format!("Copied {copied} files to {}.", target.display()));
    Ok(())
}

fn copy(session: &Session, inside: &Inside, from: &Path, to: &Path) -> Result {
    let parent = to.parent().unwrap_or(to);
    let missing: Vec<&Path> = parent.ancestors().take_while(|part| !part.exists()).collect();
    for part in missing.into_iter().rev() {
        std::fs::create_dir(part)?;
        session.job.isolation.own(part)?;
    }
    inside.file(parent)?;
    drop(std::fs::remove_file(to));
    let mut source = inside.file(from)?;
    let mut target = std::fs::File::create_new(to)?;
    std::io::copy(&mut source, &mut target)?;
    // What could be run still can.
    let mode = std::os::unix::fs::PermissionsExt::mode(&source.metadata()?.permissions()) & 0o777;
    target.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    session.job.isolation.own(to)?;
    Ok(())
}

/// Whether a relative path matches one of the patterns, one per line; `!` excludes. No pattern matches all.
pub(crate) fn matches(patterns: &str, path: &str) -> bool {
    let lines: Vec<&str> = patterns
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let mut included = lines.iter().all(|line| line.starts_with('!'));
    for line in lines {
        let (negative, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let pattern = pattern.trim_start_matches("./").trim_start_matches('/');
        if glob(pattern.as_bytes(), path.as_bytes()) {
            included = !negative;
        }
    }
    included
}

fn glob(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => path.is_empty(),
        [b'*', b'*', b'/', rest @ ..] => {
            glob(rest, path)
                || path
                    .iter()
                    .enumerate()
                    .any(|(at, byte)| *byte == b'/' && glob(rest, &path[at + 1..]))
        }
        [b'*', b'*'] => true,
        [b'*', rest @ ..] => {
            let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
            (0..=end).any(|at| glob(rest, &path[at..]))
        }
        [b'?', rest @ ..] => path.first().is_some_and(|byte| *byte != b'/') && glob(rest, &path[1..]),
        [byte, rest @ ..] => path.first() == Some(byte) && glob(rest, &path[1..]),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn patterns_match_as_upstream() {
        let cases = [
            ("**", "a/b.txt", true),
            ("", "a/b.txt", true),
            ("*.txt", "b.txt", true),
            ("*.txt", "a/b.txt", false),
            ("**/*.txt", "a/b/c.txt", true),
            ("**/*.txt", "c.txt", true),
            ("a/**\n!a/secret", "a/secret", false),
            ("a/?.tf", "a/x.tf", true),
        ];
        for (patterns, path, expected) in cases {
            assert_eq!(super::matches(patterns, path), expected, "{patterns} {path}");
        }
    }
}
