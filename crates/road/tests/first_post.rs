//! The snippets of the first post: every defect is found, named and, where it is safe, mended.

mod support;

use support::{draw, folder};

#[test]
fn the_whole_output() {
    let found = pave_road::check(&folder("tests/fixtures/first-post"), &pave_road::Options::default());
    println!("{}", draw(&found));
}
#[test]
fn the_demo() {
    let read=folder("../../examples/team-environment/platform-configs"); println!("{:?}", read.iter().map(|f| &f.0).collect::<Vec<_>>());
    let found = pave_road::check(&folder("../../examples/team-environment/platform-configs"), &pave_road::Options::default());
    println!("{}", draw(&found));
}

#[test]
fn printed() {
    let f = |found: Vec<pave_diagnostic::Diagnostic>| found.iter().filter(|d| !d.labels[0].location.file.contains("prod")).map(|d| format!("{} {}", d.labels[0].location, d.code)).collect::<Vec<_>>();
    let a = f(pave_road::check(&folder("tests/fixtures/first-post"), &pave_road::Options::default()));
    let b = pave_road::check(&folder("tests/fixtures/first-post-as-printed"), &pave_road::Options::default());
    println!("{}", draw(&b[..3]));
    let b= f(b);
    println!("{}\n{}", a.len(), b.len());
    for x in &b { println!("{x}"); }
}
#[test]
fn fixes() {
    let mut files = folder("tests/fixtures/first-post-as-printed");
    for round in 0..8 {
        let found = pave_road::check(&files, &pave_road::Options::default());
        let n = pave_road::apply_fixes(&mut files, &found);
        println!("round {round}: {} findings, {n} applied", found.len());
        if n == 0 { println!("{}", draw(&found)); break; }
    }
    for (p, t) in &files { println!("=== {p}\n{t}"); }
}
