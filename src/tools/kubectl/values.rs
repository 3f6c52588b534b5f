//! What the values of options must be, so that kubectl goes on: numbers, times, formats, names of images and of profiles
//! (kubectl's source, 1.32: the types of its flags, and each command's Complete and Validate).

use super::options::Line;
use super::selector::is_selector;

/// The first value that kubectl would not take.
pub(super) fn of(line: &Line) -> Option<&'static str> {
    typed(line).or_else(|| chosen(line)).or_else(|| output(line)).or_else(|| pictured(line))
}

fn given(line: &Line, long: &str) -> bool {
    line.value(long).is_some_and(|value| !value.is_empty())
}

/// Options that pflag reads as numbers and as Go's durations.
fn typed(line: &Line) -> Option<&'static str> {
    const NUMBERS: [&str; 17] = [
        "replicas",
        "current-replicas",
        "grace-period",
        "tail",
        "limit-bytes",
        "max-log-requests",
        "chunk-size",
        "revision",
        "to-revision",
        "min",
        "max",
        "retries",
        "cpu-percent",
        "node-port",
        "concurrency",
        "skip-wait-for-delete-timeout",
        "v",
    ];
    const DURATIONS: [&str; 6] =
        ["pod-running-timeout", "timeout", "since", "duration", "keepalive", "log-flush-frequency"];
    let bad = |longs: &[&str], is: fn(&str) -> bool| longs.iter().any(|long| line.every(long).iter().any(|v| !is(v)));
    let is_number = |text: &str| number(text).is_some();
    // Of other commands these are text, which is looked into later.
    let own: &[&str] = match line.command.path.as_slice() {
        ["create", "priorityclass"] => &["value"],
        ["create", "deployment"] | ["proxy"] => &["port"],
        ["run"] if given(line, "port") => &["port"],
        _ => &[],
    };
    let wrong = bad(&NUMBERS, is_number) || bad(own, is_number) || bad(&DURATIONS, is_duration);
    let is_timeout = |text: &str| text.parse::<i64>().is_ok_and(|n| n >= 0) || text.is_empty() || is_duration(text);
    let timeout = line.value("request-timeout").is_some_and(|text| !is_timeout(text));
    (wrong || timeout).then_some("a number or a time is none")
}

/// Go's strconv.ParseInt in base 0, as pflag calls it: `-1`, `0x1F`, `0b1`, `010` is 8, `1_000`. Which underscores Go would not
/// have is not looked at.
pub(super) fn number(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let other = digits.strip_prefix('0').filter(|rest| !rest.is_empty());
    let (radix, digits) = match other.map(|rest| (rest.as_bytes()[0].to_ascii_lowercase(), rest)) {
        Some((b'x', rest)) => (16, &rest[1..]),
        Some((b'o', rest)) => (8, &rest[1..]),
        Some((b'b', rest)) => (2, &rest[1..]),
        Some((_, rest)) => (8, rest),
        None => (10, digits),
    };
    let digits = digits.replace('_', "");
    let plain = digits.chars().all(|c| c.is_ascii_alphanumeric()) && !text.starts_with('_');
    i64::from_str_radix(&digits, radix).ok().filter(|_| plain).map(|number| sign * number)
}

/// Go's time.ParseDuration: seconds.
pub(super) fn duration(text: &str) -> Option<f64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0.0);
    }
    const UNITS: [(&str, f64); 8] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let mut sum = None;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let digits = &rest[..rest.len() - unit.len()];
        let known = UNITS.iter().filter(|(name, _)| unit.starts_with(name)).max_by_key(|(name, _)| name.len());
        let (name, each) = known?;
        if !digits.contains(|c: char| c.is_ascii_digit()) || digits.matches('.').count() > 1 {
            return None;
        }
        sum = Some(
            sum.unwrap_or(0.0)
                + sign
                    * each
                    * format!("0{digits}0")
                        .parse::<f64>()
                        .ok()
                        .filter(|_| digits.contains('.'))
                        .or_else(|| digits.parse().ok())?,
        );
        rest = &unit[name.len()..];
    }
    sum
}

fn is_duration(text: &str) -> bool {
    duration(text).is_some()
}

/// Values out of a list, and times and counts out of a range.
fn chosen(line: &Line) -> Option<&'static str> {
    let one_of = |long: &str, known: &[&str]| line.value(long).is_none_or(|value| known.contains(&value));
    let path = line.command.path.as_slice();
    let truth = ["1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"];
    let cascades = ["orphan", "foreground", "background"];
    match path {
        ["delete" | "apply" | "replace" | "run"] if !one_of("cascade", &[&truth[..], &cascades].concat()) => {
            Some("the kind of cascade is unknown")
        }
        _ if !one_of("validate", &[&truth[..], &["strict", "warn", "ignore"]].concat()) => {
            Some("the kind of validation is unknown")
        }
        ["debug"] if !one_of("profile", &["legacy", "general", "baseline", "restricted", "netadmin", "sysadmin"]) => {
            Some("the profile is unknown")
        }
        ["debug"] if !one_of("image-pull-policy", &["", "Always", "IfNotPresent", "Never"]) => {
            Some("the pull policy is unknown")
        }
        ["debug"] if !["env", "set-image"].iter().flat_map(|long| line.every(long)).all(|text| is_map(line, &text)) => {
            Some("something is not KEY=VALUE")
        }
        ["debug"]
            if !line.values("set-image").iter().filter_map(|text| text.split_once('=')).all(|(_, of)| is_image(of)) =>
        {
            Some("the image's name is none")
        }
        ["exec" | "attach" | "port-forward" | "logs" | "run"] | ["cluster-info", "dump"]
            if line.value("pod-running-timeout").and_then(duration).is_some_and(|time| time <= 0.0) =>
        {
            Some("--pod-running-timeout is no time at all")
        }
        ["top", _] if !one_of("sort-by", &["", "cpu", "memory"]) => Some("--sort-by is cpu or memory"),
        ["scale"] if line.value("current-replicas").and_then(number).is_some_and(|n| n < -1) => {
            Some("--current-replicas is no count")
        }
        ["rollout", "status" | "history"] if line.value("revision").is_some_and(|n| n.starts_with('-')) => {
            Some("--revision is no revision")
        }
        ["logs"] if given(line, "since-time") && !line.value("since-time").is_some_and(is_time) => {
            Some("--since-time is no time")
        }
        ["drain"] if line.value("pod-selector").is_some_and(|text| !is_selector(text)) => {
            Some("--pod-selector is none")
        }
        _ if path != ["debug"]
            && !one_of("profile", &["none", "cpu", "heap", "goroutine", "threadcreate", "block", "mutex"]) =>
        {
            Some("what to profile is unknown")
        }
        _ => None,
    }
}

/// pflag's StringToString: one pair, or a record of several.
fn is_map(line: &Line, text: &str) -> bool {
    match text.matches('=').count() {
        0 => false,
        1 => true,
        _ => line.split(text).iter().all(|pair| pair.contains('=')),
    }
}

/// An amount, as far as apimachinery's own pattern goes: `1`, `100m`, `1.5Gi`.
pub(super) fn is_quantity(text: &str) -> bool {
    let digits = |c: char| c.is_ascii_digit();
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let unit = number.trim_start_matches(|c: char| digits(c) || c == '.');
    let exponent = unit.trim_start_matches(|c: char| "eEinumkKMGTP".contains(c));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    unit.len() < number.len() && number.contains(digits) && exponent.chars().all(digits)
}

/// RFC 3339, as far as it is never taken for anything else: `2024-01-01T00:00:00Z`.
fn is_time(text: &str) -> bool {
    text.len() >= 20
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.contains(['T', 't'])
        && text.contains(':')
        && (text.ends_with(['Z', 'z']) || text[10..].contains(['+', '-']))
}

/// Commands that look at `--output` before anything else. Others see that it is none when they have done what they do.
fn output(line: &Line) -> Option<&'static str> {
    let first = matches!(
        line.command.path.as_slice(),
        ["create" | "set", ..]
            | ["run" | "expose" | "annotate" | "replace" | "scale" | "wait" | "events"]
            | ["certificate", _]
            | ["auth", "reconcile" | "whoami"]
            | ["cluster-info", "dump"]
            | ["rollout", "history"]
            | ["apply", "set-last-applied"]
    );
    (first && !line.value("output").is_none_or(|form| prints(line, form))).then_some("the output has no such format")
}

/// genericclioptions.PrintFlags: what `-o` may be; a template is attached, or given by `--template`.
pub(super) fn prints(line: &Line, form: &str) -> bool {
    const TEMPLATES: [&str; 7] = [
        "go-template",
        "go-template-file",
        "template",
        "templatefile",
        "jsonpath",
        "jsonpath-as-json",
        "jsonpath-file",
    ];
    let (name, template) = form.split_once('=').map_or((form, None), |(name, template)| (name, Some(template)));
    match template {
        _ if TEMPLATES.contains(&name) => template.is_some_and(|text| !text.is_empty()) || given(line, "template"),
        Some(_) => false,
        None => matches!(name.to_ascii_lowercase().as_str(), "" | "json" | "yaml" | "kyaml" | "name"),
    }
}

/// The names of images, and what `run` is given beside.
fn pictured(line: &Line) -> Option<&'static str> {
    let path = line.command.path.as_slice();
    if !matches!(path, ["run" | "debug"]) {
        return None;
    }
    if line.value("image").is_some_and(|image| !image.is_empty() && !is_image(image)) {
        return Some("the image's name is none");
    }
    let labels = line.value("labels").filter(|text| !text.is_empty() && path == ["run"]);
    let is_label = |label: &str| label.matches('=').count() == 1 && !label.starts_with('=');
    (!labels.is_none_or(|text| text.split(',').all(is_label))).then_some("a label is none")
}

/// The reference of an image (distribution/reference): `[domain/]path[:tag][@digest]`.
fn is_image(text: &str) -> bool {
    let (text, digest) = text.split_once('@').map_or((text, None), |(text, digest)| (text, Some(digest)));
    if digest.is_some_and(|digest| !digest.contains(':') || digest.contains(char::is_whitespace)) {
        return false;
    }
    let (name, tag) = match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (text, None),
    };
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_tag =
        |tag: &str| tag.starts_with(word) && tag.len() <= 128 && tag.chars().all(|c| word(c) || ".-".contains(c));
    let is_path = |part: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(inner) && part.ends_with(inner) && part.chars().all(|c| inner(c) || "._-".contains(c))
    };
    let is_domain = |part: &str| {
        let host = part.split_once(':').map_or(part, |(host, _)| host);
        part.starts_with('[')
            || host.starts_with(|c: char| c.is_ascii_alphanumeric())
                && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))
    };
    let parts: Vec<&str> = name.split('/').collect();
    let (first, rest) = match parts.as_slice() {
        [first, rest @ ..] => (*first, rest),
        [] => return false,
    };
    tag.is_none_or(is_tag)
        && (is_path(first) || !rest.is_empty() && is_domain(first))
        && rest.iter().all(|part| is_path(part))
}

#[cfg(test)]
mod tests {
    use super::{duration, is_duration, is_image, is_time, number};

    #[test]
    fn an_image_is_named_as_registries_have_it() {
        for name in
            ["nginx", "nginx:1.27", "k8s.gcr.io/pause:3.9", "localhost:5000/a/b_c", "a@sha256:00", "X.io/a", "a__b"]
        {
            assert!(is_image(name), "{name}");
        }
        for name in ["", "A B", "Nginx", "a:", "a/", "/a", "a:b c", "a@x", "-a", "a/B"] {
            assert!(!is_image(name), "{name}");
        }
    }

    #[test]
    fn numbers_are_gos() {
        for (text, value) in [
            ("0", 0),
            ("-1", -1),
            ("+5", 5),
            ("010", 8),
            ("0x1F", 31),
            ("0B1", 1),
            ("0o7", 7),
            ("1_000", 1000),
            ("-0x2", -2),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        for text in ["", "-", "x", "1a", "1.5", "0xg", "_1", " 1", "1s", "08", "--1", "0x", "+-1"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_gos() {
        assert!(["0", "1s", "1h2m", "-1.5h", "+3ms"].iter().all(|text| is_duration(text)));
        assert!(["", "1", "s", "1x", "1.2.3s"].iter().all(|text| !is_duration(text)));
        assert_eq!(duration("1m.5s"), Some(60.5));
        assert!(is_time("2024-01-01T00:00:00Z") && is_time("2024-01-01T00:00:00+02:00") && !is_time("frob"));
    }
}
