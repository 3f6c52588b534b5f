#!/usr/bin/env python3
"""Makes corpus.jsonl anew: every text by the real tool that prints it, from fixed seeds (eight hold what
a tool rolled itself: nonces, an order of keys). Run it where kubectl, psql and
PostgreSQL, curl, git, node, go, openssl and PyYAML are; the result is kept, so that a test needs none of them."""

import json
import pathlib
import sys

from makers import consoles, dotfiles, files, harmless, issuers, kubernetes, network, people, postgres, programs, terminals
from makers.case import CASES

for maker in (kubernetes, postgres, network, files, dotfiles, programs, people, harmless, issuers, terminals,
              consoles):
    before = len(CASES)
    maker.make()
    print(f"{maker.__name__}: {len(CASES) - before}", file=sys.stderr)
with open(pathlib.Path(__file__).with_name("corpus.jsonl"), "w", encoding="utf-8") as out:
    for number, case in enumerate(CASES, 1):
        out.write(json.dumps(case.record(number), ensure_ascii=False) + "\n")
