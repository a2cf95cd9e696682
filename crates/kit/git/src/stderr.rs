//! What Git prints when it fails, and what that means.

use crate::GitError;

/// The longest message that is kept, counted from its end.
const KEPT: usize = 2_000;

/// Chooses the error for a failed command from what it printed.
pub(crate) fn classify(command: &str, url: &str, status: Option<i32>, stderr: &str) -> GitError {
    let has = |needles: &[&str]| needles.iter().any(|needle| stderr.contains(needle));
    if has(&[
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "The requested URL returned error: 401",
        "The requested URL returned error: 403",
        "The requested URL returned error: 203",
    ]) {
        return GitError::Unauthorized { url: url.to_owned() };
    }
    if has(&["couldn't find remote ref"]) {
        return GitError::NotFound {
            what: format!("the branch or tag in {url}"),
        };
    }
    if has(&[
        "repository not found",
        "' not found",
        "error: 404",
        "does not appear to be a git repository",
    ]) {
        return GitError::NotFound {
            what: format!("the repository {url}"),
        };
    }
    if has(&[
        "Could not resolve host",
        "Failed to connect",
        "Couldn't connect",
        "Connection refused",
        "Connection reset",
        "Connection timed out",
        "server certificate verification failed",
        "SSL certificate problem",
        "The requested URL returned error: 5",
    ]) {
        return GitError::Unreachable {
            url: url.to_owned(),
            reason: fatal_line(stderr),
        };
    }
    GitError::Failed {
        command: command.to_owned(),
        status,
        message: tail(stderr),
    }
}

/// The lines the other side printed, without their `remote:` prefix and trailing blanks.
pub(crate) fn remote_lines(stderr: &str) -> Vec<String> {
    let lines = stderr
        .split(['\n', '\r'])
        .filter_map(|line| line.strip_prefix("remote:"));
    // Git pads each line with eight blanks to overwrite progress on a terminal.
    let mut lines: Vec<String> = lines
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned())
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn fatal_line(stderr: &str) -> String {
    let line = stderr
        .lines()
        .find(|line| line.starts_with("fatal:"))
        .unwrap_or(stderr);
    let line = line.trim_start_matches("fatal:").trim();
    line.rsplit_once("': ")
        .map_or(line, |(_, reason)| reason)
        .to_owned()
}

fn tail(stderr: &str) -> String {
    let text = stderr.trim();
    let start = text.char_indices().rev().nth(KEPT).map_or(0, |(index, _)| index);
    text.get(start..).unwrap_or(text).to_owned()
}
