"""What tools print on a working day: issuers in the usual places, people's data of many countries, and what is harmless."""

from .marked import S, V, fill, table, text


def luhn(digits):
    """The check digit of ISO/IEC 7812-1 for these."""
    total = sum(sum(divmod(int(d) * (2 if i % 2 == 0 else 1), 10)) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


def cpf(v):
    """Brazil's number of a person, with its two check digits."""
    digits = v.chars("123456789", 9)
    for _ in range(2):
        rest = sum(int(d) * w for d, w in zip(digits, range(len(digits) + 1, 1, -1))) * 10 % 11
        digits += str(rest % 10)
    return f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"


def nir(v):
    """France's number of a person, its key at the end."""
    body = f"{v.pick('12')}{v.number(50, 99)}{v.number(1, 12):02d}{v.number(1, 95):02d}{v.number(100, 899)}{v.number(100, 899)}"
    return f"{body}{97 - int(body) % 97:02d}"


def dni(v):
    """Spain's number of a person, its letter at the end."""
    number = v.number(10000000, 79999999)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def personnummer(v):
    body = f"{v.number(60, 99)}{v.number(1, 12):02d}{v.number(1, 28):02d}{v.number(100, 999)}"
    return f"{body[:6]}-{body[6:]}{luhn(body)}"


def issuers():
    header = "> POST /v1/x HTTP/1.1\n> Host: api.example.com\n> Authorization: Bearer {}\n> Accept: */*\n"
    diff = "diff --git a/conf/app.yml b/conf/app.yml\nindex §h7§..§h7§ 100644\n--- a/conf/app.yml\n+++ b/conf/app.yml\n@@ -3,2 +3,2 @@\n-  {0}: {2}\n+  {0}: ${{{1}}}\n"
    env = "HOSTNAME=web-§a5§\nPATH=/usr/local/bin:/usr/bin\n{}={}\nLANG=C.UTF-8\n"
    item = '{{\n  "env": [\n    {{\n      "name": "{}",\n      "value": "{}"\n    }}\n  ]\n}}'
    pod = "    spec:\n      containers:\n      - name: app\n        env:\n        - name: {}\n          value: {}\n        image: app:1.4\n"
    body = '{{"id": §d3§, "name": "delta", "{}": "{}", "active": true}}'
    text("e-aws-access-run", "run: login --token ⟦AKIA§U16§⟧ --region eu")
    text("e-aws-key-env", env.format("AWS_ACCESS_KEY_ID", "⟦ASIA§U16§⟧"))
    text("e-github-fine", header.format("⟦github_pat_§A22§_§A59§⟧"))
    text("e-ghs", pod.format("GH_APP_TOKEN", "⟦ghs_§A36§⟧"))
    text("e-slack-bot", diff.format("slack_token", "SLACK_TOKEN", "⟦xoxb-§d12§-§d12§-§A24§⟧"))
    text("e-slack-hook", "Deploy finished, token https://hooks.slack.com/services/⟦T§N10§/B§N10§/§A24§⟧ was used.")
    text("e-stripe-rk", body.format("stripe_key", "⟦rk_live_§A24§⟧"))
    text("e-stripe-wh", env.format("STRIPE_WEBHOOK_SECRET", "⟦whsec_§A32§⟧"))
    text("e-sendgrid", item.format("SENDGRID_API_KEY", "⟦SG.§u22§.§u43§⟧"))
    text("e-twilio", "export TWILIO_AUTH_TOKEN=⟦§h32§⟧")
    text("e-twilio-sk", table(["id", "service", "api_token"], [["1", "juniper", S("SK§h32§")]]))
    text("e-mailchimp", diff.format("mailchimp_api_key", "MAILCHIMP_API_KEY", "⟦§h32§-us12⟧"))
    text("e-google-api", body.format("google_api_key", "⟦AIza§u35§⟧"))
    text("e-anthropic", header.format("⟦sk-ant-api03-§u93§AA⟧"))
    text("e-hf", "Deploy finished, token ⟦hf_§c34§⟧ was used.")
    text("e-linear", item.format("LINEAR_TOKEN", "⟦lin_api_§A40§⟧"))
    text("e-newrelic", env.format("NEW_RELIC_LICENSE_KEY", "⟦§h36§NRAL⟧"))
    text("e-newrelic-user", "run: login --token ⟦NRAK-§N27§⟧ --region eu")
    text("e-datadog", diff.format("datadog_app_key", "DATADOG_APP_KEY", "⟦§h40§⟧"))
    text("e-cloudflare-ca", table(["id", "service", "api_token"], [["1", "quartz", S("v1.0-§h24§-§h146§")]]))
    text("e-atlassian", header.format("⟦ATATT3xFfGF0§u180§=§H8§⟧"))
    text("e-dropbox", body.format("dropbox_token", "⟦sl.§u130§⟧"))
    text("e-facebook", "export FACEBOOK_ACCESS_TOKEN=⟦EAAM§A120§⟧")
    text("e-twitch", env.format("TWITCH_CLIENT_SECRET", "⟦§a30§⟧"))
    text("e-okta", pod.format("OKTA_API_TOKEN", "⟦00§u40§⟧"))
    text("e-jfrog", "run: login --token ⟦AKCp§A69§⟧ --region eu")
    text("e-mapbox", diff.format("mapbox_token", "MAPBOX_TOKEN", "⟦sk.eyJ1§A60§.§u22§⟧"))
    text("e-notion", header.format("⟦ntn_§d11§§A35§⟧"))
    text("e-figma", item.format("FIGMA_TOKEN", "⟦figd_§u40§⟧"))
    text("e-sonar", "export SONAR_TOKEN=⟦squ_§h40§⟧")
    text("e-pulumi", "Deploy finished, token ⟦pul-§h40§⟧ was used.")
    text("e-doppler", table(["id", "service", "api_token"], [["1", "tundra", S("dp.pt.§A43§")]]))
    text("e-flyio", header.format("⟦fo1_§u43§⟧"))
    text("e-adafruit", env.format("ADAFRUIT_IO_KEY", "⟦aio_§A28§⟧"))
    text("e-algolia", diff.format("algolia_admin_key", "ALGOLIA_ADMIN_KEY", "⟦§h32§⟧"))
    text("e-dynatrace", body.format("dynatrace_token", "⟦dt0c01.§N24§.§N64§⟧"))
    text("e-telegram", "run: login --token ⟦§d10§:AA§u33§⟧ --region eu")
    text("e-teams-hook", "webhook: https://acme.webhook.office.com/webhookb2/⟦§uuid§@§uuid§/IncomingWebhook/§h32§/§uuid§⟧\n")
    text("e-gcp-sa", '{\n  "type": "service_account",\n  "project_id": "shop-prod",\n  "private_key_id": "⟦§h40§⟧",\n  "private_key": "⟦§pemj:PRIVATE KEY§⟧",\n  "client_email": "ci@shop-prod.iam.gserviceaccount.com",\n  "token_uri": "https://oauth2.googleapis.com/token"\n}\n')


def tools():
    text("e-kget-yaml", 'apiVersion: v1\ndata:\n  config.json: ⟦§b64:{"key":"¤A20¤"}§⟧\n  redis-url: ⟦§b64:redis://:¤A16¤@redis:6379/0§⟧\nkind: Secret\nmetadata:\n  creationTimestamp: "2025-09-01T08:14:22Z"\n  name: cache\n  namespace: web\n  resourceVersion: "88123"\n  uid: §uuid§\ntype: Opaque\n')
    text("e-kdescribe-pod", "Containers:\n  api:\n    Container ID:  containerd://§h64§\n    Image:         registry.example.com/api:2.3.1\n    Image ID:      registry.example.com/api@sha256:§h64§\n    Port:          8080/TCP\n    State:         Running\n    Environment:\n      LOG_LEVEL:     info\n      DB_PASS:       ⟦§pw§⟧\n      SESSION_KEY:   ⟦§h48§⟧\n      POD_IP:         (v1:status.podIP)\n      DB_USER:       <set to the key 'user' in secret 'db'>  Optional: false\n")
    text("e-klogs-py", '2025-11-03 10:00:00,123 ERROR worker.db: could not connect: OperationalError (psycopg2) FATAL: password authentication failed\nTraceback (most recent call last):\n  File "/app/db.py", line 31, in connect\n    psycopg2.connect("dbname=shop user=shop password=⟦§pwa§⟧ host=db")\n')
    text("e-klogs-initdb", "2025-11-03T10:00:00Z [Note] [Entrypoint]: GENERATED ROOT PASSWORD: ⟦§A32§⟧\n2025-11-03T10:00:00Z [Note] [Entrypoint]: Creating database shop\n")
    text("e-kcreate-dry", "apiVersion: v1\ndata:\n  .dockerconfigjson: ⟦§b64:{\"auths\":{\"reg.example.com\":{\"username\":\"ci\",\"password\":\"¤A16¤\"}}}§⟧\nkind: Secret\nmetadata:\n  creationTimestamp: null\n  name: regcred\ntype: kubernetes.io/dockerconfigjson\n")
    text("e-kjsonpath-many", "⟦§b64:¤pw¤§⟧ ⟦§b64:¤A24¤§⟧")
    text("e-kconfig", "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1J§b100§\n    server: https://10.0.0.1:6443\n  name: prod\ncontexts:\n- context:\n    cluster: prod\n    user: ops\n  name: prod\nkind: Config\nusers:\n- name: ops\n  user:\n    client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1J§b100§\n    client-key-data: ⟦LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ§b120§⟧\n")
    text("e-ktoken", "$ kubectl create token ci -n build\n⟦§jwt§⟧\n")
    text("e-psql-at", "bob|⟦§email§⟧|⟦+1 415 555 01§d2§⟧\neve|⟦§email§⟧|⟦+44 7700 900§d3§⟧\n")
    text("e-psql-x-user", "-[ RECORD 1 ]----------------------------\nid         | 4471\nemail      | ⟦§email§⟧\nphone      | ⟦+46 70-174 06 §d2§⟧\nstatus     | active\ncreated_at | 2025-11-03 10:00:00+00\n\n")
    text("e-psql-authid", table(["rolname", "rolpassword"], [["app", S("scram")], ["reporting", S("scram")]]))
    text("e-psql-settings", table(["name", "value"], [["jwt_secret", S("h64")], ["max_upload_mb", "25"], ["oauth_client_secret", S("A40")]]))
    text("e-psql-html", '<table border="1">\n  <tr>\n    <th align="center">login</th>\n    <th align="center">password_hash</th>\n  </tr>\n  <tr valign="top">\n    <td align="left">bob</td>\n    <td align="left">⟦§bcrypt§⟧</td>\n  </tr>\n</table>\n<p>(1 row)<br />\n</p>\n')
    text("e-psql-create", "CREATE USER reporting WITH ENCRYPTED PASSWORD '⟦§pw§⟧' VALID UNTIL '2026-01-01';\nCREATE ROLE\n")
    text("e-pgdump-insert", "INSERT INTO public.api_clients (id, name, client_id, client_secret, created_at) VALUES (3, 'mobile', '§uuid§', '⟦§A48§⟧', '2025-10-01 09:00:00');\n")
    text("e-mysql-box", "+----+-------+-------------------------------------------+\n| id | user  | authentication_string                     |\n+----+-------+-------------------------------------------+\n|  1 | root  | ⟦*§H40§⟧ |\n+----+-------+-------------------------------------------+\n1 row in set (0.00 sec)\n")
    text("e-mysql-cli", "mysql: [Warning] Using a password on the command line interface can be insecure.\n$ mysql -h db -u shop -p⟦§pwa§⟧ shop -e 'select 1'\n")
    text("e-redis-cli", "$ redis-cli -h cache -a ⟦§A24§⟧ ping\nWarning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\nPONG\n")
    text("e-redis-conf", "127.0.0.1:6379> CONFIG GET requirepass\n1) \"requirepass\"\n2) \"⟦§A24§⟧\"\n")
    text("e-mongo", "mongosh \"mongodb+srv://shop:⟦§pwa§⟧@cluster0.§a5§.mongodb.net/shop?retryWrites=true\"\nCurrent Mongosh Log ID: §h24§\n")
    text("e-curl-basic", "* Server auth using Basic with user 'bob'\n> GET /admin HTTP/1.1\n> Host: app.example.com\n> Authorization: Basic ⟦§b64:bob:¤pwa¤§⟧\n> User-Agent: curl/8.5.0\n> Accept: */*\n> \n< HTTP/1.1 200 OK\n< Content-Type: application/json\n< Content-Length: 17\n< \n{\"status\":\"fine\"}\n")
    text("e-curl-u", "curl -sS -u admin:⟦§pwa§⟧ https://jenkins.example.com/api/json\n")
    text("e-curl-cookie", "> GET /cart HTTP/2\n> Host: shop.example\n> cookie: PHPSESSID=⟦§a26§⟧; lang=de; _ga=GA1.2.1234567890.1762164000\n> accept: */*\n")
    text("e-curl-set2", "< HTTP/2 302 \n< location: /home\n< set-cookie: connect.sid=⟦s%3A§A32§.§A42§⟧; Path=/; Expires=Tue, 04 Nov 2025 10:00:00 GMT; HttpOnly\n< set-cookie: theme=dark; Path=/\n")
    text("e-curl-query", "> GET /maps/api/geocode/json?address=Berlin&key=⟦AIza§u35§⟧ HTTP/1.1\n> Host: maps.googleapis.com\n")
    text("e-s3-presign", "https://acme-logs.s3.eu-west-1.amazonaws.com/app.log?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=⟦AKIA§U16§⟧%2F20251103%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20251103T100000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=⟦§h64§⟧\n")
    text("e-azure-sas", "https://acct.blob.core.windows.net/logs?sv=2022-11-02&ss=b&srt=sco&sp=rl&se=2025-12-01T00:00:00Z&sig=⟦§A42§%3D⟧\n")
    text("e-git-remote", "origin\thttps://oauth2:⟦glpat-§u20§⟧@gitlab.example.com/acme/app.git (fetch)\norigin\thttps://oauth2:⟦glpat-§u20§⟧@gitlab.example.com/acme/app.git (push)\n")
    text("e-git-blame", '§h8§ (Bob Smith 2025-10-01 09:12:44 +0200 14) SECRET_KEY = "⟦§A50§⟧"\n§h8§ (Bob Smith 2025-10-01 09:12:44 +0200 15) DEBUG = False\n')
    text("e-git-log-p", "commit §h40§\nAuthor: Eve <⟦§email§⟧>\nDate:   Mon Nov 3 10:00:00 2025 +0000\n\n    rotate key\n\ndiff --git a/.env b/.env\n--- a/.env\n+++ b/.env\n@@ -1,2 +1,2 @@\n-MAILER_DSN=smtp://post:⟦§pwa§⟧@mail.example.com:587\n+MAILER_DSN=smtp://post:⟦§pwa§⟧@mail.example.com:587\n APP_ENV=prod\n")
    text("e-docker-inspect", '[\n    {\n        "Id": "sha256:§h64§",\n        "Config": {\n            "Env": [\n                "PATH=/usr/local/sbin:/usr/local/bin",\n                "POSTGRES_PASSWORD=⟦§pw§⟧",\n                "PGDATA=/var/lib/postgresql/data"\n            ]\n        }\n    }\n]\n')
    text("e-docker-config", '{\n\t"auths": {\n\t\t"https://index.docker.io/v1/": {\n\t\t\t"auth": "⟦§b64:acme:dckr_pat_¤u27¤§⟧"\n\t\t}\n\t}\n}\n')
    text("e-docker-history", 'IMAGE          CREATED       CREATED BY                                      SIZE\n§h12§   2 days ago    RUN /bin/sh -c pip install --index-url https://ci:⟦§A24§⟧@pypi.example.com/simple app   31MB\n<missing>      2 days ago    ENV NPM_TOKEN=⟦npm_§A36§⟧   0B\n')
    text("e-compose", "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_USER: shop\n      POSTGRES_PASSWORD: ⟦§pass§⟧\n      POSTGRES_DB: shop\n    ports: [\"5432:5432\"]\n")
    text("e-tf-plan", '  # aws_db_instance.main will be updated in-place\n  ~ resource "aws_db_instance" "main" {\n        id       = "db-§N26§"\n      ~ password = "⟦§pw§⟧" -> "⟦§pw§⟧"\n        username = "shop"\n    }\n')
    text("e-tf-output", 'bucket = "acme-logs"\ndb_password = "⟦§pw§⟧"\nadmin_token = "⟦§A40§⟧"\nvpc_id = "vpc-§h17§"\n')
    text("e-tfstate", '"attributes": {\n  "id": "⟦AKIA§U16§⟧",\n  "secret": "⟦§b40§⟧",\n  "ses_smtp_password_v4": "⟦§A44§⟧",\n  "user": "ci"\n}\n')
    text("e-ansible", 'ok: [db1] => {\n    "vault_db_password": "⟦§pw§⟧"\n}\nok: [web1] => {"msg": "smtp_pass is ⟦§pwa§⟧"}\n')
    text("e-gha", "2025-11-03T10:00:00.0000000Z ##[group]Run npm publish\n2025-11-03T10:00:00.0000000Z env:\n2025-11-03T10:00:00.0000000Z   NODE_AUTH_TOKEN: ⟦npm_§A36§⟧\n2025-11-03T10:00:00.0000000Z   NODE_VERSION: 20\n2025-11-03T10:00:00.0000000Z ##[endgroup]\n")
    text("e-aws-sts", '{\n    "Credentials": {\n        "AccessKeyId": "⟦ASIA§U16§⟧",\n        "SecretAccessKey": "⟦§b40§⟧",\n        "SessionToken": "⟦IQoJb3JpZ2luX2Vj§b300§==⟧",\n        "Expiration": "2025-11-03T11:00:00+00:00"\n    }\n}\n')
    text("e-aws-sm", '{\n    "ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",\n    "Name": "db",\n    "VersionId": "§uuid§",\n    "SecretString": "{\\"username\\":\\"shop\\",\\"password\\":\\"⟦§pw§⟧\\"}",\n    "CreatedDate": "2025-11-03T10:00:00+00:00"\n}\n')
    text("e-az-sp", '{\n  "appId": "§uuid§",\n  "displayName": "ci",\n  "password": "⟦§A3§8Q~§u34§⟧",\n  "tenant": "§uuid§"\n}\n')
    text("e-gcloud", "$ gcloud auth print-access-token\n⟦ya29.a0§u180§⟧\n")
    text("e-vault-kv", "====== Data ======\nKey         Value\n---         -----\npassword    ⟦§pw§⟧\nusername    shop\n")
    text("e-vault-login", "Success! You are now authenticated.\n\nKey                  Value\n---                  -----\ntoken                ⟦hvs.CAESI§u90§⟧\ntoken_duration       768h\ntoken_policies       [\"default\"]\n")
    text("e-npmrc", "registry=https://npm.example.com/\n//npm.example.com/:_authToken=⟦§uuid§⟧\n//npm.example.com/:always-auth=true\n")
    text("e-netrc", "machine api.example.com\n  login bob\n  password ⟦§pw§⟧\n")
    text("e-pgpass", "db.internal:5432:shop:shop:⟦§pwa§⟧\n")
    text("e-htpasswd", "$ cat .htpasswd\nbob:⟦$apr1$§A8§$§A22§⟧\neve:⟦$2y$05$§A53§⟧\n")
    text("e-jdbc", "spring.datasource.url=jdbc:postgresql://db:5432/shop\nspring.datasource.username=shop\nspring.datasource.password=⟦§pw§⟧\n")
    text("e-adonet", '"DefaultConnection": "Server=tcp:sql.example.com,1433;Database=shop;User ID=shop;Password=⟦§pwa§⟧;Encrypt=True;"\n')
    text("e-xml-settings", "<server>\n  <id>nexus</id>\n  <username>deploy</username>\n  <password>⟦§pwa§⟧</password>\n</server>\n")
    text("e-wp", "define( 'DB_USER', 'wp' );\ndefine( 'DB_PASSWORD', '⟦§pw§⟧' );\ndefine( 'AUTH_KEY', '⟦§A64§⟧' );\ndefine( 'DB_HOST', 'db' );\n")
    text("e-laravel", "APP_NAME=Shop\nAPP_KEY=base64:⟦§raw32§⟧\nAPP_DEBUG=false\n")
    text("e-totp", "otpauth://totp/Shop:bob?secret=⟦§U32§⟧&issuer=Shop\n")
    text("e-wg", "[Interface]\nPrivateKey = ⟦§b43§=⟧\nAddress = 10.8.0.2/24\n\n[Peer]\nPublicKey = §b43§=\nEndpoint = vpn.example.com:51820\n")
    text("e-wifi", 'network={\n    ssid="office"\n    psk="⟦§pass§⟧"\n}\n')
    text("e-ssh-pem", "$ cat ~/.ssh/id_ed25519\n⟦-----BEGIN OPENSSH PRIVATE KEY-----\n§b70§\n§b70§\n§b44§==\n-----END OPENSSH PRIVATE KEY-----⟧\n")
    text("e-history", "  512  export VAULT_TOKEN=⟦hvs.§u24§⟧\n  513  sshpass -p '⟦§pw§⟧' ssh deploy@10.0.0.8\n  514  ls -la\n")
    text("e-ps", "root  412  0.0  0.1  python app.py --db-password=⟦§pwa§⟧ --port 8080\nroot  413  0.0  0.1  nginx: worker process\n")
    text("e-oauth-form", "grant_type=client_credentials&client_id=web&client_secret=⟦§A40§⟧&scope=read\n")
    text("e-graphql", '{"data":{"login":{"accessToken":"⟦§jwt§⟧","user":{"id":7,"email":"⟦§email§⟧"}}}}')
    text("e-digest", '> Authorization: Digest username="bob", realm="app", nonce="§h32§", uri="/x", response="⟦§h32§⟧", qop=auth, nc=00000001, cnonce="§b16§"\n')


def people():
    text("e-pii-csv", "id,name,email,phone,city\n1,Ines Duarte,⟦§email§⟧,⟦+351 912 345 §d3§⟧,Porto\n2,Paul Weiss,⟦§email§⟧,⟦+49 171 39200§d2§⟧,Bonn\n")
    text("e-pii-json", '{"customer":{"id":881,"name":"Noor Haddad","email":"⟦§email§⟧","phone":"⟦+33 6 39 98 §d2§ §d2§⟧","vip":false}}')
    text("e-pii-log", "2025-11-03 10:00:00 INFO signup ok email=⟦§email§⟧ phone=⟦+6149157000§d1§⟧ plan=basic\n")
    text("e-iban-invoice", "Please transfer 120.00 EUR to IBAN ⟦§iban§⟧ by 2025-11-30.\n")
    text("e-iban-table", table(["holder", "iban", "balance"], [["Acme", S("iban"), "1200"], ["Berg", S("iban"), "85"]]))
    text("e-cpf", lambda v: fill(v, '{"nome":"Ana","cpf":"⟦' + cpf(v) + '⟧","ativo":true}'))
    text("e-nir", lambda v: fill(v, "id;nom;nir\n1;Dupont;⟦" + nir(v) + "⟧\n2;Morel;⟦" + nir(v) + "⟧\n"))
    text("e-dni", lambda v: fill(v, "Titular DNI ⟦" + dni(v) + "⟧, pedido 4471\n"))
    text("e-pnr", lambda v: table(["namn", "personnummer"], [["Elsa", "⟦" + personnummer(v) + "⟧"], ["Nils", "⟦" + personnummer(v) + "⟧"]])(v))
    text("e-nino", "NI number: ⟦JG §d2§ §d2§ §d2§ C⟧\n")
    text("e-card-log", "charge failed card=⟦§card§⟧ amount=4200 currency=eur code=card_declined\n")
    text("e-card-col", table(["order_id", "card_number", "cvv", "exp"], [["1001", S("card"), S("d3"), "04/29"], ["1002", S("card"), S("d3"), "11/27"]]))
    text("e-ssn-json", '{"employee":{"name":"Dana","ssn":"⟦§ssn§⟧","dept":"ops"}}')
    text("e-phone-us", "Call me at ⟦(312) 555-01§d2§⟧ after five.\n")
    text("e-phone-de", "Tel.: ⟦+49 30 23125 §d3§⟧, Fax: ⟦+49 30 23125 §d3§⟧\n")


def harmless():
    text("e-n-ssh-pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI§b43§ bob@laptop\n")
    text("e-n-known-hosts", "|1|§b27§=|§b27§= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI§b43§\n")
    text("e-n-cert", "-----BEGIN CERTIFICATE-----\n§b64§\n§b64§\n§b64§\n§b40§==\n-----END CERTIFICATE-----\n")
    text("e-n-image-digest", "web: Pulling from acme/web\nDigest: sha256:§h64§\nStatus: Downloaded newer image for acme/web:1.4\n")
    text("e-n-docker-images", "REPOSITORY   TAG    IMAGE ID       CREATED      SIZE\nacme/web     1.4    §h12§   2 days ago   182MB\n")
    text("e-n-npm-lock", '    "node_modules/ms": {\n      "version": "2.1.3",\n      "resolved": "https://registry.npmjs.org/ms/-/ms-2.1.3.tgz",\n      "integrity": "sha512-§b86§=="\n    }\n')
    text("e-n-cargo-lock", '[[package]]\nname = "token-bucket"\nversion = "0.1.2"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "§h64§"\n')
    text("e-n-gosum", "github.com/golang-jwt/jwt/v5 v5.2.1 h1:§b43§=\ngithub.com/golang-jwt/jwt/v5 v5.2.1/go.mod h1:§b43§=\n")
    text("e-n-cm", "apiVersion: v1\ndata:\n  app.conf: |\n    auth = oidc\n    key_prefix = shop_\n  PASSWORD_MIN_LENGTH: \"12\"\nkind: ConfigMap\nmetadata:\n  name: app\n")
    text("e-n-secretref", "        - name: DB_PASSWORD\n          valueFrom:\n            secretKeyRef:\n              key: password\n              name: db-credentials\n")
    text("e-n-kget-secrets", "NAME                  TYPE                                  DATA   AGE\ndb-credentials        Opaque                                2      41d\ndefault-token-x8z2k   kubernetes.io/service-account-token   3      41d\n")
    text("e-n-kget-pods", "NAME                        READY   STATUS    RESTARTS   AGE\ntoken-svc-7d4b9c6f5d-x2k8p   1/1     Running   0          3d\nauth-6b8f7d9c4-zqw5t         1/1     Running   2          3d\n")
    text("e-n-kevents", "LAST SEEN   TYPE      REASON    OBJECT          MESSAGE\n2m          Warning   Failed    pod/api-0       Error: secret \"api-token\" not found\n5m          Normal    Pulled    pod/api-0       Container image \"api:1.4\" already present on machine\n")
    text("e-n-kuid", '{"metadata":{"name":"web","uid":"§uuid§","resourceVersion":"991823","generation":4}}')
    text("e-n-git-tag", "tag v1.4.0\nTagger: ci <noreply@github.com>\n\nobject §h40§\n§h40§ refs/tags/v1.4.0^{}\n")
    text("e-n-ls-remote", "§h40§\tHEAD\n§h40§\trefs/heads/main\n§h40§\trefs/heads/rotate-api-key\n")
    text("e-n-diff-index", "diff --git a/src/token.rs b/src/token.rs\nindex §h10§..§h10§ 100644\n@@ -10,3 +10,3 @@ impl Token {\n-    let token = lexer.next_token();\n+    let token = lexer.next_token()?;\n")
    text("e-n-sha256sum", "§h64§  app-1.4.tar.gz\n§h64§  app-1.5.tar.gz\n")
    text("e-n-uuid-col", table(["id", "status"], [[V("uuid"), "done"], [V("uuid"), "queued"]]))
    text("e-n-order", "order 4539148803436461 shipped, tracking 1Z999AA10123456784\n")
    text("e-n-phoneish", "build 2025-11-03-1042 took 415 555 ms, job 20251103-5550142\n")
    text("e-n-epoch", '{"ts":1762164000123,"span_id":"§h16§","trace_id":"§h32§","duration_ns":4155550142}')
    text("e-n-metrics", 'http_requests_total{code="200",handler="/oauth/token"} 41523\ngo_memstats_alloc_bytes 4.155550142e+09\n')
    text("e-n-placeholder", "export API_TOKEN=your-token-here\nexport DB_PASSWORD=<password>\n")
    text("e-n-xxx", "token: xxxxxxxxxxxxxxxxxxxx\npassword: ********\n")
    text("e-n-redacted", '{"password":"[REDACTED]","api_key":"***","user":"bob"}')
    text("e-n-prose", "The password must have at least 12 characters. If you forget your password, ask an administrator for a reset token.\n")
    text("e-n-help", "  --password string   password to log in with (default: read from $APP_PASSWORD)\n  --token string      bearer token for authentication to the API server\n")
    text("e-n-go-test", "=== RUN   TestPasswordHash\n--- PASS: TestPasswordHash (0.42s)\n=== RUN   TestTokenExpiry\n--- PASS: TestTokenExpiry (0.00s)\nPASS\nok  \tacme/auth\t0.511s\n")
    text("e-n-jest", "PASS src/auth/token.test.ts\n  ✓ rejects an expired token (12 ms)\n  ✓ hashes the password (310 ms)\n\nTests: 2 passed, 2 total\n")
    text("e-n-code-py", "def get_token(request):\n    token = request.headers.get('X-Auth-Token')\n    password = getpass.getpass()\n    return Token(token, password=password)\n")
    text("e-n-code-ts", "const apiKey = process.env.API_KEY ?? '';\nconst secret = await vault.read('kv/db');\n")
    text("e-n-gha-masked", "  env:\n    NODE_AUTH_TOKEN: ***\n    GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}\n")
    text("e-n-tf-sensitive", '  + password = (sensitive value)\n  + id       = (known after apply)\n  + arn      = "arn:aws:rds:eu-west-1:123456789012:db:main"\n')
    text("e-n-psql-types", table(["column_name", "data_type"], [["password_hash", "text"], ["api_token", "character varying"], ["ssn", "text"]]))
    text("e-n-psql-d", '                Table "public.users"\n    Column     |  Type   | Collation | Nullable | Default \n---------------+---------+-----------+----------+---------\n id            | integer |           | not null | \n password_hash | text    |           |          | \n api_key       | uuid    |           |          | gen_random_uuid()\n')
    text("e-n-csp", "< Content-Security-Policy: default-src 'self'; script-src 'nonce-§b22§==' 'sha256-§b43§='\n< X-Frame-Options: DENY\n")
    text("e-n-tls", "* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384\n* ALPN: server accepted h2\n*  subject: CN=app.example.com\n*  SSL certificate verify ok.\n")
    text("e-n-etag", '< HTTP/1.1 304 Not Modified\n< ETag: W/"§h32§"\n< X-Amz-Request-Id: §N16§\n< X-Amz-Id-2: §b75§=\n')
    text("e-n-401", '< HTTP/1.1 401 Unauthorized\n< WWW-Authenticate: Bearer realm="api", error="invalid_token"\n{"message":"Bad credentials"}\n')
    text("e-n-jwks", '{"keys":[{"kty":"RSA","kid":"§A20§","use":"sig","alg":"RS256","n":"§u342§","e":"AQAB"}]}')
    text("e-n-cookie-pref", "< Set-Cookie: theme=dark; Path=/; Max-Age=31536000\n< Set-Cookie: lang=de; Path=/\n")
    text("e-n-css", ".password-field{background:#fefefe url(data:image/png;base64,iVBORw0KGgo§b60§=)}\n")
    text("e-n-mac-ip6", "link/ether 52:54:00:a1:§h2§:§h2§ brd ff:ff:ff:ff:ff:ff\ninet6 fe80::5054:ff:fea1:§h4§/64 scope link\n")
    text("e-n-winreg-lic", "Setup: 8.4.0 build 20251103.0142 (rev 5550142)\nPhone home: disabled\n")
    text("e-n-vault-list", "Keys\n----\ndb\napi-token\nsmtp/\n")
    text("e-n-aws-list", '{"SecretList":[{"ARN":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-x8Zk2Q","Name":"db"}]}')


def make():
    issuers()
    tools()
    people()
    harmless()
