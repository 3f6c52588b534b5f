"""What psql prints, in each of its formats, from a cluster made for it."""

import os
import shutil
import subprocess
import tempfile

from .case import add, values
from .values import TOKENS

FORMATS = [
    ["-P", "format=aligned"], ["-P", "format=aligned", "-P", "border=0"], ["-P", "format=aligned", "-P", "border=2"],
    ["-P", "linestyle=unicode"], ["-P", "linestyle=unicode", "-P", "border=2"], ["-P", "linestyle=old-ascii"],
    ["-x"], ["-x", "-P", "border=0"], ["-x", "-P", "border=2"], ["-x", "-P", "linestyle=unicode"],
    ["--csv"], ["--csv", "-x"], ["-A"], ["-A", "-x"], ["-A", "-F", ","], ["-A", "-F", "\t"],
    ["-P", "format=wrapped", "-P", "columns=44"], ["-P", "format=html"], ["-P", "format=latex"], ["-P", "format=asciidoc"],
    ["-P", "format=troff-ms"], ["-H", "-x"],
]


class Psql:
    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        os.chmod(self.folder, 0o777)
        self.data = os.path.join(self.folder, "data")
        bin_dir = os.path.dirname(shutil.which("initdb", path=os.environ["PATH"] + "".join(f":/usr/lib/postgresql/{v}/bin" for v in range(18, 12, -1))))
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
        run = lambda *a: subprocess.run(user + list(a), check=True, stdout=subprocess.DEVNULL, cwd=self.folder)
        run(f"{bin_dir}/initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C.UTF-8")
        self.stop = lambda: run(f"{bin_dir}/pg_ctl", "-D", self.data, "-m", "immediate", "stop")
        run(f"{bin_dir}/pg_ctl", "-D", self.data, "-w", "-l", f"{self.folder}/log", "-o", f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off", "start")
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __call__(self, sql, *options):
        run = subprocess.run(["psql", "-X", "-h", self.folder, "-U", "postgres", "-d", "postgres", *options], input=sql, text=True, capture_output=True,
                             env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"})
        if "ERROR" in run.stderr:
            raise RuntimeError(run.stderr)
        return run.stdout


def literal(value):
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def select(columns, rows):
    names = ", ".join(f'"{c}"' for c in columns)
    return f"SELECT * FROM (VALUES {', '.join('(' + ', '.join(map(literal, row)) + ')' for row in rows)}) AS t ({names});\n"


def pieces(text, value):
    """A value that a wrapped cell shows in parts."""
    parts, at = [], 0
    while value:
        size = next((n for n in range(len(value), 0, -1) if text.find(value[:n], at) >= 0 and (n == len(value) or n >= 4)), 0)
        if not size:
            raise ValueError(f"{value!r} is not in {text!r}")
        parts.append(value[:size])
        at = text.find(value[:size], at) + size
        value = value[size:]
    return parts


def shown(text, value, options):
    """A value as a format writes it."""
    if "format=html" in options or "-H" in options:
        value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    if "format=latex" in options:
        for sign in "&%$_#{}":
            value = value.replace(sign, "\\" + sign)
        value = value.replace("^", "\\^{}")
    return pieces(text, value) if "format=wrapped" in options else [value]


def tables(psql):
    for n, options in enumerate(FORMATS * 3):
        v = values("psql", n)
        style = n % 3 if n < len(FORMATS) else (n + n // len(FORMATS)) % 4
        if style == 0:
            columns, rows, at = ["id", "login", "password", "created"], [[i + 1, v.name().lower(), v.password(signs="!*"), "2025-11-03"] for i in range(2)], [2]
        elif style == 1:
            kind = v.pick([k for k in TOKENS if len(v.token(k)) < 60])
            columns, rows, at = ["service", "api_token", "token_count"], [[v.word(), v.token(kind), 40], ["none", None, 0]], [1]
        elif style == 2:
            columns, rows, at = ["id", "email", "phone", "secret_santa"], [[i, v.email(), v.phone(), v.word()] for i in range(2)], [1, 2]
        else:
            columns, rows, at = ["username", "client_secret", "password_changed_at"], [[v.name(), v.passphrase(), "2025-11-03 10:00:00"], [v.name(), v.secret(20), "2024-01-02 03:04:05"]], [1]
        out = psql(select(columns, rows), *options)
        found = [part for row in rows for i in at if row[i] for part in shown(out, row[i], options)]
        add("psql-" + "-".join(o.strip("-").replace("format=", "") for o in options if o not in ("-P", "\t")), "psql", out, *found)
    for n, options in enumerate([[], ["--csv"], ["-x"], ["-P", "border=2"], ["-P", "linestyle=unicode"], ["-A"]]):
        v = values("psql-lines", n)
        key = v.pem("EC PRIVATE KEY", 3)
        out = psql(select(["name", "private_key", "state"], [["web", key, "on"], ["old", None, "off"]]), *options)
        add("psql-multi-line", "psql", out, *key.split("\n"))
        words = [v.password(), v.password()]
        out = psql(select(["name", "secret"], [["web", "\n".join(words)]]), *options)
        add("psql-multi-line", "psql", out, *words)
    for n in range(6):
        v = values("psql-settings", n)
        key, word = [("smtp_password", v.password()), ("stripe_secret_key", v.token("stripe-secret")), ("jwt_secret", v.secret(40)), ("ldap_bind_pw", v.password()), ("admin_passphrase", v.passphrase()), ("oauth_client_secret", v.secret(30))][n]
        rows = [["site_name", "shop"], [key, word], ["max_items", "40"], ["password_policy", "strict"]]
        add("psql-settings", "psql", psql(select(["key", "value"], rows), *[[], ["--csv"], ["-A"], ["-P", "border=2"], ["-x"], []][n]), word)


def roles(psql):
    v = values("psql-roles")
    word = v.password(signs="")
    psql(f"SET password_encryption = 'md5'; CREATE ROLE old PASSWORD 'md5{v.hex(32)}'; CREATE ROLE app LOGIN PASSWORD 'SCRAM-SHA-256$4096:{v.chars('ABCDEFGHabcdefgh0123', 22)}==${v.chars('ABCDabcd0123', 43)}=:{v.chars('ABCDabcd0123', 43)}=';")
    for options in [[], ["-x"], ["--csv"], ["-At"]]:
        query = "SELECT rolname, rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL ORDER BY 1;"
        hashes = psql("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL;", "-At").split()
        add("psql-hashes", "psql", psql(query, *options), *hashes)
    out = psql(f"ALTER ROLE app PASSWORD '{word}'; CREATE ROLE more LOGIN PASSWORD '{word}';", "-a")
    add("psql-echo", "psql", out, word)
    options = f"host=db.example port=5432 dbname=app user=repl password={word}"
    out = psql(f"CREATE SUBSCRIPTION s CONNECTION '{options}' PUBLICATION p WITH (connect = false); SELECT subname, subconninfo FROM pg_subscription;", "-a")
    add("psql-subscription", "psql", out, word)
    word = v.password(signs="")
    out = psql(f"CREATE EXTENSION IF NOT EXISTS postgres_fdw; CREATE SERVER s2 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'db'); CREATE USER MAPPING FOR postgres SERVER s2 OPTIONS (user 'bob', password '{word}'); SELECT usename, umoptions FROM pg_user_mappings;\n\\deu+\n", "-a")
    add("psql-user-mapping", "psql", out, word)


def harmless(psql):
    plain = [
        (["id", "token_count", "secret_santa", "password_changed_at"], [[1, 4096, "Dora", "2025-11-03 10:00:00"], [2, 17, "Jun", "2024-01-02 03:04:05"]]),
        (["key", "value"], [["password_policy", "strict"], ["token_ttl", "3600"], ["session_timeout", "30 min"], ["password_min_length", "12"]]),
        (["order_no", "phone_model", "amount"], [["2025-110-3371", "X100", "12.50"], ["373100514472501", "Z9", "8.00"]]),
        (["table_name", "column_name", "data_type"], [["users", "password", "text"], ["users", "email", "text"], ["api", "token", "character varying(64)"]]),
        (["id", "password", "note"], [[1, None, "never set"], [2, "", "empty"]]),
        (["sha", "size"], [["ef5d7c0b24a8e4dc69fa2362907b6bc9251aa904", 10], ["2465d626e4bdc6a5329782f28b683168ef8a89b1", 22]]),
    ]
    for n, options in enumerate([[], ["-x"], ["--csv"], ["-A"], ["-P", "border=2"], ["-P", "linestyle=unicode"], ["-H"], ["-P", "border=0"]]):
        for k, (columns, rows) in enumerate(plain):
            if (n + k) % 2 == 0 or n == 0:
                add("psql-plain", "harmless", psql(select(columns, rows), *options))
    psql("CREATE TABLE users (id int PRIMARY KEY, login text, password text NOT NULL, api_token text, email text);")
    for line in ["\\d users", "\\dt", "\\du", "EXPLAIN SELECT password FROM users WHERE email = login;", "SHOW password_encryption;", "\\l", "SELECT now()::date - date '2020-01-01' AS days;"]:
        add("psql-catalogue", "harmless", psql(line + "\n"))


def make():
    with Psql() as psql:
        tables(psql)
        roles(psql)
        harmless(psql)
