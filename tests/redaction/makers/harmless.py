"""Texts that must come out as they went in."""

import base64
import hashlib
import json

from .case import add, values

DOCUMENTS = """export GITHUB_TOKEN=<your-token-here>
DB_PASSWORD=changeme\\nAPI_KEY=xxxxxxxxxxxx
password: ${DB_PASSWORD}\\ntoken: $TOKEN\\nsecret: $(cat /run/secrets/app)
password: {{ .Values.auth.password }}\\napi_key: "{{ vault_api_key }}"
password: !vault |\\n  $ANSIBLE_VAULT;1.1;AES256
env:\\n- name: DB_PASSWORD\\n  valueFrom:\\n    secretKeyRef:\\n      name: db\\n      key: password
password_file: /run/secrets/db_password\\ntoken_path: /var/run/secrets/token\\nPGPASSFILE=/home/agent/.pgpass
password = getpass.getpass()
def check_password(password: str, hashed: bytes) -> bool:\\n    return bcrypt.checkpw(password.encode(), hashed)
const token = await fetchToken(user);\\nconst password = req.body.password;
password = os.environ["DB_PASSWORD"]\\ntoken = config.get("auth", "token")
if (password == null || password.length < 8) throw new Error("password too short");
The password must have at least 12 characters. Tokens expire after 3600 seconds.
Enter password: \\nPassword accepted.
error: password authentication failed for user "bob"
psql: error: FATAL:  no password supplied
remote: Support for password authentication was removed on August 13, 2021.
curl -H "Authorization: Bearer $TOKEN" https://api.example.com
curl -H "Authorization: Bearer <token>" -u "$USER:$PASS" https://api.example.com
Authorization: Bearer ***
curl --user name:password https://example.com
postgres://user:password@localhost/db is the form
postgresql://USER:PASSWORD@HOST:5432/DB
DATABASE_URL=postgres://app:${DB_PASSWORD}@db/app
git clone https://<token>@github.com/acme/app.git
docker login -u bob --password-stdin reg.example
mysql -uroot -p app
aws_access_key_id = YOUR_ACCESS_KEY\\naws_secret_access_key = YOUR_SECRET_KEY
kubectl create secret generic db --from-file=password=./password.txt
secret/db created\\nsecret/api-token configured
type Token struct {\\n\\tKind TokenKind\\n\\tValue string `json:"value"`\\n}
interface Props { token: string; password?: string; apiKey: string | null }
struct Login { password: String, token: Option<String> }
SELECT password FROM users WHERE token = $1
CREATE TABLE users (id int, password text NOT NULL, token varchar(64));
password VARCHAR(255) NOT NULL, api_key TEXT
  --password string   password for the registry\\n  --token string      bearer token
  -p, --password PASSWORD  the password (default: prompt)
<input type="password" name="password" placeholder="Password">
"password": "The password of the user"
"token": {"type": "string", "description": "An API token"}
{"password":null,"token":"","secret":false,"api_key":0}
password: ********\\ntoken: [REDACTED]\\nsecret: (hidden)
[auth]\\npassword = ""\\ntoken = ''
token_type: bearer\\ntoken_endpoint: https://login.example.com/token\\nsecret_name: db-credentials
secretName: db-tls\\nimagePullSecrets:\\n- name: registry\\nserviceAccountToken: projected
max_tokens: 4096\\ntotal_tokens: 1830\\nprompt_tokens: 12
tokenizer: bert-base-uncased\\ntokens_per_second: 41.2
keyboard: us\\nmonkey: 1\\nkeys: 4\\nprimary_key: id\\nforeign_key: user_id\\nsort_key: created_at
cache-key: v1-cargo-linux-stable\\npartition_key: region
Host key verification failed.\\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJd0m3Vq9tWc0n3uJ2sQx7fKp1zYbEoL4hGvTrNwXcMa agent@box
256 SHA256:kT0mXq9wVb3nRz7cJ5yL2fHdGpQs8uEaW1iKoNtMx4Y agent@box (ED25519)
git@github.com:acme/app.git
ssh://git@git.example.com:2222/acme/app.git
npm install @scope/pkg@1.2.3 left-pad@1.3.0
import { foo } from '@acme/auth-token'
user@host:~/src$ ls
@media (max-width: 600px) { .btn-token { color: #abcdef } }
order 373100514472501 shipped\\norder 4111111111111112 returned
invoice 2025-11-03-0001 total 1234567.89 EUR
2025-11-03T10:00:00.123456789Z 1762164000 1762164000123
tracking 1Z999AA10123456784 parcel 9400100000000000000000
ISBN 978-3-16-148410-0 EAN 4006381333931
part 555-0123-99, model 800-1234-5678-90
version 1.22.333.4444 build 20251103.17 rev 212-555
call 911 or 112, room 555-1234
10.20.30.40:5432 192.168.1.1/24 fe80::1ff:fe23:4567:890a
00:1a:2b:3c:4d:5e 2001:db8::ff00:42:8329
lat 52.520008 lon 13.404954 alt 34.0
arn:aws:iam::123456789012:role/deploy
arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf
vault kv get secret/data/prod/db\\nSecret Path: secret/data/prod/db
projects/acme/secrets/db-password/versions/3
AccessKeyId field missing; SecretAccessKey field missing
X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20251103T100000Z&X-Amz-Expires=300
Set-Cookie: theme=dark; Path=/; Max-Age=31536000
Cache-Control: private, max-age=0\\nVary: Authorization, Cookie
WWW-Authenticate: Basic realm="Registry"\\nAccess-Control-Allow-Headers: Authorization, X-Api-Key
WWW-Authenticate: Bearer error="invalid_token", error_description="The token expired"
GET /v1/tokens?page_token=next&limit=10
GET /oauth/authorize?response_type=code&client_id=web&scope=read&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb
sshd[812]: Accepted publickey for bob from 10.0.0.4 port 51234 ssh2
sudo: pam_unix(sudo:auth): authentication failure; logname= uid=1000
Password:\\nNew password:\\nRetype new password:\\npasswd: password updated successfully
root:x:0:0:root:/root:/bin/bash\\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
root:*:19700:0:99999:7:::\\nbob:!:19700:0:99999:7:::
total 12\\n-rw------- 1 agent agent  399 Nov  3 10:00 id_rsa\\n-rw-r--r-- 1 agent agent   92 Nov  3 10:00 password.txt
NAME                TYPE     DATA   AGE\\ndb-credentials      Opaque   2      41d\\napi-token           Opaque   1      3d
- [ ] rotate the token\\n- [x] change the password policy
| key | default |\\n| --- | --- |\\n| password | none |\\n| token_ttl | 3600 |
# secret: see the vault
password=\\nTOKEN=\\nSECRET=
PASSWORD_RESET_URL=https://app.example.com/reset\\nSECRET_ROTATION_DAYS=30\\nTOKEN_CACHE=redis
auth: none\\nauthentication: required\\nauthor: Dora\\nauthority: https://login.example.com
credential.helper=store\\ncredential.usehttppath=true
credentials: include\\nmode: cors
passing 12 tests, 0 failed; bypass: false; compass: north
Signature: valid, signed by key 4AEE18F83AFDEB23
gpg: Good signature from "Tester" [ultimate]
error: signature verification failed: bad token at line 3, unexpected token '}'
SyntaxError: Unexpected token < in JSON at position 0
panic: secret not found: namespaces/prod/secrets/db
token: expected string, got number
secret := k8s.Secret("db")\\ntoken := parser.Next()
private_key_path = "/etc/ssl/private/web.key"
ssl_certificate_key /etc/nginx/web.key;
identity_file = ~/.ssh/id_ed25519
for key, value in pairs.items(): print(key, value)
let key = KeyCode::Enter; let tok = Token::Comma;
api-key: set in the console; see docs/keys.md""".split("\n")


def make():
    for n, text in enumerate(DOCUMENTS):
        add("document", "harmless", text.replace("\\n", "\n").replace("\\t", "\t") + "\n")
    for n in range(6):
        v = values("digests", n)
        data = bytes(v.number(0, 255) for _ in range(200))
        sha512 = base64.b64encode(hashlib.sha512(data).digest()).decode()
        image = base64.b64encode(b"\x89PNG\r\n\x1a\n" + data).decode()
        texts = [f"{hashlib.sha256(data).hexdigest()}  app.tar.gz\n{hashlib.md5(data).hexdigest()}  a.iso\n", json.dumps({"avatar": "data:image/png;base64," + image}) + "\n", f'"left-pad@1.3.0":\n  version "1.3.0"\n  resolved "https://registry.example.com/left-pad.tgz#{v.hex(40)}"\n  integrity sha512-{sha512}\n',
                 f'[[package]]\nname = "serde"\nversion = "1.0.2"\nchecksum = "{v.hex(64)}"\n', f"example.com/mod v1.2.3 h1:{base64.b64encode(hashlib.sha256(data).digest()).decode()}\n", f"trace {v.uuid()} span {v.hex(16)} parent {v.hex(16)}\n", f"app@sha256:{v.hex(64)}\nimage: reg.example/app:1.4@sha256:{v.hex(64)}\n",
                 v.pem("CERTIFICATE", 4) + "\n", v.pem("PUBLIC KEY", 3) + "\n", f"ssh-rsa AAAAB3NzaC1yc2E{v.chars('ABCDabcd0123', 200)} bob\n", f"!function(e,t){{var n=e.token||t;return n.key=a?b:c,n}}(this,{v.hex(4)});var p={{password:e,token:t,k:'a'+i}};\n", v.pem("PGP PUBLIC KEY BLOCK", 3) + "\n",
                 f"id: {v.uuid()}\nuid: {v.uuid()}\nresourceVersion: \"{v.number(10000, 99999)}\"\nhash: {v.hex(8)}\n", " ".join(str(v.number(0, 10 ** 6)) for _ in range(40)) + "\n", f"commit {v.hex(40)}\ntree {v.hex(40)}\nparent {v.hex(40)}\n", f"index {v.hex(7)}..{v.hex(7)} 100644\n@@ -1,2 +1,2 @@\n-a\n+b\n",
                 base64.b64encode(f"The {v.word()} {v.word()} went over the {v.word()} and then slept again and again.".encode()).decode() + "\n", f"2025-11-03T10:00:00Z INFO request_id={v.uuid()} status=200 duration=12ms bytes={v.number(1, 99999)} path=/v1/tokens\n"]
        for k in range(n % 3, len(texts), 3):
            add("digest", "harmless", texts[k])
