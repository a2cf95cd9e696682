use super::*;

fn dependency(name: &str, outcome: Outcome, direct: bool) -> Dependency {
    Dependency {
        name: name.to_owned(),
        outcome,
        direct,
        outputs: vec![("make.id".to_owned(), "42".to_owned())],
    }
}

fn check(text: &str, dependencies: &[Dependency], canceled: bool, expected: bool) {
    let scope = RuntimeScope {
        variables: vec![("Build.SourceBranch".to_owned(), "refs/heads/main".to_owned())],
        dependencies: dependencies.to_vec(),
        canceled,
        ..RuntimeScope::default()
    };
    assert_eq!(
        condition(text, &scope),
        Ok(expected),
        "{text} {dependencies:?} {canceled}"
    );
}

#[test]
fn conditions_of_jobs_and_stages() {
    use Outcome::{Canceled, Failed, Skipped, Succeeded, SucceededWithIssues};
    let one = |outcome| [dependency("a", outcome, true)];
    check("succeeded()", &[], false, true);
    check("failed()", &[], false, false);
    check("succeeded()", &one(Succeeded), false, true);
    check("succeeded()", &one(SucceededWithIssues), false, true);
    check("succeeded()", &one(Failed), false, false);
    check("succeeded()", &one(Skipped), false, false);
    check("succeeded()", &one(Canceled), false, false);
    check("succeeded()", &one(Succeeded), true, false);
    check("succeededOrFailed()", &one(Failed), false, true);
    check("succeededOrFailed()", &one(Failed), true, false);
    check("succeededOrFailed('a')", &one(Skipped), false, false);
    check("always()", &one(Failed), true, true);
    check("canceled()", &one(Succeeded), true, true);
    check("failed('a')", &one(Failed), false, true);
    check(
        "in(dependencies.a.result, 'Succeeded', 'Skipped')",
        &one(Skipped),
        false,
        true,
    );
    check(
        "eq(dependencies.a.outputs['make.id'], '42')",
        &one(Succeeded),
        false,
        true,
    );
    check(
        "and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/main'))",
        &[],
        false,
        true,
    );
    check("eq(variables.Build.SourceBranch, 'x')", &[], false, false);
    let above = [dependency("a", Failed, false), dependency("b", Succeeded, true)];
    check("succeeded()", &above, false, false);
    let above = [dependency("a", Skipped, false), dependency("b", Succeeded, true)];
    check("succeeded()", &above, false, true);
}

#[test]
fn a_status_function_knows_its_dependencies() {
    let error = condition("failed('x')", &RuntimeScope::default()).unwrap_err();
    assert_eq!(error.message, "`x` is nothing that this depends on");
}

#[test]
fn conditions_of_steps_ask_the_job() {
    let scope = |job| RuntimeScope {
        level: Level::Step { job },
        ..RuntimeScope::default()
    };
    assert_eq!(condition("succeeded()", &scope(Outcome::Failed)), Ok(false));
    assert_eq!(condition("failed()", &scope(Outcome::Failed)), Ok(true));
    assert_eq!(
        condition("succeeded()", &scope(Outcome::SucceededWithIssues)),
        Ok(true)
    );
}

#[test]
fn values_at_run_time() {
    let scope = RuntimeScope {
        variables: vec![("a".to_owned(), "1".to_owned())],
        stage_dependencies: vec![(
            "build".to_owned(),
            vec![dependency("job", Outcome::Succeeded, false)],
        )],
        counter: Some(Counter(std::sync::Arc::new(|_, seed| seed + 1))),
        ..RuntimeScope::default()
    };
    for (text, expected) in [
        ("plain $[x", "plain $[x"),
        ("$[ format('{0}!', variables.a) ]", "1!"),
        ("$[stageDependencies.build.job.outputs['make.id']]", "42"),
        ("$[counter('x', 7)]", "8"),
        ("$[variables['none']]", ""),
    ] {
        assert_eq!(runtime_value(text, &scope).as_deref(), Ok(expected), "{text}");
    }
    assert!(runtime_value("$[variables]", &scope).is_err());
}

#[test]
fn macros_are_filled_in_once() {
    let lookup = |name: &str| match name {
        "a" => Some("1".to_owned()),
        "b" => Some("$(a)".to_owned()),
        _ => None,
    };
    for (text, expected) in [
        ("$(a) and $(b)", "1 and $(a)"),
        ("$(none) $( $(a)", "$(none) $( 1"),
        ("echo $(date +%s) $(a)", "echo $(date +%s) 1"),
        ("$((1+2)) $$(a)", "$((1+2)) $1"),
    ] {
        assert_eq!(expand_macros(text, &lookup), expected);
    }
    let own = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let variables = own(&[("a", "1"), ("b", "$(A)$(b)"), ("c", "$(b)")]);
    assert_eq!(
        expand_variables(&variables),
        own(&[("a", "1"), ("b", "1$(b)"), ("c", "1$(b)")])
    );
}

#[test]
fn names_in_the_environment() {
    assert_eq!(environment_name("Build.SourceBranch"), "BUILD_SOURCEBRANCH");
    assert_eq!(environment_name("my var-x"), "MY_VAR-X");
}

#[test]
fn a_matrix_from_json() {
    let legs = matrix_from_json(r#"{"a": {"x": 1, "y": true}}"#).unwrap();
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(legs[0].variables, [own("x", "1"), own("y", "True")]);
    assert!(matrix_from_json("[]").is_err());
}
