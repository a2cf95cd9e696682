//! `DeleteFiles`, `ArchiveFiles` and `ExtractFiles`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::super::session::Session;
use super::super::step::{Result, StepError};
use super::copy::matches;
use super::{Inputs, tool};

/// `DeleteFiles@1`.
pub(super) async fn delete(session: &Arc<Session>, inputs: &Inputs, stop: &CancellationToken) -> Result {
    let source = inputs
        .get(&["SourceFolder"])
        .map_or_else(|| session.sources(), |path| session.path(path));
    if !source.exists() {
        session.say(&format!(
            "There is no `{}`; nothing is removed.",
            source.display()
        ));
        return Ok(());
    }
    let patterns = inputs.get(&["Contents"]).unwrap_or("myFileShare");
    let found = to_delete(
        tool::below(session, &source)?,
        patterns,
        inputs.flag("RemoveDotFiles"),
    );
    let paths: Vec<PathBuf> = found.iter().map(|relative| source.join(relative)).collect();
    tool::remove(session, &paths, stop).await?;
    if inputs.flag("RemoveSourceFolder") && !tool::below(session, &source)?.iter().any(|it| !it.is_directory)
    {
        tool::remove(session, &[source], stop).await?;
    }
    session.say(&format!("Removed {} files and folders.", paths.len()));
    Ok(())
}

/// What goes: matches, and nothing twice. Where a pattern excludes, folders stay for what is excluded in them.
fn to_delete(entries: Vec<tool::Entry>, patterns: &str, dot_files: bool) -> Vec<String> {
    let excludes = patterns.lines().any(|line| line.trim().starts_with('!'));
    let names_dots = patterns.lines().any(|line| {
        line.trim()
            .split('/')
            .any(|part| part.starts_with('.') && part.len() > 2)
    });
    let mut gone: Vec<String> = Vec::new();
    for entry in entries {
        let hidden = entry.relative.split('/').any(|part| part.starts_with('.'));
        let inside = |path: &String| {
            entry
                .relative
                .strip_prefix(path.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        };
        if (hidden && !dot_files && !names_dots)
            || (entry.is_directory && excludes)
            || !matches(patterns, &entry.relative)
            || gone.iter().any(inside)
        {
            continue;
        }
        gone.push(entry.relative);
    }
    gone
}

/// `ArchiveFiles@2`.
pub(super) async fn archive(session: &Arc<Session>, inputs: &Inputs, stop: &CancellationToken) -> Result {
    let kind = inputs
        .get(&["archiveType"])
        .unwrap_or("zip")
        .trim()
        .to_lowercase();
    let named = |name: &str, usual: &str| session.path(inputs.get(&[name]).unwrap_or(usual));
    let root = named("rootFolderOrFile", "$(Build.BinariesDirectory)");
    let target = named(
        "archiveFile",
        "$(Build.ArtifactStagingDirectory)/$(Build.BuildId).zip",
    );
    if !root.exists() {
        return Err(StepError::Words(format!(
            "Path does not exist: {}",
            root.display()
        )));
    }
    let whole = inputs.get(&["includeRootFolder"]).is_none() || inputs.flag("includeRootFolder");
    let (directory, what) = match (root.parent(), root.file_name()) {
        (Some(parent), Some(name)) if whole || root.is_file() => {
            (parent.to_owned(), format!("./{}", name.to_string_lossy()))
        }
        _ => (root.clone(), ".".to_owned()),
    };
    let replaces = inputs.get(&["replaceExistingArchive"]).is_none() || inputs.flag("replaceExistingArchive");
    if target.exists() && replaces {
        tool::remove(session, std::slice::from_ref(&target), stop).await?;
    } else if target.exists() && kind != "zip" {
        let words = format!("`{}` exists, and is not to be replaced.", target.display());
        return Err(StepError::Words(words));
    }
    tool::make_directory(session, target.parent().unwrap_or(&target), stop).await?;
    let file = target.display().to_string();
    let (program, arguments) = match kind.as_str() {
        "zip" => ("zip", vec!["-q".to_owned(), "-r".to_owned(), file.clone(), what]),
        "tar" => {
            let letters = match inputs.get(&["tarCompression"]).unwrap_or("gz").trim() {
                "gz" => "-czf",
                "bz2" => "-cjf",
                "xz" => "-cJf",
                "none" => "-cf",
                other => {
                    return Err(StepError::Words(format!(
                        "`tarCompression` is one of gz, bz2, xz and none, not `{other}`."
                    )));
                }
            };
            ("tar", vec![letters.to_owned(), file.clone(), what])
        }
        other => {
            return Err(StepError::Words(format!(
                "Archives of the type `{other}` are not made here; write `zip` or `tar`."
            )));
        }
    };
    tool::run(session, (program, &arguments), &directory, &[], false, stop).await?;
    session.say(&format!("Made {file}."));
    Ok(())
}

/// `ExtractFiles@1`.
pub(super) async fn extract(session: &Arc<Session>, inputs: &Inputs, stop: &CancellationToken) -> Result {
    let patterns = inputs.get(&["archiveFilePatterns"]).unwrap_or("**/*.zip");
    let target = session.path(inputs.must(&["destinationFolder"])?);
    let found = archives(session, patterns)?;
    if found.is_empty() {
        return Err(StepError::Words(format!(
            "No file matches `{}`.",
            patterns.trim()
        )));
    }
    let cleans = inputs.get(&["cleanDestinationFolder"]).is_none() || inputs.flag("cleanDestinationFolder");
    if cleans && target.exists() {
        if found.iter().any(|archive| archive.starts_with(&target)) {
            let words = format!(
                "`{}` holds an archive that is to be unpacked into it; write `cleanDestinationFolder: false`.",
                target.display()
            );
            return Err(StepError::Words(words));
        }
        let all = tool::below(session, &target)?;
        let top = all.iter().filter(|entry| !entry.relative.contains('/'));
        let top: Vec<PathBuf> = top.map(|entry| target.join(&entry.relative)).collect();
        tool::remove(session, &top, stop).await?;
    }
    tool::make_directory(session, &target, stop).await?;
    let overwrites = inputs.flag("overwriteExistingFiles");
    for archive in &found {
        let (program, arguments) = unpacker(archive, &target, overwrites)?;
        tool::run(
            session,
            (program, &arguments),
            &session.sources(),
            &[],
            false,
            stop,
        )
        .await?;
    }
    session.say(&format!(
        "Unpacked {} archives to {}.",
        found.len(),
        target.display()
    ));
    Ok(())
}

fn unpacker(archive: &Path, target: &Path, overwrites: bool) -> Result<(&'static str, Vec<String>)> {
    let (file, target) = (archive.display().to_string(), target.display().to_string());
    let name = file.to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let list = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect();
    if ends(&[".zip", ".jar", ".war", ".nupkg"]) {
        let keep = if overwrites { "-o" } else { "-n" };
        return Ok(("unzip", list(&["-q", keep, &file, "-d", &target])));
    }
    if ends(&[".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"]) {
        let keep = if overwrites {
            "--overwrite"
        } else {
            "--skip-old-files"
        };
        return Ok((
            "tar",
            list(&["-xf", &file, keep, "--no-same-owner", "-C", &target]),
        ));
    }
    Err(StepError::Words(format!(
        "`{file}` is no archive that is unpacked here; that is done for .zip and .tar, also .tar.gz, .tar.bz2 and .tar.xz."
    )))
}

/// Files of the workspace that a list of patterns means; relative ones count from the sources.
fn archives(session: &Session, patterns: &str) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = Vec::new();
    let lines = patterns.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (negative, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (base, pattern) = split(&session.sources(), pattern);
        if !base.is_dir() {
            continue;
        }
        for entry in tool::below(session, &base)? {
            if entry.is_directory || !matches(&pattern, &entry.relative) {
                continue;
            }
            let path = base.join(&entry.relative);
            found.retain(|known| *known != path);
            if !negative {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// The directory that a pattern begins in, and what is left of it.
fn split(sources: &Path, pattern: &str) -> (PathBuf, String) {
    if !pattern.starts_with('/') {
        return (sources.to_owned(), pattern.to_owned());
    }
    let plain = pattern.find(['*', '?']).unwrap_or(pattern.len());
    let cut = pattern[..plain].rfind('/').unwrap_or(0);
    (PathBuf::from(&pattern[..cut]), pattern[cut + 1..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_excluded_stays_with_its_folder() {
        let entries = || {
            let all = [
                ("a", true),
                ("a/x", false),
                ("a/keep", false),
                (".git", true),
                (".git/x", false),
                ("b.tmp", false),
            ];
            all.map(|(relative, is_directory)| tool::Entry {
                relative: relative.to_owned(),
                is_directory,
            })
            .into_iter()
            .collect::<Vec<_>>()
        };
        for (patterns, dots, expected) in [
            ("**", false, vec!["a", "b.tmp"]),
            ("**", true, vec!["a", ".git", "b.tmp"]),
            ("*.tmp", false, vec!["b.tmp"]),
            ("**\n!a/keep", false, vec!["a/x", "b.tmp"]),
            ("a", false, vec!["a"]),
            ("none", false, vec![]),
        ] {
            assert_eq!(to_delete(entries(), patterns, dots), expected, "{patterns}");
        }
    }

    #[test]
    fn patterns_begin_in_a_directory() {
        for (pattern, base, rest) in [
            ("**/*.zip", "/s", "**/*.zip"),
            ("/w/a/*.zip", "/w/a", "*.zip"),
            ("/w/a/one.zip", "/w/a", "one.zip"),
            ("/w/**/x?.tar", "/w", "**/x?.tar"),
        ] {
            assert_eq!(
                split(Path::new("/s"), pattern),
                (PathBuf::from(base), rest.to_owned())
            );
        }
    }
}
