//! Whatever is wrong with a text, the check says so and goes on.

mod support;

use pave_road::{Options, apply_fixes, check};
use support::folder;

/// Checks, applies what is offered, and checks again: nothing may panic, and fixes must fit their texts.
fn survives(mut files: Vec<(String, String)>) {
    let found = check(&files, &Options::default());
    for finding in &found {
        if let Some(fix) = &finding.fix {
            let text = files
                .iter()
                .find(|(path, _)| *path == fix.file)
                .map(|(_, text)| text);
            let fits =
                text.is_some_and(|text| text.get(fix.span.start.offset..fix.span.end.offset).is_some());
            assert!(fits, "{finding:?}");
        }
    }
    apply_fixes(&mut files, &found);
    drop(check(&files, &Options::default()));
}

fn roads() -> Vec<Vec<(String, String)>> {
    let names = [
        "tests/fixtures/first-post",
        "tests/fixtures/first-post-as-printed",
        "../../examples/team-environment/platform-configs/infra",
    ];
    names.iter().map(|name| folder(name)).collect()
}

#[test]
fn texts_that_end_anywhere() {
    for road in roads() {
        for index in 0..road.len() {
            let length = road[index].1.len();
            for end in (0..length).step_by(length / 2 + 1) {
                let mut files = road.clone();
                let end = (end..=length)
                    .find(|end| files[index].1.is_char_boundary(*end))
                    .unwrap_or(length);
                files[index].1.truncate(end);
                survives(files);
            }
        }
    }
}

#[test]
fn lines_that_are_missing_or_doubled() {
    for road in roads() {
        for index in 0..road.len() {
            let lines: Vec<String> = road[index].1.lines().map(str::to_owned).collect();
            for line in (0..lines.len()).step_by(lines.len() / 2 + 1) {
                let mut without = lines.clone();
                without.remove(line);
                let mut doubled = lines.clone();
                doubled.insert(line, lines[line].clone());
                for changed in [without, doubled] {
                    let mut files = road.clone();
                    files[index].1 = changed.join("\n");
                    survives(files);
                }
            }
        }
    }
}

#[test]
fn other_characters_and_line_ends() {
    for road in roads() {
        let all = |change: &dyn Fn(&str) -> String| {
            road.iter()
                .map(|(path, text)| (path.clone(), change(text)))
                .collect()
        };
        survives(all(&|text| text.replace('\n', "\r\n")));
        survives(all(&|text| text.replace("example", "exämple→")));
        survives(all(&|text| format!("# ä\n{text}")));
        survives(all(&|text| text.replace(": ", ": [")));
        survives(all(&|text| text.replace("spec:", "spec: null")));
        survives(all(&|text| text.replace("- ", "")));
        survives(all(&|text| text.replace("  ", "\t")));
    }
}
