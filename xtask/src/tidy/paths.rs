//! Keeps the paths of the API apart.

use std::collections::BTreeSet;

use local::template::{Template, Trigger};

/// Checks that no request matches two paths.
pub(super) fn check(template: &Template, findings: &mut Vec<String>) {
    let triggers = template.functions.iter().flat_map(|it| &it.triggers);
    let paths = triggers.filter_map(|trigger| match trigger {
        Trigger::Route { path, .. } => Some(path.as_str()),
        _ => None,
    });
    overlaps(&paths.collect(), findings);
}

/// Of `/staff/{id}` and `/staff/roles`, a method that only the first has would reach it with the id `roles` and get a 404, where
/// the second should answer 405.
fn overlaps(paths: &BTreeSet<&str>, findings: &mut Vec<String>) {
    let all: Vec<&str> = paths.iter().copied().collect();
    for (index, one) in all.iter().enumerate() {
        for other in &all[index + 1..] {
            if overlap(one, other) {
                findings.push(format!(
                    "{one} and {other} match the same requests: put the parameter below a segment of its own"
                ));
            }
        }
    }
}

fn overlap(one: &str, other: &str) -> bool {
    let (one, other): (Vec<_>, Vec<_>) = (one.split('/').collect(), other.split('/').collect());
    let is_parameter = |segment: &str| segment.starts_with('{');
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| *one == other || is_parameter(one) || is_parameter(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_matches_one_path() {
        let found = |paths: &[&str]| {
            let mut findings = Vec::new();
            overlaps(&paths.iter().copied().collect(), &mut findings);
            findings.len()
        };
        assert_eq!(
            found(&["/v1/staff", "/v1/staff/{id}", "/v1/roles/{role}"]),
            0
        );
        assert_eq!(found(&["/v1/staff/{id}", "/v1/staff/roles"]), 1);
        assert_eq!(
            found(&["/v1/{kind}/a", "/v1/staff/{id}", "/v1/b/{id}/c"]),
            1
        );
        assert_eq!(found(&["/v1/staff/members/{id}", "/v1/staff/roles"]), 0);
    }
}
