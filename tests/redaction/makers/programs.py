"""What programs print: values of languages by the languages themselves, logs, traces of shells, statements, hashes."""

import json
import os
import pprint
import subprocess
import tempfile

from .case import add, values
from .values import ALNUM, b64

GO = '''package main

import ("encoding/json"; "fmt"; "log/slog"; "os")

type Config struct { Host string; Password string; APIKey string; Port int }

func main() {
	var all []Config
	json.NewDecoder(os.Stdin).Decode(&all)
	var out []string
	for _, c := range all {
		out = append(out, fmt.Sprintf("%+v\\n", c), fmt.Sprintf("%#v\\n", c))
	}
	json.NewEncoder(os.Stdout).Encode(out)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{ReplaceAttr: func(g []string, a slog.Attr) slog.Attr { if a.Key == "time" { return slog.Attr{} }; return a }}))
	for _, c := range all { log.Info("connected", "host", c.Host, "password", c.Password, "api_key", c.APIKey) }
}
'''


def run(*command, stdin="", **env):
    return subprocess.run(command, input=stdin, text=True, capture_output=True, env={"PATH": os.environ["PATH"], "HOME": "/tmp", "GOFLAGS": "-mod=mod", **env})


def languages():
    configs = []
    for n in range(6):
        v = values("language", n)
        configs.append({"Host": "db", "Password": v.password(signs="!*") if n % 2 else v.passphrase(), "APIKey": v.secret(32), "Port": 5432})
    for n, c in enumerate(configs):
        word, more = c["Password"], c["APIKey"]
        value = {"host": "db", "password": word, "auth": {"api_key": more, "retries": 3}, "enabled": True}
        add("python", "python", repr(value) + "\n" if n % 2 else pprint.pformat(value, width=40) + "\n", word, more)
        script = "const v = JSON.parse(require('fs').readFileSync(0)); console.log(process.argv[1] === 'a' ? v : v.auth, v.password ? {password: v.password} : {})"
        add("javascript", "node", run("node", "-e", script, "a", stdin=json.dumps(value)).stdout, word, more)
        trace = f"Traceback (most recent call last):\n  File \"/srv/app.py\", line 12, in <module>\n    main()\nValueError: cannot log in with Config(host='db', password='{word}', token='{more}')\n"
        add("traceback", "python", trace, word, more)
        add("object-literal", "code", [f"const config = {{ host: 'db', password: '{word}', apiKey: \"{more}\" }};\n", f"client = Client(\"db\", password=\"{word}\", api_key='{more}', retries=3)\n", f'String password = "{word}";\nprivate static final String API_KEY = "{more}";\n',
                                       f"$config['db_password'] = '{word}';\ndefine('API_KEY', '{more}');\n", f"let db_password: &str = \"{word}\";\nconst API_KEY: &str = \"{more}\";\n", f"password := \"{word}\"\nos.Setenv(\"API_KEY\", \"{more}\")\n"][n], word, more)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "main.go")
        with open(path, "w") as file:
            file.write(GO)
        got = run("go", "run", path, stdin=json.dumps(configs), GOCACHE=os.environ.get("GOCACHE", "/tmp/go-cache"))
    for n, (out, logged) in enumerate(zip(json.loads(got.stdout), [line for line in got.stderr.split("\n") for _ in (0, 1)])):
        c = configs[n // 2]
        add("go", "go", out, c["Password"], c["APIKey"])
        if n % 2:
            add("logfmt", "log", logged + "\n", c["Password"], c["APIKey"])


def logs():
    for n in range(10):
        v = values("log", n)
        word, more = v.password(signs="!*"), v.secret(40)
        text, found = [
            (f'{{"ts":"2025-11-03T10:00:00Z","level":"info","msg":"login","user":"bob","password":"{word}"}}\n{{"ts":"2025-11-03T10:00:01Z","level":"info","msg":"ok","request_id":"{v.uuid()}"}}\n', [word]),
            (f"2025-11-03 10:00:00,123 DEBUG auth user=bob password={word} ip=10.0.0.4\n", [word]), (f"level=info msg=\"token refreshed\" refresh_token={more} ttl=3600\n", [more]),
            (f"[info] using secret {more} for hmac\n", [more]), (f"WARN: default password is {word}, change it\n", [word]), (f"Generated root password: {word}\n", [word]), (f"INFO  Your API key is: {more}\n", [more]),
            (f'10.0.0.4 - bob [03/Nov/2025:10:00:00 +0000] "GET /cb?code=4&access_token={more} HTTP/1.1" 200 12\n', [more]), (f"time=10:00 level=debug headers=\"map[Authorization:[Bearer {more}] Accept:[*/*]]\"\n", [more]),
            (f"DEBUG headers={{'Authorization': 'Basic {b64('bob:' + word)}', 'Accept': '*/*'}}\n", [b64("bob:" + word)])][n]
        add("log", "log", text, *found)
    for n in range(8):
        v = values("shell", n)
        word, more = v.password(signs=""), v.secret(40)
        line, found = [(f'curl -sS -H "Authorization: Bearer {more}" http://127.0.0.1:1/', [more]), (f"curl -u bob:{word} http://127.0.0.1:1/", [word]), (f"mysql -uroot -p{word} app", [word]), (f"PGPASSWORD='{word}' psql -h db", [word]),
                       (f"docker login -u bob --password {word} reg.example", [word]), (f"redis-cli -h cache -a {word} ping", [word]), (f"sshpass -p {word} ssh bob@web", [word]), (f"vault login -method=userpass username=bob password={word}", [word])][n]
        got = run("bash", "-xc", "curl() { :; }; mysql() { :; }; psql() { :; }; docker() { :; }; redis-cli() { :; }; sshpass() { :; }; vault() { :; }\n" + line)
        add("shell-trace", "shell", got.stderr, *found)
        add("shell-history", "shell", f"  501  ls\n  502  {line}\n  503  exit\n", *found)
    for n in range(12):
        v = values("flags", n)
        word, more = v.password(signs="!*"), v.secret(32)
        text, found = [(f"app --user bob --password={word} --port 80\n", [word]), (f"app --token {more} run\n", [more]), (f"helm upgrade --set auth.password={word},replicas=2 web ./web\n", [word]), (f"kubectl create secret generic db --from-literal=password={word}\n", [word]),
                       (f"gh auth login --with-token {more}\n", [more]), (f"aws configure set aws_secret_access_key {(k := v.token('aws-secret-access-key'))}\n", [k]), (f"openssl enc -aes-256-cbc -k {word} -in a\n", [word]), (f"mongo --username bob -p {word} admin\n", [word]),
                       (f"bob  812  0.0  app --db-password {word} --verbose\n", [word]), (f"npm config set //npm.example/:_authToken {more}\n", [more]), (f"wget --http-password='{word}' https://files.example.com/a\n", [word]), (f"az login --service-principal -u web -p {word} --tenant t\n", [word])][n]
        add("flags", "command line", text, *found)


def statements():
    for n in range(10):
        v = values("sql", n)
        word = v.password(signs="!*") if n % 2 else v.passphrase()
        text, found = [(f"ALTER ROLE app WITH PASSWORD '{word}';\n", [word]), (f"CREATE USER app LOGIN ENCRYPTED PASSWORD '{word}' VALID UNTIL '2027-01-01';\n", [word]), (f"CREATE USER 'app'@'%' IDENTIFIED BY '{word}';\n", [word]), (f"SET PASSWORD FOR 'app' = PASSWORD('{word}');\n", [word]),
                       (f"INSERT INTO users (id, login, password, email) VALUES (1, 'bob', '{word}', '{(e := v.email())}');\n", [word, e]), (f"UPDATE users SET password = '{word}' WHERE id = 3;\n", [word]), (f"ALTER USER app IDENTIFIED WITH mysql_native_password BY '{word}';\n", [word]),
                       (f"CREATE LOGIN app WITH PASSWORD = N'{word}', CHECK_POLICY = ON;\n", [word]), (f"SELECT dblink_connect('host=db user=bob password={word} dbname=app');\n", [word]), (f"COPY users (id, login, password) FROM stdin;\n1\tbob\t{word}\n2\teve\t\\N\n\\.\n", [word])][n]
        add("sql", "sql", text, *found)


def hashes():
    for n in range(12):
        v = values("hash", n)
        salt = v.chars(ALNUM, 8)
        crypt = ["-6", "-5", "-1", "-apr1"][n % 4]
        word = run("openssl", "passwd", crypt, "-salt", salt, "x" + salt).stdout.strip()
        blowfish = "$2b$12$" + v.chars("./" + ALNUM, 53)
        argon = f"$argon2id$v=19$m=65536,t=3,p=4${v.chars(ALNUM, 22)}${v.chars(ALNUM + '+/', 43)}"
        scram = f"SCRAM-SHA-256$4096:{v.chars(ALNUM, 22)}==${v.chars(ALNUM, 43)}=:{v.chars(ALNUM, 43)}="
        text, found = [(f"root:{word}:19700:0:99999:7:::\ndaemon:*:19700:0:99999:7:::\nbob:!:19700:0:99999:7:::\n", [word]), (f"bob:{word}\neve:{blowfish}\n", [word, blowfish]), (f'{{"login":"bob","password_hash":"{blowfish}"}}\n', [blowfish]), (f"bob:{word}\n", [word]),
                       (f"pbkdf2: pbkdf2_sha256$600000${(k := v.chars(ALNUM, 22) + '$' + v.chars(ALNUM, 43) + '=')}\n", [f"pbkdf2_sha256$600000${k}"]), (f"user bob has hash {argon}\n", [argon]), (f"ALTER ROLE app PASSWORD '{scram}';\n", [scram]), (f"ALTER ROLE old PASSWORD 'md5{(k := v.hex(32))}';\n", ["md5" + k]),
                       (f"passwd: {word}\nuid: 12\n", [word]), (f"  password: '{argon}'\n", [argon]), (f"INSERT INTO users VALUES (1, 'bob', '{blowfish}');\n", [blowfish]), (f"userPassword: {{SSHA}}{(k := v.chars(ALNUM, 31) + '=')}\ncn: bob\n", [k])][n]
        add("hash", "password hash", text, *found)
    for n in range(10):
        v = values("pem", n)
        label = ["RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"][n % 5]
        key = v.pem(label, 4)
        lines = key.split("\n")
        text, found = [(f"$ cat key\n{key}\n$ \n", lines), (json.dumps({"type": "service_account", "private_key_id": v.hex(40), "private_key": key + "\n", "client_email": "x@y.iam.gserviceaccount.com"}, indent=2) + "\n", None), ("tls:\n  key: |\n" + "".join(f"    {l}\n" for l in lines) + "  port: 443\n", lines),
                       ("".join(f"-{l}\n" for l in lines) + "+removed\n", lines), ("".join(f"+{l}\n" for l in lines), lines), (f'KEY="{key}"\nPORT=1\n', lines), ("KEY=" + key.replace("\n", "\\n") + "\n", None), ("> " + "\n> ".join(lines) + "\n", lines), ("\n".join(lines[:3]) + "\n", lines[:3]), (f"<key>{key}</key>\n", lines)][n]
        add("pem", "private key", text, *(found or [key.replace("\n", "\\n")] + (["x@y.iam.gserviceaccount.com", json.loads(text)["private_key_id"]] if n == 1 else [])))


def make():
    languages()
    logs()
    statements()
    hashes()
