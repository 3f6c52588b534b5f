"""Texts with their secrets marked in place: what stands between ⟦ and ⟧ is one, and §…§ is drawn anew for each text.

`§A32§` is 32 letters and digits, `§h40§` hexadecimal, `§pw§` a password, `§b64:…§` base64 of what follows; ALPHABETS and
`drawn` have the rest. `§h32=x§` is drawn once and is the same wherever the text has it.
"""

import re

from .case import CASES, Case, values
from .values import ALNUM, BASE64, DIGITS, HEX, LOWER, UPPER, URLSAFE, b64

ALPHABETS = {
    "A": ALNUM, "b": BASE64, "u": URLSAFE, "h": HEX, "H": HEX.upper(), "d": DIGITS, "l": LOWER, "a": LOWER + DIGITS,
    "U": UPPER + "234567", "N": UPPER + DIGITS, "c": UPPER + LOWER,
}


def drawn(v, spec):
    """What a name between § stands for."""
    if length := re.fullmatch(r"([a-zA-Z])(\d+)", spec):
        return v.chars(ALPHABETS[length[1]], int(length[2]))
    kind, _, rest = spec.partition(":")
    raw = re.fullmatch(r"raw(\d+)", spec)
    if raw:
        size = int(raw[1])
        return v.chars(BASE64, -(-size * 4 // 3)) + "=" * (-size % 3)
    return {
        "b64": lambda: b64(fill(v, rest.replace("¤", "§"))),
        "pem": lambda: v.pem(rest),
        "pemj": lambda: v.pem(rest).replace("\n", "\\n") + "\\n",
        "pem4": lambda: v.pem(rest).replace("\n", "\n    "),
        "pw": lambda: v.password(signs="!#%*"),
        "pwa": lambda: v.password(14, signs=""),
        "pass": v.passphrase,
        "uuid": v.uuid,
        "jwt": v.jwt,
        "card": v.card,
        "ssn": v.ssn,
        "iban": v.iban,
        "email": v.email,
        "phone": v.phone,
        "bcrypt": lambda: "$2b$12$" + v.chars(ALNUM + "./", 53),
        "sha512crypt": lambda: f"$6${v.chars(ALNUM, 16)}${v.chars(ALNUM + './', 86)}",
        "argon": lambda: f"$argon2id$v=19$m=65536,t=3,p=4${v.chars(ALNUM, 22)}${v.chars(ALNUM, 43)}",
        "scram": lambda: f"SCRAM-SHA-256$4096:{drawn(v, 'raw16')}${drawn(v, 'raw32')}:{drawn(v, 'raw32')}",
    }[kind]()


def fill(v, text, named=None):
    named = {} if named is None else named

    def one(match):
        spec, _, name = match[1].partition("=") if not match[1].startswith("b64:") else (match[1], "", "")
        if not name:
            return drawn(v, spec)
        if name not in named:
            named[name] = drawn(v, spec)
        return named[name]

    return re.sub("§([^§]+)§", one, text)


def S(spec):
    """A secret of a cell."""
    return f"⟦{V(spec)}⟧"


def V(spec):
    return spec if "§" in spec else f"§{spec}§"


def bare(cell):
    return re.sub("[⟦⟧]", "", cell)


def table(columns, rows, foot=True):
    """As psql aligns it; laid out when its cells are filled."""

    def lay_out(v):
        cells = [[fill(v, cell) for cell in row] for row in rows]
        wide = [max(len(bare(c)) for c in [name] + [row[n] for row in cells]) for n, name in enumerate(columns)]

        def middle(text, width):
            left = (width - len(text)) // 2
            return " " * left + text + " " * (width - len(text) - left)

        out = " " + " | ".join(middle(c, wide[n]) for n, c in enumerate(columns)) + " \n"
        out += "+".join("-" * (width + 2) for width in wide) + "\n"
        for row in cells:
            padded = []
            for n, cell in enumerate(row):
                pad = " " * (wide[n] - len(bare(cell)))
                padded.append(pad + cell if re.fullmatch(r"\d{1,7}", bare(cell)) else cell + pad)
            out += " " + " | ".join(padded) + " \n"
        return out + (f"({len(rows)} row{'s' if len(rows) > 1 else ''})\n\n" if foot else "")

    return lay_out


def record(fields):
    """As psql expands it."""
    wide = max(len(name) for name, _ in fields)
    rows = "".join(f"{name:<{wide}} | {value}\n" for name, value in fields)
    return "-[ RECORD 1 ]" + "-" * max(1, wide - 11) + "+" + "-" * 20 + "\n" + rows + "\n"


def text(kind, marked):
    """Adds a text; how many of its kind there were before is a part of its seed."""
    v = values(kind, sum(case.kind == kind for case in CASES))
    filled = marked(v) if callable(marked) else fill(v, marked)
    case = Case(kind, "session", bare(filled))
    at = start = 0
    for part in re.split("([⟦⟧])", filled):
        if part == "⟦":
            start = at
        elif part == "⟧":
            case.spans.append([start, at])
        else:
            at += len(part)
    CASES.append(case)
