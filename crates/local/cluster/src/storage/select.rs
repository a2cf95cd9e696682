use std::sync::Arc;

use super::object::{Object, ObjectName};

/// Which objects of a table are wanted.
pub(crate) struct Select<'a> {
    pub(crate) namespace: Option<&'a str>,
    /// The first of them.
    pub(crate) start: Option<&'a ObjectName>,
    /// How many at most.
    pub(crate) most: Option<usize>,
}

impl Select<'_> {
    /// Where to begin in the order of names.
    pub(super) fn first(&self) -> ObjectName {
        let begin = ObjectName::new(self.namespace.unwrap_or_default(), "");
        match self.start {
            Some(start) if *start > begin => start.clone(),
            _ => begin,
        }
    }
}

/// Objects that were found, and whether there are more.
pub(crate) struct Selected {
    /// At which this is the truth.
    pub(crate) revision: u64,
    pub(crate) objects: Vec<Arc<Object>>,
    /// The first object left out.
    pub(crate) next: Option<ObjectName>,
    /// How many were left out.
    pub(crate) left: usize,
}

impl Selected {
    pub(super) fn take<'a>(mut objects: impl Iterator<Item = &'a Arc<Object>>, most: Option<usize>) -> Self {
        let taken = objects
            .by_ref()
            .take(most.unwrap_or(usize::MAX))
            .cloned()
            .collect();
        let next = objects.next().map(|object| object.name.clone());
        Self {
            revision: 0,
            objects: taken,
            left: objects.count() + usize::from(next.is_some()),
            next,
        }
    }

    /// Leaves out what is more than so many.
    pub(crate) fn cut(&mut self, most: usize) {
        if self.objects.len() > most {
            let rest = self.objects.split_off(most);
            self.next = rest.first().map(|object| object.name.clone());
            self.left = rest.len();
        }
    }
}
