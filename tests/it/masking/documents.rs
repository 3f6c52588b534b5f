//! A document that was masked is still one: the corpus is read by real parsers before and after.

use std::io::Write as _;
use std::process::{Command, Stdio};

use portcullis::model::{Masking, Raw, Style};
use portcullis::redact::{MarkKey, Redactor, Settings};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    id: String,
    text: String,
}

fn styled(style: Style) -> Redactor {
    let sets = ["secrets".to_owned(), "pii".to_owned()];
    let masking = Masking { styles: [("*".to_owned(), style)].into(), ..Masking::default() };
    let redactor = Redactor::with(&Settings { sets: &sets, secrets: &[] }, &masking).unwrap();
    redactor.keyed(MarkKey::new(b"a key of a test, no secret"))
}

fn masked(text: &str, styled: &Redactor) -> String {
    let mut redactor = styled.again();
    let mut out = redactor.push(Raw(text.as_bytes().to_vec())).into_vec();
    out.extend(redactor.finish().0.into_vec());
    String::from_utf8(out).unwrap()
}

/// Reads JSON lines `[id, style, before, after]`; prints what could be read before and not after, and how many could.
const PARSERS: &str = r#"
import sys, json, csv, io
try:
    import yaml
    load = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
except ImportError:
    yaml = None
def as_json(text):
    return json.loads(text)
def as_json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line]
def as_yaml(text):
    documents = list(yaml.load_all(text, Loader=load))
    # A sentence with a colon and a line of code can be read, too.
    if len(text.splitlines()) < 2:
        raise ValueError("no document")
    if not any(isinstance(document, (dict, list)) for document in documents):
        raise ValueError("no document")
    return documents
def as_csv(text):
    rows = list(csv.reader(io.StringIO(text), strict=True))
    if len(rows) < 2 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("no table")
    return rows
def shape(value):
    if isinstance(value, dict):
        return {str(key): shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return None
counts = {}
for line in sys.stdin:
    name, style, before, after = json.loads(line)
    for read in [as_json, as_json_lines, as_csv] + ([as_yaml] if yaml else []):
        try:
            was = read(before)
        except Exception:
            continue
        counts[read.__name__] = counts.get(read.__name__, 0) + 1
        try:
            now = read(after)
        except Exception as error:
            print(name, style, read.__name__, str(error).replace("\n", " "), repr(after))
            continue
        if read is as_csv:
            if [len(row) for row in was] != [len(row) for row in now]:
                print(name, style, "csv: other cells", repr(after))
        elif read is not as_yaml and shape(was) != shape(now):
            print(name, style, read.__name__, "another shape", repr(after))
print(json.dumps(counts))
"#;

#[test]
fn json_yaml_and_csv_stay_what_they_are() {
    let corpus = include_str!("../../redaction/corpus.jsonl");
    let cases = corpus.lines().map(|line| serde_json::from_str::<Case>(line).unwrap());
    let mut input = Vec::new();
    let styles = [Style::Mark, Style::Fixed, Style::LastFour, Style::Format].map(|style| (style, styled(style)));
    for case in cases {
        for (style, redactor) in &styles {
            let after = masked(&case.text, redactor);
            serde_json::to_writer(&mut input, &(&case.id, style, &case.text, &after)).unwrap();
            input.push(b'\n');
        }
    }
    let mut python = Command::new("python3");
    python.args(["-c", PARSERS]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().expect("python3 reads the documents");
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let said = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
    writer.join().unwrap();
    let (broken, counts) = said.trim_end().rsplit_once('\n').unwrap_or(("", said.trim_end()));
    assert_eq!(broken, "", "{said}");
    let counts: std::collections::BTreeMap<String, usize> = serde_json::from_str(counts).unwrap();
    assert!(counts["as_json"] > 80 && counts["as_csv"] > 20, "{counts:?}");
}
