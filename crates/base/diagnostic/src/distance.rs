/// Finds the candidate that the writer most likely meant, if one is close enough.
///
/// Close means: equal but for case, or at most a third of the longer word (and at least one edit) away.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (edits(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (word.chars().count().max(candidate.chars().count()) / 3).max(1)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in right.iter().enumerate() {
            let cost = usize::from(from != *to);
            let best = (diagonal + cost).min(row[column] + 1).min(row[column + 1] + 1);
            diagonal = row[column + 1];
            row[column + 1] = best;
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_close_and_nothing_else() {
        let fields = ["dbName", "dbUser", "location"];
        assert_eq!(nearest("dbname", fields), Some("dbName"));
        assert_eq!(nearest("dbNmae", fields), Some("dbName"));
        assert_eq!(nearest("params", fields), None);
    }
}
