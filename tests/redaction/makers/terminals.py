"""What a day in a terminal shows: the outputs of many programs, with values in them."""

import base64
import json

from .case import add, values
from .values import ALNUM, BASE64, DIGITS, HEX, LOWER, UPPER, URLSAFE, b64


def gcp(v):
    body = v.pem("PRIVATE KEY", 6).replace("\n", "\\n") + "\\n"
    ident = v.hex(40)
    return (json.dumps({"type": "service_account", "project_id": "acme-prod", "private_key_id": ident, "private_key": "@", "client_email": "ci@acme-prod.iam.gserviceaccount.com",
                        "token_uri": "https://oauth2.googleapis.com/token"}, indent=2).replace("@\"", body + "\"", 1) + "\n", [body, ident])


def texts():
    """Pairs of a kind and a maker of one text with its secrets."""
    def p(v): return v.password(signs="!*#%")
    cases = []
    def case(function): cases.append((function.__name__.replace("_", "-"), function))

    @case
    def discord_webhook(v):
        s = v.chars(URLSAFE, 68)
        return f"curl -X POST https://discord.com/api/webhooks/{v.chars(DIGITS[1:], 18)}/{s} -d content=hi\n", [s]

    @case
    def slack_webhook(v):
        s = f"T{v.chars(UPPER + DIGITS, 8)}/B{v.chars(UPPER + DIGITS, 10)}/{v.chars(ALNUM, 24)}"
        return f"  webhook: https://hooks.slack.com/services/{s}\n", [s]

    @case
    def azure_sas(v):
        s = v.chars(ALNUM, 43) + "%3D"
        return f"https://acct.blob.core.windows.net/backups/db.dump?sv=2023-11-03&se=2026-01-01T00%3A00%3A00Z&sr=b&sp=r&sig={s}\n", [s]

    @case
    def azure_bus(v):
        s = v.chars(BASE64, 43) + "="
        return f"Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={s}\n", [s]

    @case
    def sentry_dsn(v):
        s = v.hex(32)
        return f"SENTRY_DSN=https://{s}@o{v.number(1000, 9999)}.ingest.sentry.io/45{v.number(1000, 9999)}\n", [s]

    @case
    def telegram_url(v):
        s = f"{v.chars(DIGITS[1:], 10)}:AA{v.chars(URLSAFE, 33)}"
        return f"GET https://api.telegram.org/bot{s}/getMe 200\n", [s]

    @case
    def presigned(v):
        s, t = v.hex(64), "IQoJb3JpZ2luX2Vj" + v.chars(ALNUM, 200)
        return f"https://acme.s3.amazonaws.com/a.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20251103T100000Z&X-Amz-Expires=900&X-Amz-Security-Token={t}&X-Amz-Signature={s}\n", [s, t]

    @case
    def sts(v):
        a, b, c = "ASIA" + v.chars(UPPER + "234567", 16), v.chars(BASE64, 40), "IQoJb3JpZ2luX2Vj" + v.chars(BASE64, 300) + "=="
        return json.dumps({"Credentials": {"AccessKeyId": a, "SecretAccessKey": b, "SessionToken": c, "Expiration": "2025-11-03T12:00:00+00:00"}, "AssumedRoleUser": {"Arn": "arn:aws:sts::123456789012:assumed-role/ci/x"}}, indent=4) + "\n", [a, b, c]

    @case
    def aws_export(v):
        a, b, c = "ASIA" + v.chars(UPPER + "234567", 16), v.chars(BASE64, 40), "IQoJb3JpZ2luX2Vj" + v.chars(BASE64, 200)
        return f"export AWS_ACCESS_KEY_ID={a}\nexport AWS_SECRET_ACCESS_KEY={b}\nexport AWS_SESSION_TOKEN={c}\nexport AWS_CREDENTIAL_EXPIRATION=2025-11-03T12:00:00+00:00\n", [a, b, c]

    @case
    def aws_configure_csv(v):
        a, b = "AKIA" + v.chars(UPPER + "234567", 16), v.chars(BASE64, 40)
        return f"User name,Password,Access key ID,Secret access key,Console login link\nci,,{a},{b},https://123456789012.signin.aws.amazon.com/console\n", [a, b]

    cases.append(("gcp-json", gcp))

    @case
    def gcp_token(v):
        s = "ya29.c.b0Aaekm1" + v.chars(URLSAFE, 180)
        return f"$ gcloud auth print-access-token\n{s}\n", [s]

    @case
    def firebase_config(v):
        s = "AIza" + v.chars(URLSAFE, 35)
        return f'const firebaseConfig = {{\n  apiKey: "{s}",\n  authDomain: "acme.firebaseapp.com",\n  projectId: "acme"\n}};\n', [s]

    @case
    def netrc_macdef(v):
        s = v.passphrase()
        return f"machine ftp.example.com\n  login deploy\n  password {s}\n  macdef init\n    cd /pub\n    bin\n\n", [s]

    @case
    def git_fill(v):
        s = v.chars(ALNUM, 24)
        return f"protocol=https\nhost=git.example.com\nusername=ci\npassword={s}\noauth_refresh_token={s[::-1]}\n", [s, s[::-1]]

    @case
    def git_push_url(v):
        s = v.chars(LOWER + DIGITS, 40)
        return f"To https://ci:{s}@git.example.com/acme/app.git\n   {v.hex(7)}..{v.hex(7)}  main -> main\n", [s]

    @case
    def git_config_extra(v):
        s = b64("x-access-token:" + v.chars(ALNUM, 36))
        return f"http.https://github.com/.extraheader=AUTHORIZATION: basic {s}\n", [s]

    @case
    def git_trace_curl(v):
        s = b64("bob:" + p(v))
        return f"10:00:00.1 http.c:664              => Send header: Authorization: Basic {s}\n10:00:00.1 http.c:664              => Send header: User-Agent: git/2.47.3\n", [s]

    @case
    def curl_http2(v):
        s = v.chars(ALNUM, 40)
        return f"* [HTTP/2] [1] OPENED stream for https://api.example.com/v1\n* [HTTP/2] [1] [:method: GET]\n* [HTTP/2] [1] [:path: /v1]\n* [HTTP/2] [1] [authorization: Bearer {s}]\n* [HTTP/2] [1] [accept: */*]\n> GET /v1 HTTP/2\n> Host: api.example.com\n> authorization: Bearer {s}\n", [s]

    @case
    def curl_proxy(v):
        s = b64("proxyuser:" + p(v))
        return f"> CONNECT api.example.com:443 HTTP/1.1\n> Host: api.example.com:443\n> Proxy-Authorization: Basic {s}\n> User-Agent: curl/7.88.1\n", [s]

    @case
    def curl_cookie_jar(v):
        s = v.chars(ALNUM, 32)
        return f"# Netscape HTTP Cookie File\n#HttpOnly_app.example.com\tFALSE\t/\tTRUE\t1893456000\tsession\t{s}\n", [s]

    @case
    def csrf_form(v):
        s = v.chars(ALNUM, 43)
        return f'<input type="hidden" name="csrf_token" value="{s}">\n<input type="text" name="user" value="bob">\n', [s]

    @case
    def custom_columns(v):
        s = b64(p(v))
        return f"NAME   PASSWORD\ndb     {s}\n", [s]

    @case
    def go_template(v):
        s, t = b64(p(v)), b64(v.passphrase())
        return f"password: {s}\ntoken: {t}\n", [s, t]

    @case
    def jsonpath_map(v):
        s, t = b64(p(v)), b64("appuser")
        return f'{{"password":"{s}","username":"{t}"}}', [s, t]

    @case
    def secret_apply(v):
        s = b64(p(v))
        inner = json.dumps({"apiVersion": "v1", "data": {"db-pass": s}, "kind": "Secret", "metadata": {"annotations": {}, "name": "db", "namespace": "prod"}, "type": "Opaque"}, separators=(",", ":")) + "\n"
        return f"apiVersion: v1\ndata:\n  db-pass: {s}\nkind: Secret\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {inner}  name: db\n  namespace: prod\ntype: Opaque\n", [s]

    @case
    def secret_diff(v):
        s, t = b64(p(v)), b64(p(v))
        return f"diff -u -N /tmp/LIVE-1/v1.Secret.prod.db /tmp/MERGED-1/v1.Secret.prod.db\n--- /tmp/LIVE-1/v1.Secret.prod.db\n+++ /tmp/MERGED-1/v1.Secret.prod.db\n@@ -1,6 +1,6 @@\n apiVersion: v1\n data:\n-  password: {s}\n+  password: {t}\n kind: Secret\n metadata:\n   name: db\n", [s, t]

    @case
    def dockercfg(v):
        s = base64.b64encode(json.dumps({"auths": {"reg.example": {"auth": b64("bob:" + p(v))}}}).encode()).decode()
        return f"apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nmetadata: {{name: reg}}\ndata: {{.dockerconfigjson: {s}}}\n", [s]

    @case
    def kubeadm(v):
        s = f"{v.chars(LOWER + DIGITS, 6)}.{v.chars(LOWER + DIGITS, 16)}"
        return f"kubeadm join 10.0.0.10:6443 --token {s} \\\n\t--discovery-token-ca-cert-hash sha256:{v.hex(64)}\n", [s]

    @case
    def kubectl_describe_pod(v):
        s = p(v)
        return f"    Environment:\n      LOG_LEVEL:    info\n      DB_PASSWORD:  {s}\n      API_KEY:      <set to the key 'key' in secret 'api'>  Optional: false\n", [s]

    @case
    def kubectl_exec_env(v):
        s, t = p(v), v.chars(ALNUM, 40)
        return f"KUBERNETES_PORT=tcp://10.96.0.1:443\nREDIS_URL=redis://:{s}@cache:6379/0\nJWT_SIGNING_KEY={t}\nPWD=/app\n", [s, t]

    @case
    def psql_csv_users(v):
        s, t = f"$2b$12${v.chars(ALNUM + './', 53)}", v.email()
        return f"id,email,password_hash,created_at\n7,{t},{s},2025-11-03 10:00:00+00\n", [s, t]

    @case
    def psql_wrapped(v):
        s = v.chars(ALNUM, 40)
        a, b = s[:22], s[22:]
        return f" id |        api_key         \n----+------------------------\n  7 | {a}.\n    |.{b:<22} \n(1 row)\n\n", [a, b]

    @case
    def scram(v):
        s = f"SCRAM-SHA-256$4096:{v.chars(BASE64, 22)}==${v.chars(BASE64, 43)}=:{v.chars(BASE64, 43)}="
        return f" rolname |   rolpassword\n---------+{'-' * 140}\n app     | {s}\n(1 row)\n\n", [s]

    @case
    def alter_role(v):
        s, t = p(v), v.passphrase()
        return f"LOG:  statement: ALTER ROLE app WITH LOGIN PASSWORD '{s}';\nLOG:  statement: CREATE USER MAPPING FOR app SERVER far OPTIONS (user 'bob', password '{t}');\n", [s, t]

    @case
    def insert_values(v):
        s, t = p(v), v.chars(HEX, 40)
        return f"INSERT INTO public.accounts (id, login, password, api_token, active) VALUES (7, 'bob', '{s}', '{t}', true);\n", [s, t]

    @case
    def copy_dump(v):
        s, t = p(v), p(v)
        return f"COPY public.accounts (id, login, password, active) FROM stdin;\n1\tbob\t{s}\tt\n2\teve\t{t}\tf\n\\.\n", [s, t]

    @case
    def conninfo(v):
        s = p(v)
        return f"connecting: host=db port=5432 dbname=shop user=app password={s} sslmode=require\n", [s]

    @case
    def ado(v):
        s = p(v)
        return f'"DefaultConnection": "Server=tcp:db.example.com,1433;Initial Catalog=shop;User ID=app;Password={s};Encrypt=True;"\n', [s]

    @case
    def jdbc(v):
        s = v.secret(18)
        return f"spring.datasource.url=jdbc:postgresql://db:5432/shop?user=app&password={s}&ssl=true\n", [s]

    @case
    def mongo(v):
        s = v.secret(20)
        return f"MongoServerError: connecting to mongodb+srv://app:{s}@cluster0.abcde.mongodb.net/shop?retryWrites=true failed\n", [s]

    @case
    def compose(v):
        s, t = p(v), v.passphrase()
        return f"services:\n  db:\n    image: postgres:16\n    environment:\n      - POSTGRES_USER=app\n      - POSTGRES_PASSWORD={s}\n  app:\n    environment:\n      SECRET_KEY: {t}\n", [s, t]

    @case
    def actions_mask(v):
        s = v.secret(36)
        return f"2025-11-03T10:00:00.1234567Z ##[group]Run deploy\n2025-11-03T10:00:00.1234567Z ::add-mask::{s}\n2025-11-03T10:00:00.2234567Z env:\n2025-11-03T10:00:00.2234567Z   API_TOKEN: ***\n", [s]

    @case
    def terraform_plan(v):
        s, t = p(v), p(v)
        return f'  # aws_db_instance.main will be updated in-place\n  ~ resource "aws_db_instance" "main" {{\n        id       = "db-1"\n      ~ password = "{s}" -> "{t}"\n    }}\n', [s, t]

    @case
    def terraform_output(v):
        s = p(v)
        return f'db_endpoint = "db.example.com:5432"\ndb_password = "{s}"\n', [s]

    @case
    def htpasswd(v):
        s = f"$apr1${v.chars(ALNUM, 8)}${v.chars(ALNUM + './', 22)}"
        return f"admin:{s}\n", [s]

    @case
    def shadow(v):
        s = f"$6${v.chars(ALNUM, 16)}${v.chars(ALNUM + './', 86)}"
        return f"daemon:*:19700:0:99999:7:::\nbob:{s}:19700:0:99999:7:::\n", [s]

    @case
    def otpauth(v):
        s = v.chars(UPPER + "234567", 32)
        return f"otpauth://totp/Acme:bob?secret={s}&issuer=Acme&digits=6\n", [s]

    @case
    def jwk(v):
        d, q = v.chars(URLSAFE, 43), v.chars(URLSAFE, 43)
        return f'{{"keys":[{{"kty":"EC","crv":"P-256","kid":"2025-11","x":"{q}","y":"{v.chars(URLSAFE, 43)}","d":"{d}"}}]}}\n', [d]

    @case
    def putty(v):
        rows = "\n".join(v.chars(BASE64, 64) for _ in range(3))
        return f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: agent\nPublic-Lines: 2\nAAAAC3NzaC1lZDI1NTE5AAAAI{v.chars(BASE64, 39)}\n{v.chars(BASE64, 12)}\nPrivate-Lines: 3\n{rows}\nPrivate-MAC: {v.hex(64)}\n", rows.split("\n")

    @case
    def pem_cut(v):
        rows = v.pem("OPENSSH PRIVATE KEY", 5).split("\n")[1:4]
        return "$ head -4 id_ed25519\n-----BEGIN OPENSSH PRIVATE KEY-----\n" + "\n".join(rows) + "\n$ \n", rows

    @case
    def pem_diff(v):
        rows = v.pem("PRIVATE KEY", 4).split("\n")
        return "--- a/key.pem\n+++ /dev/null\n@@ -1,7 +0,0 @@\n" + "\n".join("-" + r for r in rows) + "\n", rows[1:-1]

    @case
    def wireguard(v):
        s = v.chars(BASE64, 43) + "="
        return f"interface: wg0\n  public key: {v.chars(BASE64, 43)}=\n  private key: {s}\n  listening port: 51820\n", [s]

    @case
    def crontab(v):
        s = p(v)
        return f"MAILTO=\"\"\n*/5 * * * * PGPASSWORD={s} pg_dump -h db shop | gzip > /backup/shop.gz\n", [s]

    @case
    def keytool(v):
        s = v.secret(14)
        return f"+ keytool -importkeystore -srckeystore a.p12 -deststorepass {s} -destkeystore b.jks\n", [s]

    @case
    def env_zero(v):
        s = p(v)
        return f"HOME=/root\0SMTP_PASSWORD={s}\0LANG=C.UTF-8\0", [s]

    @case
    def flow_map(v):
        s = v.secret(30)
        return f"auth: {{user: bob, provider: ldap,\n  password: {s},\n  retries: 3}}\n", [s]

    @case
    def multi_line(v):
        a, b = v.secret(40), v.secret(40)
        return f"client_secret: >-\n  {a}\n  {b}\nredirect: https://app.example.com/cb\n", [a, b]

    @case
    def vault_read(v):
        s, t = p(v), v.uuid()
        return f"Key                Value\n---                -----\nlease_duration     768h\npassword           {s}\nsecret_id          {t}\nusername           app\n", [s, t]

    @case
    def heroku_config(v):
        s, t = v.hex(64), v.secret(20)
        return f"=== acme-web Config Vars\n\nDATABASE_URL:   postgres://u1:{t}@ec2-1.compute.amazonaws.com:5432/d1\nSECRET_KEY_BASE: {s}\nRACK_ENV:       production\n", [s, t]

    @case
    def login_prompt(v):
        s = p(v)
        return f"Your temporary password is {s}\nPlease change it after the first login.\n", [s]

    @case
    def argocd(v):
        s = v.chars(ALNUM, 16)
        return f"$ argocd admin initial-password -n argocd\n{s}\n\n This password must be only used for first time login.\n", [s]

    @case
    def people_log(v):
        a, b, c = v.email(), v.phone(), v.card(" ")
        return f"order 8812 by {a} tel {b} card {c} total 12.50 EUR\n", [a, b, c]

    @case
    def bank(v):
        s = v.iban()
        spaced = " ".join(s[i:i + 4] for i in range(0, len(s), 4))
        return f"Please transfer 12.50 EUR to {spaced} by Friday.\n", [spaced]

    return cases


HARMLESS = r"""diff --git a/go.sum b/go.sum\n+github.com/pkg/errors v0.9.1 h1:@B43=\n+github.com/pkg/errors v0.9.1/go.mod h1:@B43=
    "node_modules/left-pad": {\n      "version": "1.3.0",\n      "resolved": "https://registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz",\n      "integrity": "sha512-@B86=="\n    },
sha256:@H64: Pulling from library/postgres\nDigest: sha256:@H64\nStatus: Image is up to date for postgres:16
kubectl create secret generic db --from-file=password=./file --from-literal=user=bob
kubectl create secret docker-registry reg --docker-username=bob --docker-password="$REG_PASS"
apiVersion: v1\ndata:\n  app.properties: |\n    feature.x=true\n    password.min.length=12\n    token.ttl=3600\nkind: ConfigMap\nmetadata:\n  name: app
      "password": {\n        "type": "string",\n        "minLength": 8,\n        "format": "password"\n      },
components:\n  securitySchemes:\n    bearerAuth:\n      type: http\n      scheme: bearer\n      bearerFormat: JWT\n    apiKey:\n      type: apiKey\n      in: header\n      name: X-API-Key
FATAL:  password authentication failed for user "app"\nDETAIL:  Connection matched pg_hba.conf line 95: "host all all all scram-sha-256"
env:\n- name: API_TOKEN\n  valueFrom:\n    secretKeyRef: {name: api, key: token}\nenvFrom:\n- secretRef:\n    name: app-env
"login.password.label": "Password",\n"login.password.hint": "At least 12 characters",\n"login.token.expired": "Your token has expired, please sign in again.",
password.too.short=Das Passwort ist zu kurz\npassword.label=Passwort\ntoken.invalid=Ungültiges Token
The key fingerprint is:\nSHA256:@B43 agent@box\nThe key's randomart image is:\n+--[ED25519 256]--+\n|      .o+.       |\n+----[SHA256]-----+
$ ssh-keygen -lf /etc/ssh/ssh_host_rsa_key.pub\n3072 SHA256:@B43 root@box (RSA)\n3072 MD5:a1:b2:c3:d4:e5:f6:07:18:29:3a:4b:5c:6d:7e:8f:90 root@box (RSA)
pam_unix(sshd:auth): check pass; user unknown
Usage: app [--password-file FILE] [--token-env NAME]\n  --password-file FILE   file that holds the password\n  --token-env NAME       variable that holds the token (default: APP_TOKEN)
> The token is sent as `Authorization: Bearer <token>`; see [tokens](docs/tokens.md).
curl -u "$API_USER:$API_PASS" -H "X-Api-Key: ${API_KEY}" https://api.example.com/v1
ALTER ROLE app PASSWORD :'pw';\nCREATE USER bob WITH PASSWORD NULL;
 rolname | rolsuper | rolpassword \n---------+----------+-------------\n app     | f        | ********\n postgres| t        | ********\n(2 rows)\n
         List of relations\n Schema |   Name    | Type  | Owner \n--------+-----------+-------+-------\n public | passwords | table | app\n public | tokens    | table | app\n(2 rows)\n
 column_name |     data_type     \n-------------+-------------------\n password    | text\n api_token   | character varying\n(2 rows)\n
token_count | avg_tokens | max_tokens\n1204 | 331.2 | 4096
commit @H40 (HEAD -> main, origin/main)\nAuthor: Dora Fischer <>\n\n    auth: rotate the signing key, drop the old password hash
@H7 (tag: v2.1) token: accept rs256\n@H7 secrets: read from the mount\n@H7 password: lower bound is 12
 src/auth/password.rs | 12 ++++++------\n src/auth/token.rs    |  4 ++--\n 2 files changed, 8 insertions(+), 8 deletions(-)
On branch main\nChanges not staged for commit:\n\tmodified:   config/secrets.yml.enc\n\tmodified:   src/token.rs
Serial Number:\n            04:@X:@X:@X:@X:@X:@X:@X:@X\n    Signature Algorithm: sha256WithRSAEncryption\n        X509v3 Subject Key Identifier:\n            @X:@X:@X:@X:@X:@X
subject=CN = api.example.com\nissuer=C = US, O = Let's Encrypt, CN = R11\nnotAfter=Jan 20 10:00:00 2026 GMT\nSHA256 Fingerprint=@X:@X:@X:@X:@X:@X:@X:@X
* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / x25519 / RSASSA-PSS\n*  subjectAltName: host "api.example.com" matched cert's "api.example.com"\n* using HTTP/2
< HTTP/2 200 \n< etag: W/"@H32"\n< x-amz-request-id: @U16\n< x-amz-id-2: @B75=\n< strict-transport-security: max-age=31536000\n< cf-ray: @H16-FRA
< HTTP/1.1 401 Unauthorized\n< WWW-Authenticate: Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/postgres:pull"\n< Docker-Distribution-Api-Version: registry/2.0
< x-ratelimit-remaining: 4999\n< x-github-request-id: @U4:@U6:@U7:@U8\n< x-oauth-scopes: repo, read:org\n< x-accepted-oauth-scopes: repo
traceparent: 00-@H32-@H16-01\ntracestate: dd=s:1;o:rum
name: deploy\non: push\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n    permissions:\n      id-token: write\n    steps:\n    - uses: actions/checkout@@H40\n      with:\n        token: ${{ secrets.GITHUB_TOKEN }}
Run actions/checkout@v4\n  with:\n    token: ***\n    ssh-strict: true\n    persist-credentials: true\n  env:\n    API_KEY: ***
resource "aws_db_instance" "main" {\n  username = "app"\n  password = var.db_password\n  kms_key_id = aws_kms_key.db.arn\n}
  + password = (sensitive value)\n  + token    = (known after apply)\n  ~ secret   = (sensitive value) -> (sensitive value)
password = data.aws_secretsmanager_secret_version.db.secret_string
$ vault kv get -field=password secret/db > /dev/null\n$ vault token lookup -format=json | jq .data.ttl\n2764799
Warning: Using a password on the command line interface can be insecure.
npm warn deprecated request-token@1.2.0: use @acme/tokens\nadded 120 packages, and audited 121 packages in 3s
-----BEGIN CERTIFICATE REQUEST-----\n@B64\n@B64\n@B20==\n-----END CERTIFICATE REQUEST-----
-----BEGIN SSH SIGNATURE-----\n@B64\n@B64\n@B20==\n-----END SSH SIGNATURE-----
gpgsig -----BEGIN PGP SIGNATURE-----\n \n @B64\n @B64\n =@B4\n -----END PGP SIGNATURE-----
# pg_hba.conf\nhost    all   all   10.0.0.0/8   scram-sha-256\nlocal   all   postgres   peer
token: !Ref GitHubToken\nPassword: !Sub "{{resolve:secretsmanager:db:SecretString:password}}"
apiVersion: external-secrets.io/v1beta1\nkind: ExternalSecret\nspec:\n  data:\n  - secretKey: password\n    remoteRef:\n      key: prod/db\n      property: password
apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\nspec:\n  template:\n    metadata:\n      name: db
ORDER 4929-1234 shipped 2025-11-03, phone order no. 20251103-0012, sku 7340-2211-0098
eth0: inet 10.0.12.7/24 brd 10.0.12.255 ether 02:42:0a:00:0c:07 RX packets 918273645 bytes 5647382910
image: ghcr.io/acme/token-service:v1.4.2\nreplicas: 3\nsecretProviderClass: azure-kv
Mon Nov  3 10:00:00 2025 PID 4242 pts/0 seq=4155551234 ack=2125550199 win=65535
epoch 1762164000000 id 7340221100981234567 snowflake 1430000000000000000
password policy: min 12, must contain: upper, lower, digit; secret rotation: 90d; token lifetime: 1h
passwordAuthentication: no\nPermitRootLogin prohibit-password\nPasswordAuthentication no
 // the password is hashed with bcrypt before it is stored\n if !verify(password, user.PasswordHash) { return ErrBadPassword }""".split("\n")


def harmless(v, text):
    """`@` with a letter and a number is so many random characters: B base64, H hex, U capitals; `@X` is one octet."""
    out, at = [], 0
    while at < len(text):
        if text[at] == "@" and text[at + 1:at + 2] == "X":
            out.append(v.hex(2).upper())
            at += 2
        elif text[at] == "@" and text[at + 1:at + 2] in "BHU" and text[at + 2:at + 3].isdigit():
            end = at + 2
            while end < len(text) and text[end].isdigit():
                end += 1
            out.append(v.chars({"B": BASE64, "H": HEX, "U": UPPER + DIGITS}[text[at + 1]], int(text[at + 2:end])))
            at = end
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def make():
    for kind, maker in texts():
        text, found = maker(values("terminal", kind))
        add(f"terminal-{kind}", "terminal", text, *found)
    for number, text in enumerate(HARMLESS):
        add("terminal-harmless", "harmless", harmless(values("terminal-harmless", number), text.replace("\\n", "\n").replace("\\t", "\t")) + "\n")
