//! Label selectors, as far as they pick among the objects of manifests: `-l app=web` beside `-f`.

use std::collections::BTreeMap;

/// Whether a selector may pick an object with these labels. What is not understood may.
pub(super) fn may_match(selector: &str, labels: &BTreeMap<String, String>) -> bool {
    requirements(selector).iter().all(|requirement| holds(requirement.trim(), labels))
}

/// The parts between commas that stand outside parentheses.
fn requirements(selector: &str) -> Vec<&str> {
    let mut inside = false;
    selector
        .split(|c| {
            inside = (inside || c == '(') && c != ')';
            c == ',' && !inside
        })
        .collect()
}

fn holds(requirement: &str, labels: &BTreeMap<String, String>) -> bool {
    let value = |key: &str| labels.get(key.trim()).map(String::as_str);
    if let Some((key, wanted)) = requirement.split_once("!=") {
        return value(key) != Some(wanted.trim());
    }
    if let Some((key, wanted)) = requirement.split_once("==").or_else(|| requirement.split_once('=')) {
        return value(key) == Some(wanted.trim());
    }
    if let Some(key) = requirement.strip_prefix('!') {
        return value(key).is_none();
    }
    if let Some((left, set)) = requirement.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let mut words = left.split_whitespace();
        let (Some(key), operator) = (words.next(), words.next()) else { return true };
        let listed = value(key).is_some_and(|value| set.split(',').any(|one| one.trim() == value));
        return match operator {
            Some("in") => listed,
            Some("notin") => !listed,
            _ => true,
        };
    }
    let is_key = !requirement.contains(|c: char| c.is_whitespace() || "<>()".contains(c));
    !is_key || requirement.is_empty() || value(requirement).is_some()
}

#[cfg(test)]
mod tests {
    use super::may_match;

    #[test]
    fn a_selector_picks_as_apimachinery_does() {
        let labels = [("app", "web"), ("tier", "front")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        for (selector, expected) in [
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app!=web", false),
            ("other!=x", true),
            ("app", true),
            ("!app", false),
            ("app in (api, web),tier", true),
            ("app notin (api,web)", false),
            ("other", false),
            ("count > 3", true),
        ] {
            assert_eq!(may_match(selector, &labels), expected, "{selector}");
        }
    }
}
