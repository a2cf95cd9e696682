//! What nunjucks cannot be asked: provenance, Backstage's filters, the status functions, limits and help.

use pave_template::expression::{Scope, is_truthy, render_string, render_value};
use pave_template::text::{Syntax, render};
use serde_json::{Value, json};

fn parameters() -> Value {
    json!({
        "name": "Orders", "team": "team-a", "list": ["x", "y"], "port": 5432, "map": { "k": "v" },
        "repo": "dev.azure.com?organization=acme&project=infra&repo=configs", "owner": "Group:default/team-a",
    })
}

/// Checks which stretch of the result came from where: `text<-source` pairs.
fn pieces(template: &str, expected: &[&str]) {
    let (parameters, steps) = (
        parameters(),
        json!({ "make-it": { "output": { "url": "https://h" } } }),
    );
    let scope = Scope::new().with("parameters", &parameters).with("steps", &steps);
    let rendered = render_string(template, &scope);
    let text = match rendered.value.clone() {
        Some(Value::String(text)) => text,
        other => other.unwrap_or_default().to_string(),
    };
    let found: Vec<String> = rendered
        .pieces()
        .iter()
        .map(|piece| format!("{}<-{}", &text[piece.start..piece.end], piece.source))
        .collect();
    assert_eq!(found, expected, "{template} gave {text}");
}

#[test]
fn every_stretch_knows_its_source() {
    pieces("${{ parameters.name }}", &["Orders<-parameters.name"]);
    pieces("a-${{ parameters.name }}-b", &["Orders<-parameters.name"]);
    pieces(
        "${{ parameters.team }}/${{ parameters.name | lower }}.yaml",
        &["team-a<-parameters.team", "orders<-parameters.name"],
    );
    pieces(
        "${{ parameters.name ~ '-' ~ parameters.port }}",
        &["Orders<-parameters.name", "5432<-parameters.port"],
    );
    pieces("p: ${{ parameters.port + 1 }}", &["5433<-parameters.port"]);
    pieces(
        "${{ parameters.list | join(' ') }}",
        &["x<-parameters.list[0]", "y<-parameters.list[1]"],
    );
    pieces("${{ parameters.name.slice(1, 3) }}!", &["rd<-parameters.name"]);
    pieces(
        "${{ parameters.name.replace('d', parameters.team) }}",
        &[
            "Or<-parameters.name",
            "team-a<-parameters.team",
            "ers<-parameters.name",
        ],
    );
    pieces("${{ parameters.name.split('d')[1] }}", &["ers<-parameters.name"]);
    pieces(
        "${{ steps['make-it'].output.url }}/x",
        &["https://h<-steps['make-it'].output.url"],
    );
    pieces("${{ 'literal' }} ${{ parameters.missing or 'd' }}", &[]);
    pieces("${{ parameters.name | repeat }}", &[]);
    pieces(
        "{% for x in parameters.list %}${{ x }};{% endfor %}",
        &["x<-parameters.list[0]", "y<-parameters.list[1]"],
    );
    pieces(
        "{% set n = parameters.name %}${{ n | upper }}",
        &["ORDERS<-parameters.name"],
    );
    pieces(
        "{% macro m(a) %}<${{ a }}>{% endmacro %}${{ m(parameters.team) }}",
        &["team-a<-parameters.team"],
    );
}

#[test]
fn provenance_passes_through_values() {
    let parameters = parameters();
    let input = json!({ "values": { "n": "${{ parameters.name | lower }}", "all": "${{ parameters.list }}" }, "gone": "${{ parameters.missing }}" });
    let tree = render_value(&input, &Scope::new().with("parameters", &parameters));
    let value = tree.value.unwrap();
    assert_eq!(value, json!({ "values": { "n": "orders", "all": ["x", "y"] } }));
    let traces: Vec<_> = tree
        .traces
        .into_iter()
        .filter_map(|mut trace| {
            trace.pointer = trace.pointer.strip_prefix("/values")?.to_owned();
            Some(trace)
        })
        .collect();
    let scope = Scope::new().with_traced("values", &value["values"], &traces);
    let text = render(
        "name: ${{ values.n }} ${{ values.all[1] }}",
        &Syntax::default(),
        &scope,
    )
    .unwrap();
    assert_eq!(text.text, "name: orders y");
    let found: Vec<(&str, &str)> = text
        .pieces
        .iter()
        .map(|piece| (&text.text[piece.start..piece.end], piece.source.as_str()))
        .collect();
    assert_eq!(
        found,
        [("orders", "parameters.name"), ("y", "parameters.list[1]")]
    );
}

#[test]
fn backstages_filters() {
    let parameters = parameters();
    let scope = Scope::new().with("parameters", &parameters);
    let check = |template: &str, expected: Value| {
        let rendered = render_string(template, &scope);
        assert_eq!(rendered.fault, None, "{template}");
        assert_eq!(rendered.value, Some(expected), "{template}");
    };
    check(
        "${{ parameters.repo | parseRepoUrl }}",
        json!({ "host": "dev.azure.com", "organization": "acme", "project": "infra", "repo": "configs" }),
    );
    check("${{ (parameters.repo | parseRepoUrl).repo }}", json!("configs"));
    check(
        "${{ parameters.repo | parseRepoUrl | pick('project') }}",
        json!("infra"),
    );
    check("${{ 'github.com?owner=o&repo=r' | projectSlug }}", json!("o/r"));
    check(
        "${{ parameters.owner | parseEntityRef }}",
        json!({ "kind": "Group", "namespace": "default", "name": "team-a" }),
    );
    check(
        "${{ 'x' | parseEntityRef({ defaultKind: 'user' }) | pick('kind') }}",
        json!("user"),
    );
    assert!(
        render_string("${{ 'x' | parseEntityRef }}", &scope)
            .fault
            .is_some()
    );
}

#[test]
fn conditions_ask_for_the_status() {
    let check = |template: &str, failed: bool, expected: bool| {
        let rendered = render_string(template, &Scope::new().with_status(failed));
        assert_eq!(is_truthy(rendered.value.as_ref()), expected, "{template}");
    };
    check("${{ always() }}", true, true);
    check("${{ failure() }}", true, true);
    check("${{ failure() }}", false, false);
    check("${{ not failure() }}", false, true);
    check("${{ a ? b : c }}", false, true);
    check("${{ [] }}", false, false);
    check("${{ {} }}", false, true);
    check("false", false, true);
    check("${{ false }}", false, false);
}

#[test]
fn faults_say_where_and_what_to_write() {
    let check = |template: &str, range: std::ops::Range<usize>, help: &str| {
        let fault = render_string(template, &Scope::new()).fault.unwrap();
        assert_eq!(fault.range, range, "{template}: {fault}");
        assert!(fault.to_string().contains(help), "{template}: {fault}");
    };
    check("x ${{ a && b }}", 8..10, "write `and`");
    check("${{ a || b }}", 7..8, "write `or`");
    check("${{ a ? b : c }}", 6..7, "write `a if condition else b`");
    check("${{ a ?? b }}", 6..8, "default");
    check("${{ !a }}", 4..5, "write `not x`");
    check("${{ a | lowr }}", 8..12, "did you mean `lower`?");
    check("${{ a.b() }}", 4..7, "cannot call `a.b`");
    check("{% swich x %}{% endswitch %}", 3..8, "did you mean `switch`?");
}

#[test]
fn no_text_runs_forever() {
    for template in [
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{% macro f() %}${{ f() }}{% endmacro %}${{ f() }}",
        "${{ range(1000000000) }}",
        "${{ 'aaaaaaaaaa'.repeat(1000000000) }}",
        "{% set x = 'ab' %}{% for i in range(60) %}{% set x = x + x %}{% endfor %}${{ x }}",
    ] {
        assert!(
            render(template, &Syntax::default(), &Scope::new()).is_err(),
            "{template}"
        );
    }
    for chain in ["1 + ", "a.", "1 or ", "'a' ~ ", "not ", "-", "1 in "] {
        let long = format!("${{{{ {}a }}}}", chain.repeat(20_000));
        assert!(render_string(&long, &Scope::new()).fault.is_some(), "{chain}");
    }
    let filters = format!("${{{{ a {} }}}}", "| trim ".repeat(20_000));
    assert!(render_string(&filters, &Scope::new()).fault.is_some());
    let blocks = format!("{}{}", "{% if true %}".repeat(5000), "{% endif %}".repeat(5000));
    assert!(render_string(&blocks, &Scope::new()).fault.is_some());
    let deep = format!("${{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    assert!(render_string(&deep, &Scope::new()).fault.is_some());
}
