#!/usr/bin/env python3
"""Makes corpus.jsonl and sessions.jsonl anew: every text by the real tool that prints it, from fixed seeds (eight hold what
a tool rolled itself: nonces, an order of keys). Run it where kubectl, psql and
PostgreSQL, curl, git, node, go, openssl and PyYAML are; the result is kept, so that a test needs none of them."""

import json
import pathlib
import sys

from makers import (callers, consoles, desks, dotfiles, everyday, files, forms, harmless, issuers, kubernetes, matrix, network,
                    outposts, people, plain, postgres, programs, rounds, runs, seldom, servers, sessions, stays, tempting,
                    terminals, workshop)
from makers.case import CASES

FILES = {
    "corpus.jsonl": (kubernetes, postgres, network, files, dotfiles, programs, people, harmless, issuers, terminals, consoles),
    "sessions.jsonl": (sessions, tempting, runs, forms, servers, everyday, plain, desks, workshop, outposts, matrix, seldom,
                       rounds, stays, callers),
}
number = 0
for name, makers in FILES.items():
    first = len(CASES)
    for maker in makers:
        before = len(CASES)
        maker.make()
        print(f"{maker.__name__}: {len(CASES) - before}", file=sys.stderr)
    with open(pathlib.Path(__file__).with_name(name), "w", encoding="utf-8") as out:
        for number, case in enumerate(CASES[first:], number + 1):
            out.write(json.dumps(case.record(number), ensure_ascii=False) + "\n")
