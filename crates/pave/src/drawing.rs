//! How a diagnostic and a road look in a terminal.

use std::fs;

use jiff::Timestamp;
use pave_diagnostic::{Diagnostic, Severity};
use pave_journal::Hop;
use pave_names::{Direction, State, Station};

/// A sign and a word for each state: colour never carries the meaning alone.
fn sign(state: State) -> char {
    match state {
        State::Pending => '·',
        State::Running => '…',
        State::Waiting => '?',
        State::Ok => '✓',
        State::Drifted => '~',
        State::Degraded => '!',
        State::Failed => '✗',
        State::Deleted => '−',
    }
}

fn colour(state: State) -> &'static str {
    match state {
        State::Ok => "32",
        State::Failed => "31",
        State::Degraded | State::Drifted | State::Waiting => "33",
        State::Running => "36",
        State::Pending | State::Deleted => "2",
    }
}

fn paint(text: &str, code: &str, coloured: bool) -> String {
    if coloured {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// A road, one line per hop, with the cause below where it is stuck.
pub(crate) fn road(hops: &[Hop], coloured: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let width = hops
        .iter()
        .map(|hop| hop.title.chars().count())
        .max()
        .unwrap_or(0);
    // As wide as any, since hops that are followed are drawn one by one.
    let stations = Station::ALL.iter().map(|station| station.as_str().len());
    let station_width = stations.max().unwrap_or(0);
    let mut direction = None;
    for hop in hops {
        if direction != Some(hop.direction) {
            if hop.direction == Direction::Down {
                lines.push("  the way back:".to_owned());
            }
            direction = Some(hop.direction);
        }
        let sign = paint(&sign(hop.state).to_string(), colour(hop.state), coloured);
        let state = paint(&format!("{:<8}", hop.state.as_str()), colour(hop.state), coloured);
        let took = took(hop.started_at, hop.changed_at);
        lines.push(
            format!(
                "  {sign} {:<station_width$} {:<width$}  {state} {took}",
                hop.station.as_str(),
                hop.title
            )
            .trim_end()
            .to_owned(),
        );
        if !hop.cause.is_empty() {
            lines.push(format!("      {}", hop.cause));
        }
    }
    lines
}

/// Time between two moments, as a person reads it.
pub(crate) fn took(from: Timestamp, until: Timestamp) -> String {
    let milliseconds = until
        .as_millisecond()
        .saturating_sub(from.as_millisecond())
        .max(0);
    match milliseconds {
        0 => String::new(),
        1..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
        _ => format!(
            "{} min {} s",
            milliseconds / 60_000,
            milliseconds % 60_000 / 1_000
        ),
    }
}

/// A diagnostic: where, what, who says otherwise, the fix. Source lines are shown where the file can be read.
pub(crate) fn diagnostic(diagnostic: &Diagnostic, coloured: bool) -> Vec<String> {
    let (word, code) = match diagnostic.severity {
        Severity::Error => ("error", "31"),
        Severity::Warning => ("warning", "33"),
        Severity::Info => ("info", "36"),
    };
    let head = paint(&format!("{word}[{}]", diagnostic.code), code, coloured);
    let mut lines = vec![format!("{head}: {}", diagnostic.message)];
    for (index, label) in diagnostic.labels.iter().enumerate() {
        let path = if label.path.is_empty() {
            String::new()
        } else {
            format!("  {}", label.path)
        };
        let corner = if index == 0 { '┌' } else { '├' };
        lines.push(format!("  {corner} {}{path}", label.location));
        if index == 0 {
            lines.extend(source(label, code, coloured));
        } else if !label.text.is_empty() {
            lines.push(format!("  │     {}", label.text));
        }
    }
    if let Some(effect) = &diagnostic.effect {
        lines.push(format!("  effect: {effect}"));
    }
    if let Some(help) = &diagnostic.help {
        lines.push(format!("  help: {help}"));
    }
    if let Some(fix) = &diagnostic.fix {
        lines.push(format!("  fix: {}", fix.title));
    }
    lines
}

fn source(label: &pave_diagnostic::Label, code: &str, coloured: bool) -> Vec<String> {
    let span = label.location.span;
    let line = fs::read_to_string(&label.location.file).ok().and_then(|text| {
        text.lines()
            .nth(span.start.line.checked_sub(1)?)
            .map(ToOwned::to_owned)
    });
    let Some(line) = line else { return Vec::new() };
    let width = if span.end.line == span.start.line {
        span.end.column.saturating_sub(span.start.column).max(1)
    } else {
        line.chars().count().saturating_sub(span.start.column - 1).max(1)
    };
    let marks = format!(
        "{}{}",
        " ".repeat(span.start.column.saturating_sub(1)),
        "^".repeat(width)
    );
    let text = if label.text.is_empty() {
        String::new()
    } else {
        format!(" {}", label.text)
    };
    vec![
        format!("  │  {line}"),
        format!("  │  {}{text}", paint(&marks, code, coloured)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use pave_diagnostic::{Label, Location};
    use pave_names::Station;

    #[test]
    fn a_stuck_road_says_why() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let road_id: pave_names::RoadId = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
        let mut claim = Hop::new(
            road_id.clone(),
            Station::Claim,
            "claim/team-a/orders",
            State::Running,
            at(1),
        );
        claim.cause = "the server is being made".into();
        claim.changed_at = at(3);
        let task = Hop::new(road_id, Station::Task, "task/1", State::Ok, at(1));
        assert_eq!(
            road(&[task, claim], false),
            [
                "  ✓ task         task/1               ok",
                "  … claim        claim/team-a/orders  running  2.0 s",
                "      the server is being made",
            ]
        );
    }

    #[test]
    fn a_diagnostic_names_place_and_help() {
        let found = Diagnostic::error("PV2104", "field `spec.params` reaches nothing")
            .with_label(Label::at(Location::new("gone.yaml", 3, 7)).with_path("spec.params"))
            .with_label(Label::at(Location::new("xrd.yaml", 24, 1)).with_text("the schema has `spec.dbName`"))
            .with_help("move it");
        assert_eq!(
            diagnostic(&found, false),
            [
                "error[PV2104]: field `spec.params` reaches nothing",
                "  ┌ gone.yaml:3:7  spec.params",
                "  ├ xrd.yaml:24:1",
                "  │     the schema has `spec.dbName`",
                "  help: move it",
            ]
        );
    }
}
