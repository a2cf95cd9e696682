use std::error::Error;

/// An error with its causes on one line; a cause that the words before repeat is left out.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut words = error.to_string();
    for cause in causes(error) {
        let text = cause.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
    }
    words
}

/// What is really wrong, without the layers that passed it on.
#[must_use]
pub fn innermost(error: &dyn Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// The causes of an error, from its own to the innermost.
fn causes(error: &dyn Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl std::fmt::Display for Layer {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|it| it as &(dyn Error + 'static))
        }
    }

    #[test]
    fn causes_are_told_once() {
        let check = |layers: &[&'static str], whole: &str, inner: &str| {
            let mut error: Option<Box<Layer>> = None;
            for words in layers.iter().rev() {
                error = Some(Box::new(Layer(words, error)));
            }
            let error = error.unwrap();
            assert_eq!(with_causes(&error), whole);
            assert_eq!(innermost(&error), inner);
        };
        check(&["no answer"], "no answer", "no answer");
        check(
            &["no answer", "connection lost", "reset by peer"],
            "no answer: connection lost: reset by peer",
            "reset by peer",
        );
        check(
            &["no answer: reset by peer", "reset by peer"],
            "no answer: reset by peer",
            "reset by peer",
        );
    }
}
