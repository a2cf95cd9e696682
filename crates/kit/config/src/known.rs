//! Which keys there are, as a tree made of `known.txt`.

use std::sync::OnceLock;

/// What a key is known for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) shape: Option<Shape>,
    /// Pave acts on it.
    pub(crate) used: bool,
    pub(crate) secret: bool,
    /// Not a secret, although it stands among credentials.
    pub(crate) plain: bool,
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Number,
    Boolean,
    List,
    Map,
    Any,
}

/// A place in the tree of known keys.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) facts: Facts,
    children: Vec<(String, Known)>,
    /// Whatever is below is known.
    open: bool,
}

impl Known {
    /// The tree of all known keys.
    pub(crate) fn root() -> &'static Self {
        static ROOT: OnceLock<Known> = OnceLock::new();
        ROOT.get_or_init(|| parse(include_str!("known.txt")))
    }

    /// What is known below a key; `[]` stands for an item of a list.
    pub(crate) fn step(&self, part: &str) -> Option<&Self> {
        let named = |name: &str| {
            self.children
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, it)| it)
        };
        named(part).or_else(|| if part == "[]" { None } else { named("*") })
    }

    /// Whether anything may stand below, or nothing is known of what stands below.
    pub(crate) fn is_open(&self) -> bool {
        self.open || (self.children.is_empty() && self.facts.shape == Some(Shape::Any))
    }

    /// Whether Pave acts on it, or on anything below.
    pub(crate) fn is_used(&self) -> bool {
        self.facts.used || self.children.iter().any(|(_, child)| child.is_used())
    }

    /// Names of the keys below.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.children
            .iter()
            .map(|(key, _)| key.as_str())
            .filter(|key| !matches!(*key, "*" | "[]"))
    }

    /// What a value here has to be: what is said, or what follows from what stands below.
    pub(crate) fn shape(&self) -> Shape {
        match self.facts.shape {
            Some(shape) => shape,
            None if self.children.iter().any(|(key, _)| key == "[]") => Shape::List,
            None => Shape::Map,
        }
    }
}

fn parse(text: &str) -> Known {
    let mut root = Known::default();
    for line in text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let mut words = line.split_whitespace();
        let path = words.next().unwrap_or_default().replace("[]", ".[]");
        let mut place = &mut root;
        let mut whatever = false;
        for part in path.split('.') {
            if part == "**" {
                place.open = true;
                whatever = true;
                break;
            }
            let at = place
                .children
                .iter()
                .position(|(key, _)| key == part)
                .unwrap_or_else(|| {
                    place.children.push((part.to_owned(), Known::default()));
                    place.children.len() - 1
                });
            place = &mut place.children[at].1;
        }
        if whatever {
            continue;
        }
        for word in words {
            match word {
                "text" => place.facts.shape = Some(Shape::Text),
                "number" => place.facts.shape = Some(Shape::Number),
                "boolean" => place.facts.shape = Some(Shape::Boolean),
                "list" => place.facts.shape = Some(Shape::List),
                "map" => place.facts.shape = Some(Shape::Map),
                "any" => place.facts.shape = Some(Shape::Any),
                "used" => place.facts.used = true,
                "secret" => place.facts.secret = true,
                "plain" => place.facts.plain = true,
                _ => debug_assert!(false, "`{word}` means nothing in known.txt"),
            }
        }
    }
    root
}
