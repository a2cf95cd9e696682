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
    let found = pave_road::check(&folder("../../examples/team-environment/platform-configs"), &pave_road::Options::default());
    println!("{}", draw(&found));
}
