//! Settings that a connection begins with: PGOPTIONS, and `options` of a connection string.

use super::variables::boolean;

/// `-c name=value` and `--name=value`, names as the server knows them: any case, `_` for `-` (postgres(1)). `None` where
/// other options of the server stand among them.
pub fn settings(options: &str) -> Option<Vec<(String, String)>> {
    let mut words = split(options).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(setting), _) => setting.to_owned(),
            (None, Some("")) => words.next()?,
            (None, Some(setting)) => setting.to_owned(),
            (None, None) => return None,
        };
        let (name, value) = setting.split_once('=')?;
        settings.push((name.replace('-', "_").to_ascii_lowercase(), value.to_owned()));
    }
    Some(settings)
}

/// Whether a backslash escapes in plain strings from the beginning on.
pub fn escapes(options: &str) -> bool {
    let settings = settings(options).unwrap_or_default();
    let said = settings.iter().rfind(|(name, _)| name == "standard_conforming_strings");
    said.is_some_and(|(_, value)| boolean(value.as_bytes()) == Some(false))
}

/// Words between white space; a backslash keeps the letter behind it as it is (pg_split_opts of the server).
fn split(options: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut letters = options.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => word.get_or_insert_default().extend(letters.next()),
            letter if letter.is_ascii_whitespace() => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// A list of names as search_path has it; `None` where quotes are in it.
#[cfg(feature = "reading")]
pub fn names(list: &str) -> Option<Vec<String>> {
    let names = list.split(',').map(|name| name.trim().to_ascii_lowercase());
    (!list.contains('"')).then(|| names.collect())
}

#[cfg(all(test, feature = "reading"))]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_in_each_spelling() {
        let found = |options: &str| {
            let pairs = settings(options)?;
            Some(pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(";"))
        };
        for (options, expect) in [
            ("-c search_path=a,b", Some("search_path=a,b")),
            ("-csearch_path=a --Work-Mem=2MB", Some("search_path=a;work_mem=2MB")),
            (r"-c role=a\ b", Some("role=a b")),
            (r"-c se\arch_path=x", Some("search_path=x")),
            ("", Some("")),
            ("-c", None),
            ("-E", None),
            ("-d 5 -c role=x", None),
        ] {
            assert_eq!(found(options).as_deref(), expect, "{options}");
        }
        assert_eq!(names("a, B"), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(names("\"A\""), None);
    }
}
