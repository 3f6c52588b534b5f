"""The files in a home folder and in a deployment that hold credentials, each in its own format."""

import json

from .case import add, values
from .values import TOKENS, b64


def home():
    for n in range(3):
        v = values("dotfiles", n)
        word, more, npm = v.secret(24), v.password(signs=""), v.token("npm")
        basic = b64(f"bob:{word}")
        add("docker-config", "docker config.json", json.dumps({"auths": {"reg.example": {"auth": basic}}, "credsStore": ""}, indent=[None, 1, "\t"][n]) + "\n", basic)
        value = [npm, b64(word), basic][n]
        add("npmrc", ".npmrc", f"registry=https://npm.example/\n//npm.example/:{['_authToken', '_password', '_auth'][n]}={value}\nalways-auth=true\n", value)
        value = v.token("pypi") if n else word
        add("pypirc", ".pypirc", f"[distutils]\nindex-servers =\n    pypi\n\n[pypi]\nusername = __token__\npassword = {value}\n", value)
        text = [f"machine api.example.com login bob password {word}\n", f"machine api.example.com\n  login bob\n  password {word}\nmachine other.example.com\n  login eve\n  password {more}\n",
                f"default login anonymous password {word}\nmachine h login x account y password {more}\n"][n]
        add("netrc", ".netrc", text, word, *([more] if n else []))
        text, found = [(f"db.example.com:5432:app:bob:{word}\n", [word]), (f"*:*:*:postgres:{word}\nlocalhost:5432:*:eve:{more}\n", [word, more]), (f"# comment\n10.0.0.5:5432:app:app_rw:{more}\n", [more])][n]
        add("pgpass", ".pgpass", text, *found)
        quote = ["", '"', "'"][n]
        add("my-cnf", ".my.cnf", f"[client]\nuser=root\npassword={quote}{more}{quote}\nhost=db\n", more)
        add("git-credentials", ".git-credentials", f"https://bob:{word}@github.com\nhttps://eve:{more}@git.example.com\n", word, more)
        key, secret = v.token("aws-access-key-id"), v.token("aws-secret-access-key")
        gap = ["=", " = ", " ="][n]
        add("aws-credentials", "aws credentials", f"[default]\naws_access_key_id{gap}{key}\naws_secret_access_key{gap}{secret}\nregion = eu-west-1\n", key, secret)
        add("rclone", "ini", f"[s3]\ntype = s3\naccess_key_id = {key}\nsecret_access_key = {secret}\nregion = eu-west-1\n", key, secret)
        add("terraformrc", "terraform", f'credentials "app.terraform.io" {{\n  token = "{word}"\n}}\n', word)
        add("gradle", "properties", f"signing.keyId=24875D73\nsigning.password={more}\nsigning.secretKeyRingFile=/home/agent/ring.gpg\nossrhPassword={word}\n", more, word)
        add("maven", "xml", f"<settings><servers><server>\n  <id>central</id>\n  <username>bob</username>\n  <password>{word}</password>\n</server></servers></settings>\n", word)
        keys = [v.chars("ABCDEFabcdef0123456789", 43) + "=" for _ in range(3)]
        add("wireguard", "ini", f"[Interface]\nPrivateKey = {keys[0]}\nAddress = 10.0.0.2/24\n\n[Peer]\nPublicKey = {keys[1]}\nPresharedKey = {keys[2]}\nAllowedIPs = 0.0.0.0/0\n", keys[0], keys[2])
        add("gh-hosts", "yaml", f"github.com:\n    user: bob\n    oauth_token: {word}\n    git_protocol: https\n", word)


def services():
    for n in range(12):
        v = values("conninfo", n)
        word = v.password(signs="!*") if n % 2 else v.secret(14)
        text = [f"postgres://app:{word}@db.internal:5432/shop?sslmode=require", f"mysql://root:{word}@mysql:3306/app", f"redis://:{word}@cache:6379/0", f"amqps://mq:{word}@rabbit.internal/vhost",
                f"mongodb+srv://bob:{word}@cluster0.ab1cd.mongodb.net/app?retryWrites=true", f"host=db port=5432 dbname=app user=bob password={word} sslmode=require",
                f"host=db user=bob password='{word}' application_name='a b'", f"Server=db;Database=app;User Id=sa;Password={word};Encrypt=true", f"jdbc:postgresql://db:5432/app?user=bob&password={word}&ssl=true",
                f"ldap://cn=admin:{word}@ldap.internal/dc=example", f"Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={b64(word * 2)}", f"smtp://mailer:{word}@smtp.example.com:587"][n]
        context = ["env dump", "plain", "log"][n % 3]
        text = [f"DATABASE_URL={text}\nLANG=C.UTF-8\n", f"connecting to {text}\n", f"2025-11-03T10:00:00Z INFO dial {text}\n" if " " not in text else f'2025-11-03T10:00:00Z INFO dial dsn="{text}"\n'][n % 3]
        add("address", context, text, b64(word * 2) if n == 10 else word)
    for n in range(10):
        v = values("signed", n)
        signature = v.hex(64)
        text, found = [(f"https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={(k := v.token('aws-access-key-id'))}%2F20251103%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature={signature}", [k, signature]),
                       (f"https://acct.blob.core.windows.net/c/b?sv=2022-11-02&se=2026-01-01T00%3A00%3A00Z&sp=r&sig={(k := v.secret(40) + '%3D')}", [k]),
                       (f"https://storage.googleapis.com/b/o?GoogleAccessId=x&Expires=1762164000&Signature={(k := v.secret(80))}", [k]),
                       (f"https://api.example.com/v1?access_token={(k := v.secret(40))}&page=2", [k]), (f"https://app.example.com/#access_token={(k := v.secret(40))}&token_type=bearer&expires_in=3600", [k]),
                       (f"https://hooks.example.com/in?token={(k := v.secret(24))}", [k]), (f"wss://push.example.com/?jwt={(k := v.jwt())}", [k]), (f"https://maps.example.com/api?key={(k := v.token('google-api-key'))}&q=x", [k]),
                       (f"https://app.example.com/reset?email=x&reset_token={(k := v.hex(40))}", [k]), (f"https://api.telegram.org/bot{(k := v.token('telegram'))}/getMe", [k])][n]
        add("signed-url", "url", f"GET {text}\n", *found)
    kinds = list(TOKENS)
    for n, kind in enumerate(kinds):
        v = values("issuer", n)
        key, word = TOKENS[kind][0], v.token(kind)
        text = [f"HOSTNAME=web-{v.hex(5)}\nPATH=/usr/bin\n{key}={word}\nLANG=C.UTF-8\n", f"run: login --token {word} --region eu\n", f'export {key}="{word}"\n', f"# deploy\n{key.lower()}: {word}\n", f"  {key}: {word},\n",
                f"Environment={key}={word}\nExecStart=/usr/bin/app\n", f"The {kind.split('-')[0]} token is {word} until Monday\n"][n % 7]
        add("token-" + kind, ["env dump", "plain", "plain", "yaml", "yaml", "systemd", "prose"][n % 7], text, word)


def deployment():
    for n in range(3):
        v = values("deploy", n)
        word, more, key = v.password(), v.secret(40), v.pick(["DB_PASSWORD", "API_TOKEN", "SECRET_KEY"])
        add("compose", "docker-compose", f"services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: {more}\n      POSTGRES_USER: app\n  web:\n    environment:\n      - {key}={word}\n      - LEVEL=info\n", word, more)
        add("helm", "helm values", f"auth:\n  enabled: true\n  adminPassword: {word}\n  existingSecret: \"\"\nredis:\n  auth:\n    password: \"{more}\"\n", word, more)
        add("tfvars", "terraform", f'db_password = "{word}"\nregion      = "eu-west-1"\napi_keys = {{\n  stripe_key = "{more}"\n}}\n', word, more)
        add("tfstate", "terraform", json.dumps({"version": 4, "resources": [{"type": "aws_db_instance", "instances": [{"attributes": {"password": word, "username": "app", "id": "db-1"}}]}], "outputs": {"db_password": {"value": more, "type": "string", "sensitive": True}}}, indent=2) + "\n", word, more)
        add("ansible", "ansible", f"all:\n  vars:\n    ansible_user: deploy\n    ansible_become_pass: {word}\n    ansible_ssh_pass: '{more}'\n", word, more)
        add("ansible-inventory", "ansible", f"[web]\nweb1 ansible_host=10.0.0.5 ansible_user=deploy ansible_password={more} ansible_port=22\n", more)
        add("systemd", "systemd", f"[Service]\nEnvironment=\"{key}={word}\" LEVEL=info\nEnvironment=OTHER_TOKEN={more}\nExecStart=/usr/bin/app\n", word, more)
        add("actions", "GitHub Actions", f"env:\n  {key}: {word}\njobs:\n  x:\n    steps:\n    - run: deploy\n      env:\n        NPM_TOKEN: ${{{{ secrets.NPM_TOKEN }}}}\n        OTHER_TOKEN: {more}\n", word, more)
        add("dockerfile", "Dockerfile", f"FROM app:1\nENV {key}={more} LEVEL=info\nENV ADMIN_PASSWORD {word}\nARG NPM_TOKEN\nRUN build\n", word, more)
        add("docker-inspect", "docker inspect", json.dumps([{"Id": v.hex(64), "Config": {"Env": ["PATH=/usr/bin", f"{key}={word}", f"OTHER_TOKEN={more}"], "Image": f"sha256:{v.hex(64)}"}}], indent=4) + "\n", word, more)


def make():
    home()
    services()
    deployment()
