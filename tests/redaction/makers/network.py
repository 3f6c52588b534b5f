"""What curl -v and git show of a connection: real runs against servers on the loopback."""

import http.server
import json
import os
import re
import subprocess
import tempfile
import threading

from .case import add, values
from .values import TOKENS, b64

ANSWER = {}


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = ANSWER.get("body", "ok\n").encode()
        challenged = "challenge" in ANSWER and "Authorization" not in self.headers
        self.send_response_only(401 if challenged else ANSWER.get("status", 200))
        for name, value in ANSWER.get("headers", []) + ([("WWW-Authenticate", ANSWER["challenge"])] if challenged else []):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


class Curl:
    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.home = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.home.cleanup()

    def run(self, *args, **answer):
        ANSWER.clear()
        ANSWER.update(answer)
        port = str(self.server.server_port)
        run = subprocess.run(["curl", "-sv", *[a.replace("@PORT@", port) for a in args]], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env={"PATH": os.environ["PATH"], "HOME": self.home.name})
        return re.sub(r"\bport \d+", "port 8080", run.stdout.replace("\r", "").replace(":" + port, ":8080"))


URL = "http://127.0.0.1:@PORT@/v1/x"


def requests(curl):
    kinds = list(TOKENS)
    for n in range(12):
        v = values("curl-bearer", n)
        kind = kinds[(n * 7 + 1) % len(kinds)]
        token = v.jwt() if n % 4 == 0 else v.token(kind)
        scheme = ["Bearer", "token", "Bearer", "bearer", "ApiKey", "Splunk"][n % 6]
        add("curl-authorization", "curl -v", curl.run("-H", f"Authorization: {scheme} {token}", URL), token)
    for n in range(4):
        v = values("curl-basic", n)
        word = v.password()
        proxy = ["-x", "http://127.0.0.1:@PORT@", "--proxy-user", f"bob:{word}", "http://api.example.com/"] if n % 2 else ["-u", f"bob:{word}", URL]
        add("curl-basic", "curl -v", curl.run(*proxy), b64(f"bob:{word}"))
    for n in range(4):
        v = values("curl-digest", n)
        out = curl.run("--digest", "-u", f"bob:{v.password()}", URL, challenge=f'Digest realm="api", nonce="{v.hex(32)}", qop="auth", algorithm={["MD5", "SHA-256"][n % 2]}')
        add("curl-digest", "curl -v", re.sub(r'cnonce="[^"]*"', 'cnonce="ZGVh"', out), re.search(r'\bresponse="([0-9a-f]+)"', out)[1])
    for n in range(2):
        v = values("curl-aws", n)
        key, secret, session = v.token("aws-access-key-id"), v.token("aws-secret-access-key"), v.token("aws-session-token")
        out = curl.run("--aws-sigv4", "aws:amz:eu-west-1:s3", "-u", f"{key}:{secret}", "-H", f"X-Amz-Security-Token: {session}", URL)
        add("curl-aws", "curl -v", out, key, session, re.search(r"Signature=([0-9a-f]+)", out)[1])
    headers = ["X-Api-Key", "Private-Token", "X-Auth-Token", "X-Vault-Token", "Api-Key", "X-Shopify-Access-Token", "DD-API-KEY", "X-Amz-Security-Token",
               "X-CSRF-Token", "Ocp-Apim-Subscription-Key", "X-Gitlab-Token", "CF-Access-Client-Secret"]
    for n, header in enumerate(headers):
        v = values("curl-header", n)
        word = v.secret(v.number(20, 40))
        add("curl-key-header", "curl -v", curl.run("-H", f"{header}: {word}", "-H", "Accept-Language: en", URL), word)
    for n in range(8):
        v = values("curl-cookie", n)
        session, other = v.secret(32), v.hex(40)
        name = ["sessionid", "connect.sid", "JSESSIONID", "_session", "auth", "__Host-sid", "PHPSESSID", "remember_token"][n]
        if n % 2:
            out = curl.run("-H", f"Cookie: {name}={session}; theme=dark; csrf={other}", URL)
            add("curl-cookie", "curl -v", out, session, other)
        else:
            sets = [("Set-Cookie", f"{name}={session}; Path=/; HttpOnly; Secure; SameSite=Lax"), ("Set-Cookie", f"refresh={other}; Max-Age=3600; Expires=Wed, 21 Oct 2026 07:28:00 GMT"), ("Content-Type", "text/html")]
            add("curl-set-cookie", "curl -v", curl.run(URL, headers=sets), session, other)
    for n in range(10):
        v = values("curl-body", n)
        word, more = v.secret(40), v.secret(48)
        bodies = [
            {"access_token": word, "token_type": "Bearer", "expires_in": 3600, "refresh_token": more, "scope": "read"},
            {"id_token": v.jwt(), "access_token": word},
            {"user": "bob", "password": v.password(), "n": 7},
            {"data": {"auth": {"client_secret": word, "client_id": "web"}}, "ok": True},
            {"keys": [{"id": 4, "api_key": word}, {"id": 5, "api_key": more}], "next_page_token": "3"},
        ]
        body = bodies[n % 5]
        secrets = [x for x in re.findall(r'"([^"]{16,})"', json.dumps(body)) if x not in ("next_page_token",)]
        add("curl-oauth", "curl -v", curl.run(URL, body=json.dumps(body, indent=2 if n > 4 else None), headers=[("Content-Type", "application/json")]), *[s for s in secrets if not s.isalpha() or len(s) > 20])
    for n, name in enumerate(["access_token", "token", "sig", "X-Amz-Signature", "api_key", "code", "client_secret", "key", "password", "auth"]):
        v = values("curl-query", n)
        word = v.token("google-api-key") if name == "key" else v.hex(64) if name == "X-Amz-Signature" else v.secret(32)
        out = curl.run(URL + f"?page=2&{name}={word}&limit=10", status=302, headers=[("Location", f"https://app.example.com/cb?state=ok&{name}={word}#top")])
        add("curl-query", "curl -v", out, word)
    v = values("curl-user")
    word = v.secret(18)
    add("curl-userinfo", "curl -v", curl.run("-v", "-L", URL, status=200, headers=[("Location", f"https://bob:{word}@files.example.com/a")]), word)


def harmless(curl):
    for n in range(8):
        v = values("curl-harmless", n)
        sets = [[("ETag", f'"{v.hex(32)}"'), ("X-Request-Id", v.uuid())], [("Content-Security-Policy", f"script-src 'nonce-{v.chars('abcdefgh', 8)}' 'sha256-{v.chars('ABCabc123', 43)}='")],
                [("Digest", f"sha-256={v.chars('ABCabc12', 43)}="), ("Content-MD5", v.chars("ABCabc12", 22) + "==")], [("Set-Cookie", "theme=dark; Path=/"), ("Set-Cookie", "lang=en-GB")],
                [("WWW-Authenticate", 'Bearer realm="registry",service="registry.example.com",scope="pull"')], [("Docker-Content-Digest", f"sha256:{v.hex(64)}")],
                [("X-RateLimit-Limit", "5000"), ("X-RateLimit-Reset", "1762164000"), ("X-GitHub-Request-Id", "C0DE:1F2A:3B4C5D:6E7F80:690880A0")],
                [("Traceparent", f"00-{v.hex(32)}-{v.hex(16)}-01"), ("X-Cache", "Hit from cloudfront")]]
        bodies = ["ok\n", json.dumps({"token_type": "Bearer", "expires_in": 3600}), json.dumps({"id": v.uuid(), "sha": v.hex(40)}), "<input type=password name=password>\n"]
        add("curl-plain", "harmless", curl.run(URL + "?page_token=next&limit=10&sort=key", headers=sets[n], body=bodies[n % 4]))


class Git:
    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.env = {"PATH": os.environ["PATH"], "HOME": self.folder.name, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
        for who in ("AUTHOR", "COMMITTER"):
            self.env.update({f"GIT_{who}_NAME": "Tester", f"GIT_{who}_EMAIL": "", f"GIT_{who}_DATE": "2025-11-03T10:00:00Z"})
        self("init", "-q", "-b", "main")
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def __call__(self, *args, stdin=None):
        return subprocess.run(["git", *args], cwd=self.folder.name, env=self.env, input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout

    def commit(self, path, text):
        with open(os.path.join(self.folder.name, path), "w") as file:
            file.write(text)
        self("add", "-A")
        self("commit", "-qm", f"change {path}")


def git_cases(git):
    for n in range(5):
        v = values("git-credential", n)
        word = [v.password(signs=""), v.token("github-pat"), v.passphrase(), v.token("gitlab-pat"), v.secret(52)][n]
        out = git("-c", f"credential.helper=!f() {{ echo username=bob; echo password={word}; }}; f", "credential", "fill", stdin="protocol=https\nhost=git.example.com\n\n")
        add("git-credential", "git credential", out, word)
    for n in range(6):
        v = values("git-remote", n)
        word = [v.token("github-pat"), v.secret(20), v.token("gitlab-deploy"), v.password(signs="!*"), v.secret(40), v.token("npm")][n]
        user = ["x-access-token:", "bob:", "gitlab-ci-token:", "deploy:", "oauth2:", ""][n]
        git("remote", "remove", "origin")
        git("remote", "add", "origin", f"https://{user}{word}@git.example.com/acme/app.git")
        add("git-remote", "git remote", git("remote", "-v"), word)
        if n % 2:
            add("git-config", "git config", git("config", "--list"), word)
    for n in range(3):
        v = values("git-header", n)
        word = b64(f"x-access-token:{v.token('github-app')}") if n < 2 else v.secret(40)
        git("config", "http.https://github.com/.extraheader", f"AUTHORIZATION: {'basic' if n < 2 else 'bearer'} {word}")
        add("git-config", "git config", git("config", "--list") if n else git("config", "--get-regexp", "extraheader"), *dict.fromkeys([word]))
        git("config", "--unset", "http.https://github.com/.extraheader")
        git("remote", "remove", "origin")
    files = [(".env", "LEVEL=info\n{key}={word}\nPORT=8080\n"), ("app.yml", "level: info\nauth:\n  {low}: {word}\nport: 8080\n"), ("conf.json", '{{\n  "level": "info",\n  "{low}": "{word}"\n}}\n'),
             ("settings.py", 'DEBUG = False\n{key} = "{word}"\n'), ("terraform.tfvars", 'region = "eu"\n{low} = "{word}"\n'), ("run.sh", "#!/bin/sh\nexport {key}='{word}'\nexec app\n")]
    kinds = list(TOKENS)
    for n in range(24):
        v = values("git-diff", n)
        kind = kinds[(n * 11 + 2) % len(kinds)]
        key, word = (TOKENS[kind][0], v.token(kind)) if n % 2 else (v.pick(["DB_PASSWORD", "ADMIN_PASSWORD", "SMTP_PASS", "SECRET_KEY", "ENCRYPTION_KEY", "JWT_SECRET"]), v.pick([v.password(), v.passphrase(), v.secret(40)]))
        path, text = files[n % 6]
        git.commit(path, text.format(key=key, low=key.lower(), word=f"${{{key}}}"))
        git.commit(path, text.format(key=key, low=key.lower(), word=word))
        out = git("diff", "HEAD~1") if n % 3 else git("log", "-1", "-p") if n % 2 else git("show", "--word-diff")
        add("git-diff", "git diff", out, word)


def git_harmless(git):
    git.commit("b.txt", "one\ntwo\n")
    git.commit("auth.py", "def check_password(password):\n    token = request.headers.get('Authorization')\n    return hash(password) == stored\n")
    for line in [["log", "-3"], ["log", "--oneline", "-8"], ["ls-tree", "-r", "HEAD"], ["cat-file", "-p", "HEAD"], ["rev-parse", "HEAD", "HEAD~1", "HEAD~2"], ["show", "--stat"], ["show", "HEAD"], ["ls-files", "-s"],
                 ["blame", "auth.py"], ["config", "--list"], ["log", "--format=%H %T %P", "-5"], ["count-objects", "-v"]]:
        add("git-plain", "harmless", git(*line))
    git("remote", "add", "origin", "git@github.com:acme/app.git")
    git("remote", "add", "web", "https://bob@git.example.com/acme/app.git")
    add("git-remote-plain", "harmless", git("remote", "-v"))


def make():
    with Curl() as curl:
        requests(curl)
        harmless(curl)
    with Git() as git:
        git_cases(git)
        git_harmless(git)
