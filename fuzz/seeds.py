#!/usr/bin/env python3
"""Writes the first inputs of every target into fuzz/corpus, from the project's own tables of cases.

A reader's input has the sections that fuzz/src/lib.rs describes, joined by a byte 0xff.
"""
import pathlib
import shlex
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Contents for the files that lines name: one of each kind that a reader looks into.
FILES = [
    b"apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web, namespace: shop}\n",
    b"select 1; \\copy (delete from t returning *) to 'out'\n\\if :x\n\\! id\n\\endif\n",
    b'url = "http://h.example/{a,b}[1-3]"\ndata @body.json\nnext\noutput=x\n',
    b"[alias]\n\tst = !sh -c 'git status'\n[include]\n\tpath = other\n[remote \"o\"]\n\tpushurl = ext::sh\n",
]

# What `git config --list -z --show-scope` prints; the other tools are asked for nothing so long.
ANSWER = b"local\0remote.origin.url\nhttps://host.example/r\0global\0alias.x\npush -f\0"


def seed(tool, line):
    """The sections of the input that a line is, where it is one of the tool's."""
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    if tool not in words:
        return None
    at = words.index(tool)
    head = ["\n".join(words[at + 1 :]).encode(), "\n".join(words[:at]).encode(), FILES[1], ANSWER]
    return b"\xff".join(head + FILES)


def main():
    for tool in ["git", "kubectl", "psql", "curl"]:
        folder = ROOT / "fuzz/corpus" / tool
        folder.mkdir(parents=True, exist_ok=True)
        lines = [line for cases in sorted((ROOT / "src/tools" / tool / "cases").glob("*.txt")) for line in cases.open()]
        seeds = [found for line in lines if (found := seed(tool, line))]
        if len(seeds) < 30:
            sys.exit(f"{tool} has {len(seeds)} lines in its cases: their form has changed")
        for number, text in enumerate(seeds):
            (folder / f"case-{number:04}").write_bytes(text)
        print(f"{tool}: {len(seeds)} seeds")
    (ROOT / "fuzz/corpus/redact").mkdir(exist_ok=True)


main()
