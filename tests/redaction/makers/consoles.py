"""A second look at what consoles show, by other eyes: clouds, databases, pipelines, mail, shells, and what tempts."""

import json
import re

from . import issuers
from .case import add, values
from .terminals import harmless
from .values import ALNUM, BASE64, DIGITS, HEX, LOWER, TOKENS, UPPER, URLSAFE, b64


def written(v):
    """Each a kind, a text and its secrets."""
    p, q = v.password(signs="!*#"), v.passphrase()
    t, h = v.chars(ALNUM, 40), v.hex(40)
    yield "aws-configure-list", f"      Name                    Value             Type    Location\n      ----                    -----             ----    --------\n   profile                <not set>             None    None\naccess_key     ****************WNN5 shared-credentials-file    \n    region                eu-west-1      config-file    ~/.aws/config\n", []
    a, s = "AKIA" + v.chars(UPPER + "234567", 16), v.chars(BASE64, 40)
    yield "aws-create-key", json.dumps({"AccessKey": {"UserName": "ci", "AccessKeyId": a, "Status": "Active", "SecretAccessKey": s, "CreateDate": "2025-11-03T10:00:00+00:00"}}, indent=4) + "\n", [a, s]
    yield "aws-secretsmanager", json.dumps({"ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf", "Name": "db", "SecretString": json.dumps({"username": "app", "password": p})}, indent=2) + "\n", [p]
    yield "aws-ssm", json.dumps({"Parameter": {"Name": "/prod/db/password", "Type": "SecureString", "Value": p, "Version": 3}}, indent=2) + "\n", [p]
    yield "aws-table", f"-{'-' * 60}-\n|  AccessKeyId     |  {a}  |\n|  SecretAccessKey |  {s} |\n+{'-' * 60}+\n", [a, s]
    yield "az-sp", json.dumps({"appId": v.uuid(), "displayName": "ci", "password": (az := v.chars(ALNUM, 3) + "8Q~" + v.chars(ALNUM + "_~.-", 33) + "x"), "tenant": v.uuid()}, indent=2) + "\n", [az]
    yield "az-keys", json.dumps([{"keyName": "key1", "permissions": "FULL", "value": (k := v.chars(BASE64, 86) + "==")}], indent=2) + "\n", [k]
    yield "az-tsv", f"$ az storage account keys list -n acct --query '[0].value' -o tsv\n{k}\n", [k]
    yield "gcloud-secret", f"$ gcloud secrets versions access latest --secret=db-password\n{p}\n", [p]
    yield "adc", json.dumps({"client_id": "764086051850-x.apps.googleusercontent.com", "client_secret": (cs := "GOCSPX-" + v.chars(URLSAFE, 28)), "refresh_token": (rt := "1//0" + v.chars(URLSAFE, 98)), "type": "authorized_user"}, indent=2) + "\n", [cs, rt]
    yield "helm-values", f"USER-SUPPLIED VALUES:\nauth:\n  rootPassword: {p}\n  replicationPassword: {q}\nimage:\n  tag: 8.0.34\n", [p, q]
    yield "helm-notes", f"NOTES:\n1. Get your 'admin' user password by running:\n   kubectl get secret grafana -o jsonpath=\"{{.data.admin-password}}\" | base64 --decode\n", []
    yield "kubectl-create-token", f"$ kubectl create token builder\n{(j := v.jwt())}\n", [j]
    yield "kubectl-env-list", f"# Deployment web, container app\nLOG_LEVEL=info\nSTRIPE_KEY=sk_live_{(x := v.chars(ALNUM, 24))}\n# DB_PASSWORD from secret db, key password\n", ["sk_live_" + x]
    yield "kubectl-config-raw", f"users:\n- name: admin\n  user:\n    client-certificate-data: {b64('-----BEGIN CERTIFICATE-----' + v.chars(BASE64, 60))}\n    client-key-data: {(ck := b64('-----BEGIN RSA PRIVATE KEY-----' + v.chars(BASE64, 90)))}\n", [ck]
    yield "kubectl-patch", f"kubectl patch secret db -p '{{\"data\":{{\"password\":\"{(e := b64(p))}\"}}}}'\n", [e]
    yield "kubectl-json-line", json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"DB_PASS": (e1 := b64(q)), "host": (e2 := b64("db.example"))}}, separators=(",", ":")) + "\n", [e1, e2]
    yield "kubectl-yaml-binary", f"apiVersion: v1\ndata:\n  keystore.jks: {(ks := v.chars(BASE64, 200))}\n  storepass: {(sp := b64(p))}\nkind: Secret\nmetadata:\n  name: jks\ntype: Opaque\n", [ks, sp]
    yield "kubectl-go-template", f"{{{{.data}}}}\nmap[password:{(m := b64(p))} username:{(n := b64('appuser'))}]\n", [m, n]
    yield "kubectl-describe-cm", "Name:         app\nNamespace:    prod\n\nData\n====\nTOKEN_TTL:\n----\n3600\npassword.policy:\n----\nmin=12\n\nBinaryData\n====\n\n", []
    yield "psql-expanded", f"-[ RECORD 1 ]-+------------------\nid            | 7\nlogin         | bob\npassword_hash | $argon2id$v=19$m=65536,t=3,p=4${(ah := v.chars(ALNUM, 22) + '$' + v.chars(ALNUM, 43))}\napi_key       | {h}\n\n", [f"$argon2id$v=19$m=65536,t=3,p=4${ah}", h]
    yield "psql-json-cell", f" id |                     config                      \n----+-------------------------------------------------\n  1 | {{\"smtp\": {{\"user\": \"bob\", \"pass\": \"{p}\"}}}}\n(1 row)\n\n", [p]
    yield "psql-array", f" user | tokens \n------+--------\n bob  | {{{(t1 := 'glpat-' + v.chars(URLSAFE, 19) + 'x')},{(t2 := 'glpat-' + v.chars(URLSAFE, 19) + 'y')}}}\n(1 row)\n\n", [t1, t2]
    yield "psql-dblink", f"SELECT * FROM dblink('host=db2 user=app password={p} dbname=x', 'select 1') AS t(a int);\n", [p]
    yield "psql-fdw", f"             FDW options             \n-------------------------------------\n (\"user\" 'bob', password '{p}')\n(1 row)\n\n", [p]
    yield "psql-subscription", f"CREATE SUBSCRIPTION s CONNECTION 'postgresql://rep:{v.secret(4)}{(sw := v.secret(16))}@db/shop' PUBLICATION p;\n", [sw]
    yield "psql-activity", f" pid  |                          query                           \n------+----------------------------------------------------------\n 4242 | ALTER USER app PASSWORD '{p}'\n(1 row)\n\n", [p]
    yield "mysql-table", f"+----+-------+------------------+\n| id | login | passwd           |\n+----+-------+------------------+\n|  1 | bob   | {(m1 := v.chars(ALNUM, 16))} |\n+----+-------+------------------+\n", [m1]
    yield "mysql-grants", f"CREATE USER 'app'@'%' IDENTIFIED WITH caching_sha2_password BY '{p}';\nGRANT ALL ON shop.* TO 'app'@'%';\n", [p]
    yield "redis-config", f"127.0.0.1:6379> CONFIG GET requirepass\n1) \"requirepass\"\n2) \"{q}\"\n", [q]
    yield "redis-conf", f"requirepass {q}\nmasterauth {t}\nport 6379\n", [q, t]
    yield "mongo-doc", f"{{ _id: ObjectId('{v.hex(24)}'), login: 'bob', passwordHash: '$2b$10${(mh := v.chars(ALNUM + './', 53))}' }}\n", ["$2b$10$" + mh]
    yield "rabbit", f"default_user = app\ndefault_pass = {p}\n", [p]
    yield "amqp-log", f"[error] connection to amqps://app:{v.secret(2)}{(am := v.secret(18))}@mq.example.com:5671/%2f refused\n", [am]
    yield "jdbc-ora", f"jdbc:oracle:thin:scott/{(ora := v.secret(12))}@//db:1521/ORCL\n", [ora]
    yield "odbc", f"Driver={{ODBC Driver 18 for SQL Server}};Server=db;Database=shop;Uid=app;Pwd={p};Encrypt=yes;\n", [p]
    yield "celery", f"broker_url = 'redis://:{t}@cache:6379/1'\n", [t]
    yield "django", f"SECRET_KEY = 'django-insecure-{(dj := v.chars(LOWER + DIGITS + '!@#%^*(-_=+)', 50))}'\nDEBUG = True\n", ["django-insecure-" + dj]
    yield "flask", f"app.config['SECRET_KEY'] = '{h}'\napp.config['JSON_SORT_KEYS'] = False\n", [h]
    yield "rails-master", f"$ cat config/master.key\n{(rk := v.hex(32))}\n", [rk]
    yield "laravel", f"APP_NAME=Shop\nAPP_KEY=base64:{(lk := v.chars(BASE64, 43) + '=')}\nMAIL_PASSWORD={q}\n", [lk, q]
    yield "wordpress", f"define( 'DB_PASSWORD', '{p}' );\ndefine( 'AUTH_KEY', '{(wk := v.chars(ALNUM + '!@#%^*()-_[]+=|', 64))}' );\n", [p, wk]
    yield "spring-yaml", f"spring:\n  datasource:\n    url: jdbc:mysql://db/shop\n    username: app\n    password: '{p}'\n  mail:\n    password: {q}\n", [p, q]
    yield "appsettings", json.dumps({"Jwt": {"Key": t, "Issuer": "shop"}, "ConnectionStrings": {"Db": f"Host=db;Username=app;Password={p}"}}, indent=2) + "\n", [t, p]
    yield "tfvars", f"db_password   = \"{p}\"\nmaster_secret = \"{t}\"\nregion        = \"eu-west-1\"\n", [p, t]
    yield "terraform-show", f"# random_password.db:\nresource \"random_password\" \"db\" {{\n    bcrypt_hash = (sensitive value)\n    length      = 24\n    result      = \"{(tf := v.chars(ALNUM, 24))}\"\n}}\n", [tf]
    yield "tf-output-json", json.dumps({"db_password": {"sensitive": True, "type": "string", "value": p}}, indent=2) + "\n", [p]
    yield "pulumi", f"Current stack outputs (2):\n    OUTPUT      VALUE\n    dbPassword  {p}\n    url         https://shop.example.com\n", [p]
    yield "ansible-debug", f"ok: [web1] => {{\n    \"msg\": \"mysql_root_password is {p}\"\n}}\n", [p]
    yield "ansible-ini", f"[db]\nweb1 ansible_user=deploy ansible_password={p} ansible_become_pass={q}\n", [p, q]
    yield "vagrant", f"    default: SSH password: {q}\n    default: SSH username: vagrant\n", [q]
    yield "chef", f"default['mysql']['server_root_password'] = '{p}'\n", [p]
    yield "puppet", f"  mysql::db {{ 'shop':\n    user     => 'app',\n    password => '{p}',\n  }}\n", [p]
    yield "systemd", f"[Service]\nEnvironment=\"DB_PASSWORD={q}\" \"LOG=info\"\nEnvironment=API_TOKEN={t}\nExecStart=/usr/bin/app\n", [q, t]
    yield "systemctl-show", f"Environment=LANG=C.UTF-8 SMTP_PASSWORD={q} MODE=prod\n", [q]
    yield "ps", f"app   812  0.1  0.4  S  10:00   0:01 /usr/bin/exporter --db.password={p} --web.listen=:9104\n", [p]
    yield "ps-mysql", f"root  912  0.0  0.1  S  10:00   0:00 mysqldump -u root -p{v.secret(2)}{(ms := v.secret(14))} shop\n", [ms]
    yield "docker-run", f"docker run -d -e POSTGRES_PASSWORD={p} -e TZ=UTC -p 5432:5432 postgres:16\n", [p]
    yield "docker-history", f"IMAGE   CREATED BY\n{v.hex(12)}  |1 NPM_TOKEN={(nt := v.chars(ALNUM, 36))} /bin/sh -c npm ci\n", [nt]
    yield "docker-inspect", json.dumps([{"Config": {"Env": [f"MYSQL_PASSWORD={p}", "PATH=/usr/bin"], "Labels": {"traefik.http.middlewares.a.basicauth.users": (bu := "admin:$apr1$" + v.chars(ALNUM, 8) + "$" + v.chars(ALNUM, 22))}}}], indent=1) + "\n", [p, bu[6:]]
    yield "swarm-join", f"    docker swarm join --token SWMTKN-1-{(sw1 := v.chars(LOWER + DIGITS, 50))}-{(sw2 := v.chars(LOWER + DIGITS, 25))} 10.0.0.4:2377\n", [f"SWMTKN-1-{sw1}-{sw2}"]
    yield "k3s-token", f"$ cat /var/lib/rancher/k3s/server/node-token\nK10{(k3 := v.hex(64))}::server:{(k4 := v.hex(32))}\n", [f"K10{k3}::server:{k4}"]
    yield "gitlab-ci", f"$ docker login -u $CI_USER -p {p} registry.example.com\nWARNING! Using --password via the CLI is insecure. Use --password-stdin.\nLogin Succeeded\n", [p]
    yield "jenkins", f"*************************************************************\nPlease use the following password to proceed to installation:\n\n{(jk := v.hex(32))}\n\nThis may also be found at: /var/lib/jenkins/secrets/initialAdminPassword\n", [jk]
    yield "travis", f"  - secure: \"{v.chars(BASE64, 170)}==\"\n", []
    yield "circle-env", f"{{\"items\":[{{\"name\":\"NPM_TOKEN\",\"value\":\"xxxx{v.chars(ALNUM, 4)}\"}}]}}\n", []
    yield "set-x", f"+ export PGPASSWORD={p}\n+ PGPASSWORD={p}\n+ psql -h db -c 'select 1'\n", [p]
    yield "declare", f"declare -x AWS_SECRET_ACCESS_KEY=\"{s}\"\ndeclare -x HOME=\"/root\"\n", [s]
    yield "fish", f"set -gx OPENAI_API_KEY sk-{(oa := v.chars(ALNUM, 20) + 'T3BlbkFJ' + v.chars(ALNUM, 20))}\n", ["sk-" + oa]
    yield "powershell", f"$env:ARM_CLIENT_SECRET = \"{az}\"\n$cred = ConvertTo-SecureString \"{p}\" -AsPlainText -Force\n", [az, p]
    yield "windows-set", f"set DB_PASSWORD={p}\r\nset MODE=prod\r\n", [p]
    yield "history", f"  501  export VAULT_TOKEN=hvs.{(hv := v.chars(URLSAFE, 90))}\n  502  vault status\n", ["hvs." + hv]
    yield "vault-init", "\n".join(f"Unseal Key {n}: {v.chars(BASE64, 43)}x" for n in (1, 2, 3)) + f"\n\nInitial Root Token: hvs.{v.chars(ALNUM, 24)}\n", None
    yield "vault-approle", f"Key                   Value\n---                   -----\nsecret_id             {(si := v.uuid())}\nsecret_id_accessor    {v.uuid()}\nsecret_id_ttl         10m\n", [si]
    yield "vault-json", json.dumps({"auth": {"client_token": (ct := "hvs." + v.chars(ALNUM, 95)), "accessor": v.chars(ALNUM, 24), "policies": ["default"]}}, indent=2) + "\n", [ct]
    yield "consul-acl", f"AccessorID:       {v.uuid()}\nSecretID:         {(co := v.uuid())}\nDescription:      Bootstrap Token\n", [co]
    yield "nomad", f"Accessor ID  = {v.uuid()}\nSecret ID    = {(no := v.uuid())}\nName         = Bootstrap Token\n", [no]
    yield "etcd", f"/registry/secrets/prod/db\nk8s\0\n\x0c\n\x02v1\x12\x06Secret\n", []
    yield "smtp", f"DEBUG smtp: > AUTH PLAIN {(sm := b64(chr(0) + 'bob' + chr(0) + p))}\nDEBUG smtp: < 235 2.7.0 Authentication successful\n", [sm]
    yield "smtp-login", f"C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: {b64('bob@examplemail.com')}\nS: 334 UGFzc3dvcmQ6\nC: {(sl := b64(p))}\n", [sl]
    yield "ftp", f"> USER bob\n< 331 Password required for bob\n> PASS {p}\n< 230 User logged in\n", [p]
    yield "imap", f"a1 LOGIN bob {p}\na1 OK LOGIN completed\n", [p]
    yield "redis-auth", f"127.0.0.1:6379> AUTH {q}\nOK\n", [q]
    yield "curl-form", f"* upload completely sent off: 60 bytes\ngrant_type=password&username=bob&password={(cf := v.chars(ALNUM, 18))}&scope=read\n", [cf]
    yield "curl-digest", f"> Authorization: Digest username=\"bob\", realm=\"r\", nonce=\"{v.hex(24)}\", uri=\"/\", response=\"{(dg := v.hex(32))}\"\n", [dg]
    yield "curl-netrc", f"machine api.example.com login bob password {p}\n", [p]
    yield "curl-cookie-header", f"> GET / HTTP/1.1\n> Cookie: theme=dark; sid={(sd := v.chars(ALNUM, 32))}\n", [sd]
    yield "set-cookie-jwt", f"< set-cookie: auth={(cj := v.jwt())}; path=/; secure; httponly\n", [cj]
    yield "location", f"< HTTP/1.1 302 Found\n< Location: https://app.example.com/cb#access_token={t}&token_type=bearer&expires_in=3600\n", [t]
    yield "oauth-code", f"GET /callback?code={(oc := v.chars(URLSAFE, 60))}&state=xyz HTTP/1.1\n", [oc]
    yield "reset-link", f"Reset your password: https://app.example.com/reset?token={(rl := v.chars(URLSAFE, 43))}\n", [rl]
    yield "invite", f"magic link: https://app.example.com/login?email=&otp={(mo := v.chars(DIGITS, 6))}&token={(mt := v.chars(ALNUM, 32))}\n", [mt]
    yield "gcs-signed", f"https://storage.googleapis.com/b/o?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Expires=900&X-Goog-Signature={(gs := v.hex(256))}\n", [gs]
    yield "cloudfront", f"https://d1.cloudfront.net/a?Expires=1893456000&Signature={(cfs := v.chars(ALNUM + '-~', 170) + '__')}&Key-Pair-Id=K2JCJMDEHXQW5F\n", [cfs]
    yield "hmac-header", f"> X-Hub-Signature-256: sha256={(hh := v.hex(64))}\n> X-GitHub-Event: push\n", [hh]
    yield "grpc-meta", f"metadata: map[authorization:[Bearer {t}] user-agent:[grpc-go/1.60]]\n", [t]
    yield "har", json.dumps({"request": {"headers": [{"name": "Authorization", "value": f"token {h}"}, {"name": "Accept", "value": "*/*"}]}}) + "\n", [h]
    yield "postman-env", json.dumps({"values": [{"key": "password", "value": p, "enabled": True}, {"key": "host", "value": "api.example.com", "enabled": True}]}) + "\n", [p]
    yield "java-stack", f"java.sql.SQLException: Access denied (url=jdbc:mysql://db/shop?user=app&password={(js := v.chars(ALNUM, 16))})\n\tat com.mysql.Driver.connect(Driver.java:12)\n", [js]
    yield "structlog", f"2025-11-03T10:00:00Z [info] login user=bob pwd='{p}' ip=10.0.0.4\n", [p]
    yield "klog", f"I1103 10:00:00.123456       1 auth.go:42] \"Using token\" token=\"{t}\" user=\"ci\"\n", [t]
    yield "serilog", f"[10:00:00 INF] Connecting with {{\"Host\": \"db\", \"Password\": \"{p}\"}}\n", [p]
    yield "x509-pem", f"tls.key: \"-----BEGIN PRIVATE KEY-----\\n{(pk1 := v.chars(BASE64, 64))}\\n{(pk2 := v.chars(BASE64, 64))}\\n-----END PRIVATE KEY-----\\n\"\n", [pk1, pk2]
    rows = v.pem("RSA PRIVATE KEY", 4).split("\n")
    yield "pem-configmap", "data:\n  id_rsa: |\n" + "\n".join("    " + r for r in rows) + "\nkind: ConfigMap\n", rows[1:-1]
    yield "pem-log-prefix", "\n".join(f"web-1  | {r}" for r in rows) + "\n", rows[1:-1]
    yield "pgp", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + "\n".join(rows[1:-1]) + "\n=aB3d\n-----END PGP PRIVATE KEY BLOCK-----\n", rows[1:-1]
    yield "ssh2", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: \"rsa-key\"\n" + "\n".join(rows[1:-1]) + "\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n", rows[1:-1]
    yield "wg-conf", f"[Interface]\nPrivateKey = {(wg := v.chars(BASE64, 43) + '=')}\nAddress = 10.1.0.2/24\n[Peer]\nPublicKey = {v.chars(BASE64, 43)}=\nPresharedKey = {(wp := v.chars(BASE64, 43) + '=')}\n", [wg, wp]
    yield "wg-genkey", f"$ wg genkey | tee privatekey\n{wg}\n", [wg]
    yield "wifi", f"network={{\n    ssid=\"cafe\"\n    psk=\"{q}\"\n}}\n", [q]
    yield "nmcli", f"802-11-wireless-security.psk:           {q}\n802-11-wireless-security.key-mgmt:      wpa-psk\n", [q]
    yield "openvpn", f"<auth-user-pass>\nbob\n{p}\n</auth-user-pass>\n", [p]
    yield "rclone", f"[b2]\ntype = b2\naccount = {v.hex(12)}\nkey = K002{(b2 := v.chars(ALNUM, 27))}\n", ["K002" + b2]
    yield "s3cfg", f"[default]\naccess_key = {a}\nsecret_key = {s}\nbucket_location = EU\n", [a, s]
    yield "restic", f"export RESTIC_PASSWORD='{q}'\nexport B2_ACCOUNT_KEY=K002{b2}\n", [q, "K002" + b2]
    yield "npmrc-auth", f"//registry.npmjs.org/:_authToken=npm_{v.chars(ALNUM, 36)}\nemail=\n", None
    yield "pip-index", f"[global]\nindex-url = https://build:{v.secret(2)}{(pi := v.secret(20))}@pypi.example.com/simple\n", [pi]
    yield "gemrc", f"---\n:rubygems_api_key: rubygems_{(rg := v.hex(48))}\n", ["rubygems_" + rg]
    yield "cargo", f"[registry]\ntoken = \"cio{(cg := v.chars(ALNUM, 32))}\"\n", ["cio" + cg]
    yield "nuget", f"<add key=\"ClearTextPassword\" value=\"{p.replace('!', 'x')}\" />\n", [p.replace("!", "x")]
    yield "gh-hosts", f"github.com:\n    user: bob\n    oauth_token: gho_{v.chars(ALNUM, 36)}\n    git_protocol: https\n", None
    yield "irc", f"PASS oauth:{(tw := v.chars(LOWER + DIGITS, 30))}\nNICK bot\n", [tw]
    yield "ldap", f"ldapsearch -x -D cn=admin,dc=x -w {p} -b dc=x\n", [p]
    yield "ldif", f"dn: uid=bob,ou=people,dc=example,dc=com\nuserPassword:: {(ld := b64('{SSHA}' + v.chars(BASE64, 32)))}\nuid: bob\n", [ld]
    yield "cisco", f"username admin privilege 15 secret 9 $9${(ci := v.chars(ALNUM, 14) + '$' + v.chars(ALNUM + './', 43))}\nsnmp-server community {(sn := v.chars(ALNUM, 12))} RO\n", ["$9$" + ci]
    yield "twilio", f"TwilioRestClient AC{v.hex(32)} auth_token={(twt := v.hex(32))}\n", [twt]
    yield "okta", f"> Authorization: SSWS 00{(ok := v.chars(URLSAFE, 40))}\n", ["00" + ok]
    yield "auth0", json.dumps({"client_id": v.chars(ALNUM, 32), "client_secret": (a0 := v.chars(URLSAFE, 64)), "audience": "https://api.example.com"}) + "\n", [a0]
    yield "snowflake", f"snowsql -a acme -u bob\nSNOWSQL_PWD={p}\n", [p]
    yield "datadog", f"DD-API-KEY: {(dd := v.hex(32))}\nDD-APPLICATION-KEY: {(da := v.hex(40))}\n", [dd, da]
    yield "elastic", f"Authorization: ApiKey {(ek := b64(v.chars(ALNUM, 20) + ':' + v.chars(ALNUM, 22)))}\n", [ek]
    yield "elastic-reset", f"Password for the [elastic] user successfully reset.\nNew value: {(er := v.chars(ALNUM + '*+=-', 18) + 'aB3' )}\n", [er]
    yield "grafana-reset", f"Admin password changed successfully to {q}\n", [q]
    yield "mongo-uri", f"MONGODB_URI='mongodb://root:{v.secret(2)}{(mg := v.secret(22))}@m1:27017,m2:27017/admin?replicaSet=rs0'\n", [mg]
    yield "totp", f"Secret key: {(to := v.chars(UPPER + '234567', 32))}\nScan the QR code or enter the key by hand.\n", [to]
    yield "backup-codes", "Recovery codes:\n" + (bc := f"{v.hex(5)}-{v.hex(5)}") + "\n", [bc]
    yield "people", f"Name: {v.name()} {v.surname()}\nE-mail: {(em := v.email())}\nPhone: {(ph := v.phone())}\nIBAN: {(ib := v.iban())}\n", [em, ph, ib]
    yield "people-csv", f"name,email,phone,ssn\n{v.name()},{em},{ph},{(ss := v.ssn())}\n", [em, ph, ss]
    yield "card-json", json.dumps({"pan": (cd := v.card()), "cvv": "", "exp_month": 4}) + "\n", [cd]
    yield "git-author", f"Author: {v.name()} <{em}>\nDate:   Mon Nov 3 10:00:00 2025 +0000\n", [em]


HARMLESS = r"""yarn.lock\n"@babel/core@^7.0.0":\n  version "7.23.0"\n  integrity sha512-@B86==
poetry.lock:\nfiles = [\n    {file = "a-1.0-py3-none-any.whl", hash = "sha256:@H64"},\n]
{"lockfileVersion":3,"packages":{"":{"name":"auth-token"},"node_modules/a":{"integrity":"sha1-@B27="}}}
certificate-authority-data: @B200==\nserver: https://10.0.0.1:6443
ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB@B340 deploy@build
known_hosts: |1|@B27=|@B27= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI@B43
debug1: Server host key: ssh-ed25519 SHA256:@B43\ndebug1: Authentications that can continue: publickey,password\ndebug1: Next authentication method: password
Docker Content Trust: sha256:@H64 signed by @H40
Name: db\nType: Opaque\n\nData\n====\npassword: 24 bytes\ntoken: 36 bytes\nca.crt: 1066 bytes
kubectl create secret generic tls --from-file=tls.key=./tls.key --from-env-file=.env\nsecret/tls created (dry run)
volumes:\n- name: token\n  projected:\n    sources:\n    - serviceAccountToken:\n        path: token\n        expirationSeconds: 3607
imagePullSecrets:\n- name: regcred\ntokenReviews: true\nautomountServiceAccountToken: false
spec:\n  tls:\n  - secretName: web-tls\n    hosts: [web.example.com]
type: kubernetes.io/service-account-token\nmetadata:\n  annotations:\n    kubernetes.io/service-account.name: builder
NAME     TYPE                                  DATA   AGE\ntoken-a  kubernetes.io/service-account-token   3      41d
NAME          SECRETS   AGE\ndefault       1         41d\nbuilder-bot   2         3d
\d users\n                Table "public.users"\n    Column     |  Type  | Nullable \n---------------+--------+----------\n password_hash | text   | not null\n reset_token   | text   | \nIndexes:\n    "users_pkey" PRIMARY KEY, btree (id)
 count | password_set | has_token \n-------+--------------+-----------\n    12 | t            | f\n(1 row)
ERROR:  role "app" cannot log in: password expired\nHINT:  Use ALTER ROLE app PASSWORD to set a new one.
INSERT INTO users (name, password) VALUES ($1, crypt($2, gen_salt('bf')));
INSERT INTO settings (name, value) VALUES ('password_min_length', '12'), ('token_ttl', '3600');
UPDATE users SET password = crypt(:'pw', gen_salt('bf')) WHERE login = 'bob';
CREATE ROLE app LOGIN PASSWORD NULL;\nALTER ROLE app VALID UNTIL '2026-01-01';
openapi: 3.0.0\ncomponents:\n  schemas:\n    Login:\n      required: [user, password]\n      properties:\n        password: {type: string, format: password, minLength: 12}
{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"token":{"type":"string","pattern":"^[A-Za-z0-9]{40}$"},"apiKey":{"$ref":"#/defs/key"}}}
input(type="password", autocomplete="current-password", name="password")
<label for="password">Password</label>\n<input id="password" type="password" required minlength="12">
"forgot_password": "Forgot your password?",\n"new_password": "New password",\n"password_mismatch": "The passwords do not match"
msgid "Password"\nmsgstr "Mot de passe"\n\nmsgid "Your token has expired"\nmsgstr "Votre jeton a expiré"
Passwords must be 12-64 characters long, with at least 1 digit and 1 of !@#$%.
To create a token, open Settings > Developer > Tokens and choose "Generate new token (classic)".
set PASSWORD to the value from 1Password (vault: Engineering)
# token: read from $XDG_CONFIG_HOME/app/token\npassword-command = "pass show app"
passwordCommand: gopass show -o mail/bob\nclientSecretFile: /etc/app/secret
GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}\nNPM_TOKEN: ${{ secrets.NPM_TOKEN }}
variables:\n  DB_PASSWORD: $CI_DB_PASSWORD\n  TOKEN: "$(cat token.txt)"
export TOKEN=$(vault print token)\nexport PASSWORD="$(op read op://prod/db/password)"
password = ENV.fetch("DB_PASSWORD")\nsecret = Rails.application.credentials.secret_key_base
const secret = process.env.JWT_SECRET || throwError("JWT_SECRET missing");
String token = request.getHeader("Authorization").substring(7);
fn token(&self) -> &Token { &self.tokens[self.pos] }\nlet secret = Secret::from_env("APP_SECRET")?;
@dataclass\nclass Login:\n    username: str\n    password: str = field(repr=False)\n    token: Optional[str] = None
assert response.json() == {"detail": "Invalid token"}\nassert user.check_password("wrong") is False
WARN auth: token for user=bob expired 32s ago, refresh scheduled\nINFO auth: token refreshed, expires_at=2025-11-03T11:00:00Z
time="2025-11-03T10:00:00Z" level=info msg="access token obtained" scope="repo,read:org" token_type=bearer expires_in=28800
nginx: 10.0.0.4 - - [03/Nov/2025:10:00:00 +0000] "POST /oauth/token HTTP/1.1" 401 57 "-" "curl/7.88.1"
> POST /v1/password/reset HTTP/1.1\n> Content-Type: application/x-www-form-urlencoded\n> Content-Length: 27
< vary: Authorization\n< access-control-allow-headers: X-Api-Key, X-Auth-Token, Authorization\n< www-authenticate: Digest realm="r", nonce="@H32", qop="auth"
< content-security-policy: default-src 'self'; script-src 'nonce-@B22==' 'sha256-@B43='\n< x-request-id: @H32
blob @H40\ntag v1.2.3\ntree @H40\nobject @H40 type commit
Merge pull request #12 from acme/rotate-token\n\n* password reset: send mail\n* Signed-off-by: Dora
Reviewed-on: https://review.example.com/c/app/+/12345\nChange-Id: I@H40
gpg: Signature made Mon 03 Nov 2025\ngpg:                using EDDSA key @U40\nPrimary key fingerprint: @U4 @U4 @U4 @U4 @U4  @U4 @U4 @U4 @U4 @U4
sha256sum: app.tar.gz: OK\nMD5 (a.iso) = @H32\nSHA512 (b.iso) = @H128
@H8-@H4-4@H3-a@H3-@H12\tjob\t@H8-@H4-4@H3-8@H3-@H12
span_id=@H16 trace_id=@H32 build_id=@H40 session_duration=120
data:font/woff2;base64,@B400
background: url("data:image/svg+xml;base64,@B120=")
"mappings": "@B300",\n"sourcesContent": []
IMEI-like 35-209900-176148-1, EAN 4006381333931, ISSN 2049-3630, order 1234-5678-9012-3456
2025-11-03 10:00:00.000 12345678 87654321 00000001 99999999
tel-like version 10.1.555.0199, ext 4155, port 55501, build 020.7946.0018a
coordinates 51.5074,-0.1278 utm 699312.00 5710163.00; size 2125550199 bytes; pid 415555
IP 10.20.30.40.51234 > 10.20.30.41.443: Flags [S], seq 2125550199, win 64240
0x7ffe12345678 0x55d0c0ffee00 in token_next () at parser.c:415""".split("\n")


def make():
    v = values("consoles")
    for number, (kind, text, found) in enumerate(written(v)):
        if found is None:  # a value that the maker made inside of the text: every word that looks made
            found = [w for w in re.findall(r"[0-9A-Za-z+/_.=]{20,}", text)]
            found = [w.split("=", 1)[1] if w.startswith("_authToken=") else w for w in found]
            found = [w for w in found if "npmjs" not in w]
        found = [f for f in found if f]
        add(f"console-{kind}", "console" if found else "harmless", text, *found)
    for number, text in enumerate(HARMLESS):
        add("console-harmless", "harmless", harmless(values("console-harmless", number), text.replace("\\n", "\n").replace("\\t", "\t")) + "\n")
    for number, kind in enumerate(TOKENS):
        v = values("console-token", kind)
        value = issuers.checked(v.token(kind))
        everywhere = issuers.places(v, TOKENS[kind][0], value)
        names = list(everywhere)
        name = names[(number * 7 + 3) % len(names)]
        add(f"console-token-{kind}", name, everywhere[name], value)
