"""Shapes of more issuers in the places where tokens stand, and texts of programs that others run."""

from .case import values
from .marked import S, V, fill, record, table, text

# What the key is called, and its shape.
SHAPES = {
    "adafruit": ("AIO_KEY", "aio_§A28§"), "adobe": ("ADOBE_CLIENT_SECRET", "p8e-§A32§"),
    "age2": ("SOPS_AGE_KEY", "AGE-SECRET-KEY-1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L§N26§"),
    "airtable-pat": ("AIRTABLE_TOKEN", "pat§A14§.§h64§"), "alibaba-secret": ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "§A30§"),
    "atlassian3": ("JIRA_API_TOKEN", "ATATT3xFfGF0§u170§=§H8§"), "authress": ("AUTHRESS_KEY", "sc_§a12§.§a4§.acc_§a12§.§A44§"),
    "beamer": ("BEAMER_API_KEY", "b_§A43§="), "clojars2": ("CLOJARS_PASSWORD", "CLOJARS_§a60§"),
    "codecov": ("CODECOV_TOKEN", "§a32§"), "cohere": ("COHERE_API_KEY", "§A40§"), "coinbase": ("COINBASE_ACCESS_TOKEN", "§u64§"),
    "contentful2": ("CONTENTFUL_DELIVERY_TOKEN", "§u43§"), "dnkey": ("DEFINED_NETWORKING_TOKEN", "dnkey-§u26§-§u52§"),
    "do-oauth": ("DO_TOKEN", "doo_v1_§h64§"), "do-refresh": ("DO_REFRESH_TOKEN", "dor_v1_§h64§"),
    "droneci": ("DRONE_TOKEN", "§a32§"), "duffel": ("DUFFEL_TOKEN", "duffel_live_§u43§"),
    "dynatrace2": ("DT_API_TOKEN", "dt0c01.§N24§.§N64§"), "easypost2": ("EASYPOST_API_KEY", "EZAK§A54§"),
    "facebook2": ("FB_PAGE_TOKEN", "EAAB§A120§"), "finnhub": ("FINNHUB_API_KEY", "§a20§"),
    "flutterwave2": ("FLW_SECRET_KEY", "FLWSECK_TEST-§h32§-X"), "fly2": ("FLY_API_TOKEN", "FlyV1 fm2_§b120§"),
    "frameio": ("FRAMEIO_TOKEN", "fio-u-§u64§"), "freshbooks": ("FRESHBOOKS_TOKEN", "§a64§"),
    "gcp-api": ("MAPS_API_KEY", "AIza§u35§"), "gitlab-cbt": ("CI_JOB_TOKEN", "glcbt-64_§u20§"),
    "gitlab-flag": ("FLAGS_TOKEN", "glffct-§u20§"), "gitlab-mail": ("GITLAB_MAIL_TOKEN", "glimt-§a25§"),
    "gitlab-scim": ("SCIM_TOKEN", "glsoat-§u20§"), "gitlab-feed2": ("FEED_TOKEN", "glft-§u20§"),
    "gocardless": ("GC_ACCESS_TOKEN", "live_§u40§"), "grafana-key": ("GF_API_KEY", "eyJrIjoi§A70§"),
    "grafana-cloud2": ("GRAFANA_CLOUD_KEY", "glc_eyJ§A80§="), "hf-org": ("HF_ORG_TOKEN", "api_org_§c34§"),
    "hf2": ("HUGGING_FACE_HUB_TOKEN", "hf_§c34§"), "heroku-uuid": ("HEROKU_API_KEY", "§uuid§"),
    "intra42": ("INTRA_TOKEN", "s-s4t2ud-§h64§"), "ibm-iam": ("IBM_CLOUD_API_KEY", "§u44§"),
    "ibm-hmac": ("IBM_COS_HMAC_SECRET", "§h48§"), "softlayer": ("SOFTLAYER_API_KEY", "§h64§"),
    "cloudant": ("CLOUDANT_PASSWORD", "§h64§"), "artifactory-ap": ("ARTIFACTORY_PASSWORD", "AP6§A40§"),
    "artifactory-akc": ("ARTIFACTORY_API_KEY", "AKCp8§A68§"), "jfrog-ref": ("JFROG_TOKEN", "cmVmdGtuOjAxOj§A50§"),
    "kraken": ("KRAKEN_SECRET", "§b86§=="), "lob": ("LOB_API_KEY", "live_§h35§"), "looker": ("LOOKER_CLIENT_SECRET", "§a24§"),
    "mailchimp2": ("MC_API_KEY", "§h32§-us21"), "mapbox-sk": ("MAPBOX_TOKEN", "sk.eyJ1Ijoi§A60§.§A22§"),
    "maxmind": ("MAXMIND_LICENSE", "§A6§_§A29§_mmk"), "messagebird": ("MESSAGEBIRD_KEY", "§A25§"),
    "newrelic-user": ("NEW_RELIC_KEY", "NRAK-§N27§"), "newrelic-browser": ("NR_BROWSER_KEY", "NRJS-§h19§"),
    "newrelic-insights": ("NR_INSERT_KEY", "NRII-§u32§"), "notion-new": ("NOTION_API_KEY", "ntn_§d11§§A35§"),
    "notion-secret": ("NOTION_SECRET", "secret_§A43§"), "octopus": ("OCTOPUS_API_KEY", "API-§N26§"),
    "openshift2": ("OC_TOKEN", "sha256~§u43§"), "perplexity2": ("PPLX_API_KEY", "pplx-§A48§"),
    "planetscale-tkn": ("PSCALE_TOKEN", "pscale_tkn_§u43§"), "planetscale-oauth": ("PSCALE_OAUTH", "pscale_oauth_§u43§"),
    "prefect2": ("PREFECT_API_KEY", "pnu_§a36§"), "pulumi2": ("PULUMI_ACCESS_TOKEN", "pul-§h40§"),
    "readme2": ("RDME_KEY", "rdme_§a70§"), "scalingo": ("SCALINGO_API_TOKEN", "tk-us-§u48§"),
    "sendinblue": ("BREVO_KEY", "xkeysib-§h64§-§A16§"), "sentry-org": ("SENTRY_AUTH_TOKEN", "sntrys_eyJpYXQiO§A100§_§A43§"),
    "settlemint": ("SM_TOKEN", "sm_pat_§A16§"), "shippo2": ("SHIPPO_TOKEN", "shippo_live_§h40§"),
    "shopify-custom": ("SHOPIFY_ADMIN_TOKEN", "shpca_§h32§"), "shopify-private": ("SHOPIFY_PASSWORD", "shppa_§h32§"),
    "sonar": ("SONAR_TOKEN", "squ_§h40§"), "sonar-project": ("SONAR_PROJECT_TOKEN", "sqp_§h40§"),
    "sourcegraph2": ("SRC_ACCESS_TOKEN", "sgp_§h16§_§h40§"), "square-secret": ("SQUARE_APP_SECRET", "sq0csp-§u43§"),
    "sumologic": ("SUMO_ACCESS_KEY", "§A64§"), "telegram2": ("BOT_TOKEN", "§d9§:AA§u33§"),
    "twilio-sk": ("TWILIO_KEY_SID", "SK§h32§"), "twitch2": ("TWITCH_CLIENT_SECRET", "§a30§"),
    "typeform2": ("TYPEFORM_PAT", "tfp_§A44§_§A14§"), "vault-s": ("VAULT_TOKEN", "s.§A24§"),
    "vault-batch2": ("VAULT_BATCH_TOKEN", "hvb.AAAAAQ§u130§"), "yandex-iam": ("YC_TOKEN", "t1.9euel§u70§.§u86§"),
    "yandex-api": ("YC_API_KEY", "AQVN§u36§"), "yandex-aws": ("YC_STATIC_SECRET", "YC§u38§"), "zendesk": ("ZENDESK_TOKEN", "§A40§"),
    "slack-refresh": ("SLACK_REFRESH_TOKEN", "xoxe-1-§A146§"), "slack-legacy": ("SLACK_API_TOKEN", "xoxs-§d11§-§d11§-§d11§-§h32§"),
    "slack-workflow": ("SLACK_URL", "https://hooks.slack.com/workflows/T§N9§/A§N10§/§d18§/§A24§"),
    "slack-xoxe-xoxp": ("SLACK_CONFIG_TOKEN", "xoxe.xoxp-1-§A163§"), "teams-hook": ("TEAMS_URL", "https://acme.webhook.office.com/webhookb2/§uuid§@§uuid§/IncomingWebhook/§h32§/§uuid§"),
    "google-refresh": ("GOOGLE_REFRESH_TOKEN", "1//0§u100§"), "gho": ("GH_OAUTH", "ghu_§A36§"), "replicate2": ("REPLICATE_TOKEN", "r8_§A37§"),
    "groq2": ("GROQ_API_KEY", "gsk_§A52§"), "xai2": ("XAI_API_KEY", "xai-§A80§"), "langfuse": ("LANGFUSE_SECRET_KEY", "sk-lf-§uuid§"),
    "openai-admin": ("OPENAI_ADMIN_KEY", "sk-admin-§u58§T3BlbkFJ§u58§"), "ant-admin": ("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-§u93§AA"),
    "elastic": ("ES_API_KEY", "§b58§=="), "gitea": ("GITEA_TOKEN", "§h40§"), "buildkite2": ("BUILDKITE_TOKEN", "bkua_§h40§"),
    "dockeroat": ("DOCKER_TOKEN", "dckr_oat_§u32§"), "jenkins2": ("JENKINS_API_TOKEN", "11§h32§"), "rollbar": ("ROLLBAR_TOKEN", "§h32§"),
    "stripe-live-pk": ("STRIPE_KEY", "rk_test_§A99§"), "lemonsqueezy-wh": ("SVIX_SECRET", "whsec_§b32§"),
    "posthog": ("POSTHOG_PERSONAL_KEY", "phx_§A43§"), "resend": ("RESEND_API_KEY", "re_§A8§_§A24§"), "lark": ("FEISHU_APP_SECRET", "§A32§"),
    "tencent": ("TENCENTCLOUD_SECRET_ID", "AKID§A32§"), "ovh": ("OVH_CONSUMER_KEY", "§A32§"), "scw": ("SCW_SECRET_KEY", "§uuid§"),
    "hetzner": ("HCLOUD_TOKEN", "§A64§"), "vercel": ("VERCEL_TOKEN", "§A24§"), "netlify2": ("NETLIFY_AUTH_TOKEN", "nfp_§A36§"),
    "atlas": ("MONGODB_ATLAS_PRIVATE_KEY", "§uuid§"), "snyk2": ("SNYK_TOKEN", "§uuid§"), "bitbucket-pat": ("BITBUCKET_TOKEN", "ATCTT3xFfGN0§u160§=§H8§"),
    "gcs-hmac": ("GCS_HMAC_SECRET", "§b40§"), "asia-key": ("AWS_ACCESS_KEY_ID", "ASIA§U16§"), "cf-ca": ("CF_ORIGIN_KEY", "v1.0-§h24§-§h146§"),
    "bedrock": ("AWS_BEARER_TOKEN_BEDROCK", "ABSKQmVkcm9ja0FQSUtleS§b110§="), "tailscale-api": ("TAILSCALE_API_KEY", "tskey-api-§A16§-§A32§"),
}


def places(name, key, value):
    """The eight places of the shared texts, by turns."""
    low = key.lower()
    v = values("workshop", name)
    word, number = v.word(), v.number(100, 999)
    psql = lambda v: table(["id", "service", "api_token"], [["1", word, f"⟦{value}⟧"]])(v)
    return [
        f"run: login --token ⟦{value}⟧ --region eu",
        f"HOSTNAME=web-{v.hex(5)}\nPATH=/usr/local/bin:/usr/bin\n{key}=⟦{value}⟧\nLANG=C.UTF-8\n",
        f"diff --git a/conf/app.yml b/conf/app.yml\nindex {v.hex(7)}..{v.hex(7)} 100644\n--- a/conf/app.yml\n+++ b/conf/app.yml\n@@ -3,2 +3,2 @@\n-  {low}: ⟦{value}⟧\n+  {low}: ${{{key}}}\n",
        f"> POST /v1/x HTTP/1.1\n> Host: api.example.com\n> Authorization: Bearer ⟦{value}⟧\n> Accept: */*\n",
        f'{{\n  "env": [\n    {{\n      "name": "{key}",\n      "value": "⟦{value}⟧"\n    }}\n  ]\n}}',
        f"    spec:\n      containers:\n      - name: app\n        env:\n        - name: {key}\n          value: ⟦{value}⟧\n        image: app:1.4\n",
        psql,
        f'{{"id": {number}, "name": "{word}", "{low}": "⟦{value}⟧", "active": true}}',
        f"Deploy finished, token ⟦{value}⟧ was used.",
        f"export {key}=⟦{value}⟧",
    ]


def shapes():
    for at, (name, (key, value)) in enumerate(SHAPES.items()):
        for turn in (at % 10, (at * 7 + 3) % 10):
            text(f"ws-{name}-{turn}", places(name, key, value)[turn])


def secrets():
    # URLs and DSNs.
    text("ws-url-redis", "REDIS_URL=redis://:⟦§pwa§⟧@cache.internal:6379/0\n")
    text("ws-url-redis-user", "cache connected rediss://default:⟦§A24§⟧@cache-7.example.net:6380\n")
    text("ws-url-srv", "MONGO_URL=mongodb+srv://shop:⟦§pwa§⟧@cluster0.ab1cd.mongodb.net/shop?retryWrites=true&w=majority\n")
    text("ws-url-encoded", "postgresql://app:⟦§A6§%40§A5§%23§A3§⟧@db.internal:5432/app?sslmode=require\n")
    text("ws-url-git", "origin\thttps://oauth2:⟦§A20§⟧@gitlab.example.com/acme/app.git (fetch)\norigin\thttps://oauth2:⟦§A20§⟧@gitlab.example.com/acme/app.git (push)\n")
    text("ws-url-git-token-only", "fatal: unable to access 'https://⟦ghp_§A36§⟧@github.com/acme/app.git/': The requested URL returned error: 403\n")
    text("ws-url-clone", "Cloning into 'app'...\nremote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://ci:⟦§pwa§⟧@git.example.com/acme/app.git/'\n")
    text("ws-url-ftp", "wget ftp://backup:⟦§pass§⟧@files.example.com/dump.sql.gz\n")
    text("ws-url-proxy", "http_proxy=http://proxyuser:⟦§pwa§⟧@proxy.corp.example:3128\nno_proxy=localhost,127.0.0.1\n")
    text("ws-url-smtp", "MAILER_DSN=smtp://noreply:⟦§A16§⟧@smtp.example.com:587\n")
    text("ws-url-ldap", "bind to ldaps://cn=admin:⟦§pwa§⟧@ldap.example.com:636 failed: invalid credentials\n")
    text("ws-url-mssql", "sqlserver://sa:⟦§pwa§⟧@mssql:1433?database=shop\n")
    text("ws-url-clickhouse", "clickhouse://default:⟦§A20§⟧@ch.internal:9000/default\n")
    text("ws-url-nats", "nats://svc:⟦§A18§⟧@nats-0:4222,nats://svc:⟦§A18§⟧@nats-1:4222\n")
    text("ws-url-celery", "broker: amqp://celery:⟦§pwa§⟧@rabbit:5672//\nresult_backend: redis://:⟦§pwa§⟧@redis:6379/1\n")
    text("ws-url-oracle", "jdbc:oracle:thin:scott/⟦§pwa§⟧@//ora.internal:1521/ORCLPDB1\n")
    text("ws-url-jdbc-param", "jdbc:mysql://db:3306/shop?user=shop&password=⟦§pwa§⟧&useSSL=false\n")
    text("ws-url-jdbc-mssql", "jdbc:sqlserver://sql:1433;databaseName=shop;user=sa;password=⟦§pw§⟧;encrypt=true\n")
    text("ws-url-sqlalchemy", "sqlalchemy.exc.OperationalError: could not connect with postgresql+psycopg2://app:⟦§pwa§⟧@db/app\n")
    text("ws-url-pg-kv", "host=db.internal port=5432 dbname=shop user=shop password=⟦§pwa§⟧ sslmode=require\n")
    text("ws-url-pg-kv-quoted", "psql \"host=db user=shop password='⟦§A8§ §A6§⟧' dbname=shop\"\n")
    text("ws-url-ado", "Server=tcp:shop.database.windows.net,1433;Initial Catalog=shop;User ID=shop;Password=⟦§pw§⟧;Encrypt=True;\n")
    text("ws-url-mysql-go", "dsn: shop:⟦§pwa§⟧@tcp(db.internal:3306)/shop?parseTime=true\n")
    text("ws-url-sip", "sentry: https://§h32§:⟦§h32§⟧@sentry.example.com/4\n")
    text("ws-url-kafka", "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"app\" password=\"⟦§A20§⟧\";\n")
    text("ws-url-query-key", "GET https://maps.example.com/api/geocode/json?address=Berlin&key=⟦AIza§u35§⟧ 200\n")
    text("ws-url-query-sig", "https://acct.blob.core.windows.net/c/f.bin?sv=2022-11-02&se=2030-01-01T00%3A00%3A00Z&sr=b&sp=r&sig=⟦§A40§%2B§A2§%3D⟧\n")
    text("ws-url-s3", "https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=⟦AKIA§U16§⟧%2F20251103%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20251103T100000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=⟦§h64§⟧\n")
    text("ws-url-magic", "Your sign-in link: https://app.example.com/auth/magic?token=⟦§u43§⟧\n")
    text("ws-url-fragment", "Location: https://app.example.com/cb#access_token=⟦§A60§⟧&token_type=bearer&expires_in=3600\n")
    # Configuration of well-known programs.
    text("ws-redis", "bind 0.0.0.0\nport 6379\nrequirepass ⟦§pwa§⟧\nmasterauth ⟦§pwa§⟧\nappendonly yes\n")
    text("ws-redis-acl", "user app on >⟦§A20§⟧ ~app:* +@read +@write\nuser default off\n")
    text("ws-redis-acl-list", '1) "user default on #⟦§h64§⟧ ~* &* +@all"\n')
    text("ws-rabbit-conf", "listeners.tcp.default = 5672\ndefault_user = shop\ndefault_pass = ⟦§pwa§⟧\nmanagement.tcp.port = 15672\n")
    text("ws-rabbit-defs", '{"users":[{"name":"shop","password_hash":"⟦§b48§⟧","hashing_algorithm":"rabbit_password_hashing_sha256","tags":["administrator"]}]}')
    text("ws-nginx", "location /api/ {\n    proxy_pass http://app:8080;\n    proxy_set_header Authorization \"Basic ⟦§b64:app:¤A14¤§⟧\";\n    proxy_set_header Host $host;\n}\n")
    text("ws-nginx-key", "    proxy_set_header X-Api-Key ⟦§A32§⟧;\n    proxy_read_timeout 30s;\n")
    text("ws-haproxy", "listen stats\n    bind *:8404\n    stats enable\n    stats uri /stats\n    stats auth admin:⟦§pwa§⟧\n")
    text("ws-haproxy-list", "userlist ops\n    user alice password ⟦$5$§A16§$§A43§⟧\n    user bob insecure-password ⟦§pwa§⟧\n")
    text("ws-postfix", "[smtp.example.com]:587 mailer:⟦§pwa§⟧\n")
    text("ws-dovecot", "passdb {\n  driver = sql\n}\nconnect = host=db dbname=mail user=mail password=⟦§pwa§⟧\ndefault_pass_scheme = BLF-CRYPT\n")
    text("ws-samba-cred", "username=svc-backup\npassword=⟦§pw§⟧\ndomain=CORP\n")
    text("ws-fstab", "//nas/share /mnt/share cifs username=svc,password=⟦§pwa§⟧,uid=1000 0 0\n")
    text("ws-ipsec", "%any 203.0.113.7 : PSK \"⟦§A32§⟧\"\nbob : EAP \"⟦§pwa§⟧\"\n")
    text("ws-ppp", "# client server secret IP\nbob * ⟦§pwa§⟧ *\n")
    text("ws-wg-psk", "[Peer]\nPublicKey = §b43§=\nPresharedKey = ⟦§b43§=⟧\nAllowedIPs = 10.8.0.2/32\n")
    text("ws-wg-show", "interface: wg0\n  public key: §b43§=\n  private key: (hidden)\n  listening port: 51820\npeer: §b43§=\n  preshared key: (hidden)\n")
    text("ws-openvpn-static", "⟦-----BEGIN OpenVPN Static key V1-----\n§h32=a§\n§h32=b§\n§h32=c§\n§h32=d§\n-----END OpenVPN Static key V1-----⟧\n")
    text("ws-spring-props", "spring.datasource.url=jdbc:postgresql://db:5432/shop\nspring.datasource.username=shop\nspring.datasource.password=⟦§pw§⟧\nspring.jpa.show-sql=false\n")
    text("ws-spring-enc", "spring:\n  mail:\n    host: smtp.example.com\n    password: ⟦§pwa§⟧\n  security:\n    oauth2:\n      client:\n        registration:\n          keycloak:\n            client-id: shop\n            client-secret: ⟦§A32§⟧\n")
    text("ws-spring-generated", "Using generated security password: ⟦§uuid§⟧\n\nThis generated password is for development use only.\n")
    text("ws-django-db", "DATABASES = {\n    'default': {\n        'ENGINE': 'django.db.backends.postgresql',\n        'NAME': 'shop',\n        'USER': 'shop',\n        'PASSWORD': '⟦§pw§⟧',\n        'HOST': 'db',\n    }\n}\n")
    text("ws-django-key", "SECRET_KEY = '⟦django-insecure-§a40§⟧'\nDEBUG = True\n")
    text("ws-django-signs", "SECRET_KEY = \"⟦§a12§&^§a8§)(§a10§=+§a8§⟧\"\nALLOWED_HOSTS = []\n")
    text("ws-rails-db", "production:\n  adapter: postgresql\n  database: shop_production\n  username: shop\n  password: ⟦§pwa§⟧\n  pool: 5\n")
    text("ws-rails-credentials", "# aws:\n#   access_key_id: 123\nsecret_key_base: ⟦§h128§⟧\n")
    text("ws-rails-log", "Parameters: {\"user\"=>{\"login\"=>\"bob\", \"password\"=>\"⟦§pw§⟧\"}, \"commit\"=>\"Log in\"}\n")
    text("ws-laravel", "APP_NAME=Shop\nAPP_KEY=base64:⟦§b43§=⟧\nAPP_DEBUG=true\nDB_PASSWORD=⟦§pwa§⟧\nMAIL_PASSWORD=null\n")
    text("ws-wp", "define( 'DB_PASSWORD', '⟦§pw§⟧' );\ndefine( 'AUTH_KEY',         '⟦§A20§|§A20§;§A20§⟧' );\ndefine( 'DB_HOST', 'localhost' );\n")
    text("ws-drupal", "$settings['hash_salt'] = '⟦§u74§⟧';\n$databases['default']['default'] = ['database' => 'd', 'username' => 'd', 'password' => '⟦§pwa§⟧'];\n")
    text("ws-magento", "    'crypt' => [\n        'key' => '⟦§h32§⟧'\n    ],\n    'session' => [\n        'save' => 'files'\n    ],\n")
    text("ws-prom", "basic_auth:\n  username: prom\n  password: ⟦§pwa§⟧\nscrape_interval: 15s\n")
    text("ws-prom-bearer", "remote_write:\n- url: https://prom.example.com/api/v1/write\n  authorization:\n    type: Bearer\n    credentials: ⟦§A40§⟧\n")
    text("ws-alertmanager", "global:\n  smtp_auth_username: alerts\n  smtp_auth_password: ⟦§pwa§⟧\nreceivers:\n- name: pager\n  pagerduty_configs:\n  - routing_key: ⟦§h32§⟧\n")
    text("ws-alert-slack", "  slack_configs:\n  - api_url: ⟦https://hooks.slack.com/services/T§N8§/B§N10§/§A24§⟧\n    channel: '#alerts'\n")
    text("ws-alert-opsgenie", "  opsgenie_configs:\n  - api_key: ⟦§uuid§⟧\n    responders: []\n")
    text("ws-grafana-ini", "[security]\nadmin_user = admin\nadmin_password = ⟦§pwa§⟧\nsecret_key = ⟦§A20§⟧\n")
    text("ws-grafana-ds", "datasources:\n- name: pg\n  type: postgres\n  user: grafana\n  secureJsonData:\n    password: ⟦§pw§⟧\n")
    text("ws-loki", "  common:\n    storage:\n      s3:\n        endpoint: minio:9000\n        access_key_id: ⟦§A20§⟧\n        secret_access_key: ⟦§A40§⟧\n        insecure: true\n")
    text("ws-airflow", "[core]\nfernet_key = ⟦§u43§=⟧\n[webserver]\nsecret_key = ⟦§h64§⟧\nworkers = 4\n")
    text("ws-superset", "SUPERSET_SECRET_KEY=⟦§b56§⟧\nSUPERSET_PORT=8088\n")
    text("ws-jupyter", "[I 10:00:00.000 NotebookApp] http://localhost:8888/?token=⟦§h48§⟧\n")
    text("ws-jenkins-cred", "<com.cloudbees.plugins.credentials.impl.UsernamePasswordCredentialsImpl>\n  <username>deploy</username>\n  <password>⟦{AQAAABAAAAAw§b64§=}⟧</password>\n</com.cloudbees.plugins.credentials.impl.UsernamePasswordCredentialsImpl>\n")
    text("ws-jenkins-init", "*************************************************************\nJenkins initial setup is required. An admin user has been created and a password generated.\nPlease use the following password to proceed to installation:\n\n⟦§h32§⟧\n\nThis may also be found at: /var/jenkins_home/secrets/initialAdminPassword\n")
    text("ws-maven-settings", "<server>\n  <id>nexus</id>\n  <username>deploy</username>\n  <password>⟦§pwa§⟧</password>\n</server>\n")
    text("ws-gradle-props", "ossrhUsername=acme\nossrhPassword=⟦§pwa§⟧\nsigning.keyId=24875D73\nsigning.password=⟦§pass§⟧\n")
    text("ws-android", "android {\n    signingConfigs {\n        release {\n            storePassword \"⟦§pwa§⟧\"\n            keyAlias \"upload\"\n            keyPassword \"⟦§pwa§⟧\"\n        }\n    }\n}\n")
    text("ws-tfvars2", "db_username = \"shop\"\ndb_password = \"⟦§pw§⟧\"\nvpc_cidr    = \"10.0.0.0/16\"\n")
    text("ws-tfstate2", '"attributes": {\n  "address": "db.example.com",\n  "engine": "postgres",\n  "id": "shop-db",\n  "password": "⟦§pwa§⟧",\n  "port": 5432\n}')
    text("ws-ansible-vars", "- hosts: db\n  vars:\n    ansible_user: deploy\n    ansible_become_pass: ⟦§pwa§⟧\n    pg_version: 16\n")
    text("ws-ansible-inv", "web1 ansible_host=10.0.0.4 ansible_user=root ansible_ssh_pass=⟦§pwa§⟧\n")
    text("ws-systemd-env", "[Service]\nEnvironment=\"DB_HOST=db\" \"DB_PASS=⟦§pwa§⟧\"\nExecStart=/usr/bin/app\n")
    text("ws-cron", "0 3 * * * PGPASSWORD=⟦§pwa§⟧ pg_dump -h db -U shop shop > /backup/shop.sql\n")
    text("ws-compose", "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_USER: shop\n      POSTGRES_PASSWORD: ⟦§pass§⟧\n    ports:\n      - \"5432:5432\"\n")
    text("ws-compose-list", "    environment:\n      - MINIO_ROOT_USER=minio\n      - MINIO_ROOT_PASSWORD=⟦§pwa§⟧\n      - TZ=Europe/Berlin\n")
    text("ws-helm-values", "auth:\n  enabled: true\n  rootPassword: ⟦§pwa§⟧\n  replicationPassword: ⟦§pwa§⟧\n  database: shop\n")
    text("ws-envlist", "        env:\n        - name: DB_HOST\n          value: db\n        - name: DB_PASSWORD\n          value: ⟦§pw§⟧\n        - name: LOG_LEVEL\n          value: debug\n")
    text("ws-sealed-plain", "apiVersion: v1\nkind: Secret\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {\"apiVersion\":\"v1\",\"data\":{\"pw\":\"⟦§b64:¤pw¤§⟧\"},\"kind\":\"Secret\",\"metadata\":{\"name\":\"x\"}}\n  name: x\ndata:\n  pw: ⟦§b64:¤pw¤§⟧\n")
    text("ws-secret-yaml-multi", "apiVersion: v1\ndata:\n  a.json: ⟦§b64:{\"k\":\"¤A20¤\"}§⟧\n  username: ⟦§b64:¤a8¤§⟧\nkind: Secret\nmetadata:\n  name: s\ntype: Opaque\n")
    text("ws-jsonpath", "⟦§b64:¤pw¤§⟧")
    text("ws-jsonpath2", "⟦§b64:¤A32¤§⟧")
    text("ws-jsonpath3", "⟦§b64:¤h40¤§⟧\n")
    text("ws-jsonpath-map", 'map[password:⟦§b64:¤pw¤§⟧ username:⟦§b64:¤a7¤§⟧]')
    text("ws-jsonpath-data", '{"password":"⟦§b64:¤pw¤§⟧","username":"⟦§b64:¤a7¤§⟧"}')
    text("ws-custom-cols", "NAME   TOKEN\nci     ⟦§b64:¤A32¤§⟧\nci2    ⟦§b64:¤A32¤§⟧\n")
    text("ws-secret-list-json", '{"apiVersion":"v1","items":[{"apiVersion":"v1","data":{"k":"⟦§b64:¤pw¤§⟧"},"kind":"Secret","metadata":{"name":"a"}},{"apiVersion":"v1","data":{"k":"v"},"kind":"ConfigMap","metadata":{"name":"b"}}],"kind":"List"}')
    text("ws-docker-secret", "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: ⟦§b64:{\"auths\":{\"reg.example\":{\"auth\":\"¤A30¤\"}}}§⟧\nmetadata: {name: reg}\n")
    text("ws-kubectl-describe-env", "    Environment:\n      DB_HOST:      db\n      DB_PASSWORD:  ⟦§pwa§⟧\n      API_TOKEN:    <set to the key 'token' in secret 'api'>  Optional: false\n    Mounts:\n")
    text("ws-set-env-list", "# deployments/web, container app\nDB_HOST=db\nDB_PASSWORD=⟦§pw§⟧\n# API_TOKEN from secret api, key token\n")
    text("ws-kubeconfig", "users:\n- name: admin\n  user:\n    client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1J§A60§\n    client-key-data: ⟦LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNS§A120§⟧\n")
    text("ws-kubeconfig-token", "users:\n- name: ci\n  user:\n    token: ⟦§jwt§⟧\n")
    # Programs and languages.
    text("ws-java-trace", "org.postgresql.util.PSQLException: FATAL: password authentication failed for user \"shop\"\n\tat org.postgresql.core.v3.ConnectionFactoryImpl.doAuthentication(ConnectionFactoryImpl.java:646)\nCaused by: Failed to obtain JDBC Connection: jdbc:postgresql://db/shop?user=shop&password=⟦§pwa§⟧\n")
    text("ws-java-props-map", "Producer config: {bootstrap.servers=kafka:9092, sasl.mechanism=PLAIN, ssl.keystore.password=⟦§pwa§⟧, acks=all}\n")
    text("ws-java-record", "Credentials[username=shop, password=⟦§pw§⟧]\n")
    text("ws-py-trace", "Traceback (most recent call last):\n  File \"/app/db.py\", line 12, in connect\n    conn = psycopg2.connect(host='db', user='shop', password='⟦§pw§⟧')\npsycopg2.OperationalError: connection refused\n")
    text("ws-py-requests", "DEBUG:urllib3.connectionpool:https://api.example.com:443 \"GET /v1/items?api_key=⟦§A32§⟧ HTTP/1.1\" 401 27\n")
    text("ws-py-headers", "{'User-Agent': 'python-requests/2.31', 'Authorization': 'Token ⟦§h40§⟧', 'Accept': '*/*'}\n")
    text("ws-py-environ", "environ({'PATH': '/usr/bin', 'SECRET_KEY': '⟦§u50§⟧', 'HOME': '/root'})\n")
    text("ws-py-dataclass", "Settings(db_host='db', db_password='⟦§pw§⟧', debug=False)\n")
    text("ws-py-bytes", "key = b'⟦§u43§=⟧'\nf = Fernet(key)\n")
    text("ws-go-plus", "main.Config{Host:\"db\", Port:5432, User:\"shop\", Password:\"⟦§pw§⟧\", SSL:true}\n")
    text("ws-go-map", "map[DB_HOST:db DB_PASSWORD:⟦§pwa§⟧ PORT:8080]\n")
    text("ws-go-ptr", "&{Addr:redis:6379 Password:⟦§pwa§⟧ DB:0 PoolSize:10}\n")
    text("ws-ruby-new", "{adapter: \"mysql2\", username: \"shop\", password: \"⟦§pw§⟧\", pool: 5}\n")
    text("ws-ruby-inspect", "#<Shop::Client:0x00007f9b @host=\"api.example.com\", @api_key=\"⟦§A32§⟧\", @timeout=10>\n")
    text("ws-php-dump", "array(3) {\n  [\"host\"]=>\n  string(2) \"db\"\n  [\"user\"]=>\n  string(4) \"shop\"\n  [\"password\"]=>\n  string(16) \"⟦§pw§⟧\"\n}\n")
    text("ws-php-printr", "Array\n(\n    [host] => db\n    [user] => shop\n    [password] => ⟦§pw§⟧\n)\n")
    text("ws-php-trace", "#0 /app/src/Db.php(12): PDO->__construct('mysql:host=db;d...', 'shop', '⟦§pwa§⟧')\n#1 /app/index.php(3): Db->connect()\n")
    text("ws-php-export", "array (\n  'api_secret' => '⟦§A32§⟧',\n  'region' => 'eu',\n)\n")
    text("ws-rust-dbg", "[src/main.rs:4:5] cfg = Config {\n    host: \"db\",\n    token: \"⟦§A40§⟧\",\n    retries: 3,\n}\n")
    text("ws-rust-some", "Login { user: \"bob\", password: Some(\"⟦§pw§⟧\"), otp: None }\n")
    text("ws-net-json", '{\n  "ConnectionStrings": {\n    "Default": "Host=db;Username=shop;Password=⟦§pwa§⟧;Database=shop"\n  },\n  "Jwt": {\n    "Key": "⟦§A40§⟧",\n    "Issuer": "shop"\n  }\n}\n')
    text("ws-net-record", "LoginRequest { User = bob, Password = ⟦§pw§⟧, Remember = True }\n")
    text("ws-node-dump", "{\n  host: 'db',\n  auth: { user: 'shop', pass: '⟦§pw§⟧' },\n  secure: true\n}\n")
    text("ws-node-axios", "AxiosError: Request failed with status code 401\n  config: {\n    headers: AxiosHeaders {\n      Accept: 'application/json',\n      'X-Api-Key': '⟦§A32§⟧'\n    }\n  }\n")
    text("ws-elixir", "[host: \"db\", username: \"shop\", password: \"⟦§pw§⟧\", pool_size: 10]\n")
    text("ws-perl", "$VAR1 = {\n          'user' => 'shop',\n          'passwd' => '⟦§pwa§⟧'\n        };\n")
    text("ws-scala", "DbConfig(db,5432,shop,password=⟦§pwa§⟧)\n")
    text("ws-logfmt", "time=2025-11-03T10:00:00Z level=info msg=\"client ready\" endpoint=api.example.com api_key=⟦§A32§⟧ retries=3\n")
    text("ws-logjson", '{"ts":"2025-11-03T10:00:00Z","lvl":"debug","msg":"login","req":{"body":"{\\"user\\":\\"bob\\",\\"password\\":\\"⟦§pwa§⟧\\"}"}}\n')
    text("ws-logging-mdc", "2025-11-03 10:00:00,123 WARN [http-1] c.e.Auth - invalid bearer token: ⟦§A40§⟧\n")
    text("ws-graphql", '{"query":"mutation { login(email: \\"⟦§email§⟧\\", password: \\"⟦§pwa§⟧\\") { ok } }"}')
    text("ws-soap", "<wsse:UsernameToken><wsse:Username>bob</wsse:Username><wsse:Password Type=\"PasswordText\">⟦§pwa§⟧</wsse:Password></wsse:UsernameToken>\n")
    text("ws-form", "grant_type=password&username=bob&password=⟦§A12§%21§A3§⟧&client_id=shop&client_secret=⟦§A32§⟧\n")
    text("ws-multipart", "------WebKitFormBoundary7MA4YWxk\nContent-Disposition: form-data; name=\"password\"\n\n⟦§pw§⟧\n------WebKitFormBoundary7MA4YWxk--\n")
    # curl and HTTP.
    text("ws-curl-v", "* Connected to api.example.com (203.0.113.9) port 443 (#0)\n* Server auth using Basic with user 'bob'\n> GET /v1/me HTTP/1.1\n> Host: api.example.com\n> Authorization: Basic ⟦§b64:bob:¤pw¤§⟧\n> User-Agent: curl/7.88.1\n> Accept: */*\n>\n< HTTP/1.1 200 OK\n")
    text("ws-curl-trace", "=> Send header, 142 bytes (0x8e)\n0000: GET /v1/me HTTP/1.1\n0015: Host: api.example.com\n002e: Authorization: Bearer ⟦§A40§⟧\n006e: Accept: */*\n007b:\n")
    text("ws-curl-h2", "* [HTTP/2] [1] OPENED stream for https://api.example.com/v1\n* [HTTP/2] [1] [:method: GET]\n* [HTTP/2] [1] [authorization: Bearer ⟦§A40§⟧]\n* [HTTP/2] [1] [user-agent: curl/8.5.0]\n")
    text("ws-curl-i", "HTTP/2 200\ncontent-type: application/json\nset-cookie: SID=⟦§A40§⟧; path=/; secure; HttpOnly\nset-cookie: theme=dark; path=/\nx-request-id: §uuid§\n")
    text("ws-curl-proxy", "> CONNECT api.example.com:443 HTTP/1.1\n> Host: api.example.com:443\n> Proxy-Authorization: Basic ⟦§b64:proxy:¤pwa¤§⟧\n> User-Agent: curl/7.88.1\n")
    text("ws-curl-cookies", "> GET / HTTP/1.1\n> Host: app.example.com\n> Cookie: _ga=GA1.2.1234567.1699000000; PHPSESSID=⟦§a26§⟧; lang=en\n")
    text("ws-curl-jar", "#HttpOnly_app.example.com\tFALSE\t/\tTRUE\t0\tconnect.sid\t⟦s%3A§u32§.§A43§⟧\n")
    text("ws-curl-digest", "> GET /dir HTTP/1.1\n> Host: example.com\n> Authorization: Digest username=\"bob\", realm=\"r\", nonce=\"§h32§\", uri=\"/dir\", response=\"⟦§h32§⟧\"\n")
    text("ws-curl-digest2", "< HTTP/1.1 401 Unauthorized\n< WWW-Authenticate: Digest realm=\"x\", qop=\"auth\", nonce=\"§h32§\", opaque=\"§h32§\"\n> Authorization: Digest username=\"eve\", realm=\"x\", nonce=\"§h32§\", uri=\"/a\", cnonce=\"§b40§\", nc=00000001, qop=auth, response=\"⟦§h32§⟧\", algorithm=MD5\n")
    text("ws-curl-aws", "> Authorization: AWS4-HMAC-SHA256 Credential=⟦AKIA§U16§⟧/20251103/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=⟦§h64§⟧\n> X-Amz-Security-Token: ⟦IQoJb3JpZ2luX2Vj§b200§==⟧\n")
    text("ws-curl-apikey", "> GET /v2 HTTP/1.1\n> Host: api.example.com\n> apikey: ⟦§A32§⟧\n> Accept: */*\n")
    text("ws-curl-xauth", "> X-Auth-Token: ⟦§h32§⟧\n> X-Auth-User: bob\n")
    text("ws-curl-vault", "> GET /v1/secret/data/app HTTP/1.1\n> X-Vault-Token: ⟦hvs.§u24§⟧\n> X-Vault-Namespace: admin\n")
    text("ws-curl-gitlab", "> PRIVATE-TOKEN: ⟦§u20§⟧\n> JOB-TOKEN: ⟦§u20§⟧\n")
    text("ws-curl-u", "curl -u admin:⟦§pw§⟧ https://nexus.example.com/service/rest/v1/status\n")
    text("ws-curl-user-long", "curl -sS --user 'svc:⟦§pwa§⟧' -X PUT https://es:9200/_settings\n")
    text("ws-curl-data", "curl -d 'client_id=app&client_secret=⟦§A32§⟧&grant_type=client_credentials' https://login.example.com/token\n")
    text("ws-jwt-cookie", "Set-Cookie: auth=⟦§jwt§⟧; Path=/; SameSite=Lax\n")
    text("ws-csrf", "< Set-Cookie: csrftoken=⟦§A64§⟧; Path=/; SameSite=Lax\n< Vary: Cookie\n")
    # psql.
    text("ws-psql-unaligned", "id|login|password_hash\n1|bob|⟦§bcrypt§⟧\n2|eve|⟦§bcrypt§⟧\n(2 rows)\n")
    text("ws-psql-tuples", " bob   | ⟦§argon§⟧\n eve   | ⟦§argon§⟧\n")
    text("ws-psql-shadow", " usename  |                                                                passwd                                                                 \n----------+---------------------------------------------------------------------------------------------------------------------------------------\n shop     | ⟦§scram§⟧\n(1 row)\n")
    text("ws-psql-md5", table(["rolname", "rolpassword"], [["app", "⟦md5§h32§⟧"], ["ro", "⟦md5§h32§⟧"]]))
    text("ws-psql-x", record([("id", "7"), ("email", S("email")), ("password", S("sha512crypt")), ("created_at", "2025-11-03 10:00:00")]))
    text("ws-psql-html", "<table border=\"1\">\n  <tr>\n    <th align=\"center\">login</th>\n    <th align=\"center\">api_key</th>\n  </tr>\n  <tr valign=\"top\">\n    <td align=\"left\">bob</td>\n    <td align=\"left\">⟦§A32§⟧</td>\n  </tr>\n</table>\n")
    text("ws-psql-csv2", "id,email,phone\n1,⟦§email§⟧,⟦(312) 555-01§d2§⟧\n2,⟦§email§⟧,⟦(312) 555-01§d2§⟧\n")
    text("ws-psql-settings2", table(["name", "value"], [["api_base", "https://api.example.com"], ["stripe_secret", "⟦sk_live_§A24§⟧"], ["page_size", "50"]]))
    text("ws-psql-jsonb", table(["id", "data"], [["1", '{"user": "bob", "token": "⟦§A32§⟧"}']]))
    text("ws-psql-oauth", table(["client_id", "client_secret", "scopes"], [["web", S("A40"), "read write"], ["cli", S("A40"), "read"]]))
    text("ws-psql-sessions", table(["sid", "user_id", "expires"], [[S("A32"), "4", "2025-12-01"]]))
    text("ws-psql-otp", table(["user_id", "totp_secret"], [["1", S("U32")], ["2", S("U32")]]))
    text("ws-psql-reset", table(["email", "reset_token"], [[S("email"), S("A40")]]))
    text("ws-psql-create-user", "CREATE USER app WITH ENCRYPTED PASSWORD '⟦§pw§⟧';\nGRANT ALL ON DATABASE app TO app;\n")
    text("ws-psql-alter", "ALTER ROLE app PASSWORD '⟦§scram§⟧';\n")
    text("ws-psql-pgcrypto", "UPDATE users SET pw = crypt('⟦§pw§⟧', gen_salt('bf')) WHERE id = 4;\n")
    text("ws-psql-insert", "INSERT INTO users (login, password) VALUES ('bob', '⟦§bcrypt§⟧');\n")
    # Hashes.
    text("ws-htpasswd", "bob:⟦$apr1$§A8§$§A22§⟧\neve:⟦$2y$05$§A53§⟧\n")
    text("ws-htpasswd-sha", "alice:⟦{SHA}§b27§=⟧\n")
    text("ws-shadow", "root:⟦$y$j9T$§A22§$§A43§⟧:19700:0:99999:7:::\ndaemon:*:19700:0:99999:7:::\n")
    text("ws-phpass", "user_pass: ⟦$P$B§A30§⟧\n")
    text("ws-django-hash", "<User: bob> password='⟦pbkdf2_sha256$600000$§A22§$§b43§=⟧'\n")
    text("ws-ldap-ssha", "userPassword: ⟦{SSHA}§b40§⟧\n")
    text("ws-ldap-b64", "dn: cn=bob,dc=example,dc=com\nuserPassword:: ⟦§b64:{SSHA}¤b40¤§⟧\n")
    text("ws-werkzeug", "('bob', '⟦scrypt:32768:8:1$§A16§$§h128§⟧')\n")
    text("ws-mysql-native", "CREATE USER `bob`@`%` IDENTIFIED WITH 'mysql_native_password' AS '⟦*§H40§⟧'\n")
    text("ws-cisco", "enable secret 5 ⟦$1$§A4§$§A22§⟧\nusername bob privilege 15 password 7 ⟦0§H14§⟧\n")
    text("ws-ntlm", "Administrator:500:⟦§h32§⟧:⟦§h32§⟧:::\n")
    text("ws-grub", "password_pbkdf2 root ⟦grub.pbkdf2.sha512.10000.§H128§.§H128§⟧\n")
    text("ws-unix-md5", "deploy:⟦$1$§A8§$§A22§⟧:18000:0:99999:7:::\n")
    # Keys in odd surroundings.
    text("ws-pem-json", '{"type":"service_account","project_id":"acme","private_key":"⟦§pemj:PRIVATE KEY§⟧"}')
    text("ws-pem-openssh", "$ cat ~/.ssh/id_ed25519\n⟦§pem:OPENSSH PRIVATE KEY§⟧\n")
    text("ws-pem-pgp", "⟦-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBGVEAsoBCAC§b50§\n§b64§\n§b64§\n§b20§\n=§A4§\n-----END PGP PRIVATE KEY BLOCK-----⟧\n")
    text("ws-pem-env", "TLS_KEY=\"⟦§pemj:EC PRIVATE KEY§⟧\"\nPORT=443\n")
    text("ws-pem-yaml", "  key: |\n    ⟦§pem4:PRIVATE KEY§⟧\n  cert: none\n")
    text("ws-pem-dsa", "⟦§pem:DSA PRIVATE KEY§⟧\n")
    text("ws-jwk", '{"kty":"EC","crv":"P-256","x":"§u43§","y":"§u43§","d":"⟦§u43§⟧","kid":"k1"}')
    text("ws-ssh2", "⟦---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n§b64§\n§b64§\n§b30§\n---- END SSH2 ENCRYPTED PRIVATE KEY ----⟧\n")
    # Command lines.
    text("ws-cli-mysql", "mysql -h db -u root -p⟦§pwa§⟧ shop -e 'select 1'\n")
    text("ws-cli-sshpass", "sshpass -p '⟦§pw§⟧' ssh deploy@web1 uptime\n")
    text("ws-cli-redis", "redis-cli -h cache -a ⟦§pwa§⟧ ping\n")
    text("ws-cli-pg", "PGPASSWORD='⟦§pw§⟧' psql -h db -U shop -c 'select 1'\n")
    text("ws-cli-mongo", "mongosh --host db -u admin -p ⟦§pwa§⟧ --authenticationDatabase admin\n")
    text("ws-cli-keytool", "keytool -importkeystore -srckeystore a.p12 -srcstorepass ⟦§pwa§⟧ -deststorepass ⟦§pwa§⟧\n")
    text("ws-cli-openssl", "openssl enc -aes-256-cbc -k ⟦§pass§⟧ -in a -out b\n")
    text("ws-cli-zip", "zip -P ⟦§pwa§⟧ -r backup.zip data/\n")
    text("ws-cli-ldapsearch", "ldapsearch -x -D cn=admin,dc=example,dc=com -w ⟦§pwa§⟧ -b dc=example,dc=com\n")
    text("ws-cli-smb", "smbclient //nas/share -U 'CORP\\bob%⟦§pwa§⟧'\n")
    text("ws-cli-rabbitmqctl", "rabbitmqctl add_user shop ⟦§pwa§⟧\n")
    text("ws-cli-influx", "influx config create -n main -u http://influx:8086 -o acme -t ⟦§u86§==⟧\n")
    text("ws-cli-argocd", "argocd login cd.example.com --username admin --password ⟦§pwa§⟧ --grpc-web\n")
    text("ws-cli-az", "az login --service-principal -u §uuid§ -p ⟦§A3§8Q~§A34§⟧ --tenant §uuid§\n")
    text("ws-cli-helm-reg", "helm registry login reg.example.com -u bob -p ⟦§pwa§⟧\n")
    text("ws-cli-chpasswd", "echo 'bob:⟦§pw§⟧' | chpasswd\n")
    text("ws-cli-htpasswd", "htpasswd -bB /etc/nginx/.htpasswd bob ⟦§pwa§⟧\n")
    text("ws-cli-mc", "mc alias set prod https://s3.example.com ⟦§N20§⟧ ⟦§A40§⟧\n")
    text("ws-cli-twine", "twine upload -u __token__ -p ⟦pypi-AgEIcHlwaS5vcmc§u120§⟧ dist/*\n")
    text("ws-cli-cargo", "cargo login ⟦cio§A32§⟧\n")
    text("ws-cli-nuget", "dotnet nuget push a.nupkg -k ⟦oy2§a43§⟧ -s https://api.nuget.org/v3/index.json\n")
    text("ws-cli-vault", "vault login ⟦hvs.CAESI§u80§⟧\nvault kv put secret/app password=⟦§pw§⟧\n")
    text("ws-cli-gh", "echo ⟦github_pat_§A22§_§A59§⟧ | gh auth login --with-token\n")
    # What the clouds print.
    text("ws-aws-sts", '{\n    "Credentials": {\n        "AccessKeyId": "⟦ASIA§U16§⟧",\n        "SecretAccessKey": "⟦§b40§⟧",\n        "SessionToken": "⟦IQoJb3JpZ2luX2Vj§b160§==⟧",\n        "Expiration": "2025-11-03T11:00:00+00:00"\n    }\n}\n')
    text("ws-aws-iam", '{\n    "AccessKey": {\n        "UserName": "ci",\n        "AccessKeyId": "⟦AKIA§U16§⟧",\n        "Status": "Active",\n        "SecretAccessKey": "⟦§b40§⟧"\n    }\n}\n')
    text("ws-aws-rds-token", "shop.abc.eu-west-1.rds.amazonaws.com:5432/?Action=connect&DBUser=shop&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=⟦ASIA§U16§⟧%2F20251103&X-Amz-Signature=⟦§h64§⟧\n")
    text("ws-aws-ssm2", '{"Parameter":{"Name":"/prod/db/password","Type":"SecureString","Value":"⟦§pw§⟧","Version":3}}')
    text("ws-aws-sm2", '{"Name":"prod/db","SecretString":"{\\"username\\":\\"shop\\",\\"password\\":\\"⟦§pwa§⟧\\"}","VersionStages":["AWSCURRENT"]}')
    text("ws-gcloud-token", "⟦ya29.c.§u140§⟧\n")
    text("ws-gcloud-print", "$ gcloud auth print-identity-token\n⟦§jwt§⟧\n")
    text("ws-az-acct", '{\n  "accessToken": "⟦§jwt§⟧",\n  "expiresOn": "2025-11-03 11:00:00.000000",\n  "tenant": "§uuid§",\n  "tokenType": "Bearer"\n}\n')
    text("ws-az-sp2", '{\n  "appId": "§uuid§",\n  "displayName": "ci",\n  "password": "⟦§A3§8Q~§A34§⟧",\n  "tenant": "§uuid§"\n}\n')
    text("ws-az-redis", '{\n  "primaryKey": "⟦§A43§=⟧",\n  "secondaryKey": "⟦§A43§=⟧"\n}\n')
    text("ws-vault-kv", "===== Data =====\nKey         Value\n---         -----\npassword    ⟦§pw§⟧\nusername    shop\n")
    text("ws-vault-token", "Key                  Value\n---                  -----\ntoken                ⟦hvs.§u24§⟧\ntoken_duration       768h\n")
    text("ws-vault-db", "Key                Value\n---                -----\nlease_duration     1h\npassword           ⟦§A20§⟧\nusername           v-token-ro-x\n")
    text("ws-heroku", "=== shop Config Vars\n\nDATABASE_URL: postgres://u:⟦§h64§⟧@ec2.compute-1.amazonaws.com:5432/d\nSECRET:       ⟦§A40§⟧\nLANG:         en_US.UTF-8\n")
    text("ws-npmrc2", "//registry.npmjs.org/:_authToken=⟦npm_§A36§⟧\nregistry=https://registry.npmjs.org/\n")
    text("ws-npmrc-pw", "//npm.example.com/:username=bob\n//npm.example.com/:_password=⟦§b64:¤pw¤§⟧\n")
    text("ws-pip", "Looking in indexes: https://bob:⟦§pwa§⟧@pypi.example.com/simple\n")
    text("ws-yarn", "npmRegistries:\n  \"https://npm.example.com\":\n    npmAuthToken: ⟦§uuid§⟧\n    npmAlwaysAuth: true\n")
    text("ws-cargo-cred", "[registry]\ntoken = \"⟦cio§A32§⟧\"\n")
    text("ws-composer", '{"http-basic":{"repo.example.com":{"username":"bob","password":"⟦§pwa§⟧"}},"github-oauth":{"github.com":"⟦ghp_§A36§⟧"}}')
    text("ws-docker-auth", '{"auths":{"https://index.docker.io/v1/":{"auth":"⟦§b64:bob:¤pwa¤§⟧"}}}')
    text("ws-docker-id", '{"auths":{"reg.example.com":{"identitytoken":"⟦§jwt§⟧"}}}')
    text("ws-netrc2", "machine api.example.com\n  login bob\n  password ⟦§pwa§⟧\n")
    text("ws-netrc-line", "machine git.example.com login ci password ⟦§A20§⟧\n")
    text("ws-pgpass2", "db.internal:5432:*:shop:⟦§pwa§⟧\n")
    text("ws-git-cred", "protocol=https\nhost=github.com\nusername=x-access-token\npassword=⟦ghs_§A36§⟧\n")
    text("ws-git-store", "https://bob:⟦§A20§⟧@git.example.com\n")
    text("ws-gh-token", "github.com\n  ✓ Logged in to github.com account bob (/root/.config/gh/hosts.yml)\n  - Active account: true\n  - Token: ⟦gho_§A36§⟧\n")
    text("ws-gha-masked", "Run deploy\nenv:\n  TOKEN: ***\n  DB_PASSWORD: ⟦§pwa§⟧\n")
    text("ws-gitlab-ci2", "variables:\n  DEPLOY_KEY: ⟦§A40§⟧\n  STAGE: prod\n")
    text("ws-ci-set-x", "+ export 'SONAR_TOKEN=⟦sqa_§h40§⟧'\n+ SONAR_TOKEN=⟦sqa_§h40=x§⟧\n+ mvn -B verify\n")
    text("ws-circle", "Using environment variables:\n  BASH_ENV=/tmp/.bash_env\n  NPM_AUTH=⟦§A36§⟧\n")
    # People.
    text("ws-git-author", "commit §h40§\nAuthor: Hana Dvorak <⟦§email§⟧>\nDate:   Mon Nov 3 10:00:00 2025 +0100\n\n    fix rounding\n\n    Signed-off-by: Hana Dvorak <⟦§email§⟧>\n")
    text("ws-git-coauthor", "    Co-authored-by: Ivo Petrov <⟦§email§⟧>\n    Reviewed-by: Nadia Gupta <⟦§email§⟧>\n")
    text("ws-git-blame", "^§h7§ (<⟦§email§⟧> 2025-11-03 10:00:00 +0000 1) fn main() {\n")
    text("ws-mailto", "<a href=\"mailto:⟦§email§⟧\">Write to us</a>\n")
    text("ws-vcard", "BEGIN:VCARD\nVERSION:3.0\nFN:Leila Romero\nTEL;TYPE=CELL:⟦+34 612 345 6§d2§⟧\nEMAIL:⟦§email§⟧\nEND:VCARD\n")
    text("ws-phone-de", "Rückruf an Frau Fischer, Tel. ⟦+49 30 901820§d2§⟧, bis Freitag\n")
    text("ws-phone-fr", "Appelez-nous au ⟦01 99 00 §d2§ §d2§⟧ ou écrivez à ⟦§email§⟧\n")
    text("ws-phone-us-dots", "call ⟦415.555.01§d2§⟧ for support\n")
    text("ws-phone-intl", "{\"name\":\"Kwame\",\"phone\":\"⟦+233 20 123 4§d3§⟧\"}")
    text("ws-phone-br", "Cliente: Rosa Castillo, celular ⟦(11) 91234-5§d3§⟧\n")
    text("ws-phone-jp", "連絡先 ⟦090-1234-5§d3§⟧ 田中\n")
    text("ws-phone-in", "Mobile: ⟦+91 98765 4§d4§⟧\n")
    text("ws-phone-ext", "Front desk: ⟦(303) 555-01§d2§⟧ ext. 12\n")
    text("ws-email-table", table(["id", "name", "email", "phone"], [["1", "Dora Hoang", S("email"), "⟦(415) 555-01§d2§⟧"], ["2", "Samir Quist", S("email"), "⟦(628) 555-01§d2§⟧"]]))
    text("ws-email-plus", "Invoice sent to ⟦omar.haddad+billing@examplemail.com⟧ yesterday\n")
    text("ws-email-angle", "To: Priya Gupta <⟦§email§⟧>, ops <⟦§email§⟧>\n")
    text("ws-email-json", '{"user":{"id":9,"email":"⟦§email§⟧","verified":true}}')
    text("ws-email-kv", "time=10:00:00 level=warn msg=\"bounce\" rcpt=⟦§email§⟧ code=550\n")
    text("ws-email-postfix", "Nov  3 10:00:00 mx postfix/smtp[812]: 4F2: to=<⟦§email§⟧>, relay=mail.example.org[203.0.113.4]:25, delay=0.4, status=sent (250 ok)\n")
    text("ws-card-spaces", "Card: ⟦4539 1488 0343 6467⟧ exp 04/29\n")
    text("ws-card-log", "INFO charge pan=⟦6011000990139424⟧ amount=19.90 cur=EUR\n")
    text("ws-card-mc", "charged ⟦5425-2334-3010-9903⟧ on Tuesday\n")
    text("ws-card-amex", '{"card":"⟦378282246310005⟧","exp":"11/28"}')
    text("ws-card-psql", table(["id", "pan"], [["1", "⟦4916338506082832⟧"], ["2", "⟦5105105105105100⟧"]]))
    text("ws-cvv", '{"card":{"number":"⟦4024007103939509⟧","cvc":"***","exp_month":4}}')
    text("ws-iban", "Bitte überweisen an ⟦§iban§⟧, Betreff 2231\n")
    text("ws-iban-spaced", "IBAN: ⟦DE89 3704 0044 0532 0130 00⟧\nBIC: COBADEFFXXX\n")
    text("ws-ssn-json", '{"name":"Vera","ssn":"⟦§ssn§⟧","state":"NY"}')
    text("ws-ssn-text", "Employee 4431, social security number ⟦§ssn§⟧, hired 2021.\n")
    text("ws-ssn-table", table(["name", "tax_id"], [["Jun", S("ssn")], ["Tove", S("ssn")]]))


def harmless():
    for at, one in enumerate([
        "Author: T <t@localhost>\n", "HEAD is now at §h7§ drop the old token cache\n",
        "§h40§ refs/heads/main\n§h40§ refs/tags/v1.2.0\n", "tree §h40§\nparent §h40§\n",
        "100644 blob §h40§\tsrc/password.rs\n", " src/auth/token.rs | 12 ++++++------\n 1 file changed, 6 insertions(+), 6 deletions(-)\n",
        "On branch fix/secret-rotation\nnothing to commit, working tree clean\n", "warning: LF will be replaced by CRLF in secrets.example.yml\n",
        "diff --git a/login.py b/login.py\nindex §h7§..§h7§ 100644\n--- a/login.py\n+++ b/login.py\n@@ -1,2 +1,2 @@\n-password = os.environ['DB_PASSWORD']\n+password = settings.db_password\n",
        "diff --git a/m.go b/m.go\n+\ttoken := r.Header.Get(\"Authorization\")\n+\tif token == \"\" {\n",
        "+def verify(password: str, hashed: bytes) -> bool:\n+    return bcrypt.checkpw(password.encode(), hashed)\n",
        "remotes/origin/feature/api-key-rotation §h7§ Rotate API keys every 90 days\n",
        "ssh://git@github.com/acme/app.git\n", "git@gitlab.example.com:group/app.git\n", "To github.com:acme/app.git\n   §h7§..§h7§  main -> main\n",
        "NAME        READY   STATUS    RESTARTS   AGE\nweb-§h10§-x2x4z   1/1     Running   0          3d\n",
        "NAME                  TYPE                                  DATA   AGE\napp-token             kubernetes.io/service-account-token   3      10d\ndb-credentials        Opaque                                2      10d\n",
        "secret/db created\n", "Error from server (NotFound): secrets \"db-password\" not found\n",
        "Error from server (Forbidden): secrets is forbidden: User \"dev\" cannot list resource \"secrets\" in API group \"\" in the namespace \"prod\"\n",
        "apiVersion: v1\ndata:\n  log_level: info\n  max_tokens: \"4096\"\nkind: ConfigMap\nmetadata:\n  name: llm\n",
        "        env:\n        - name: DB_PASSWORD\n          valueFrom:\n            secretKeyRef:\n              key: password\n              name: db\n",
        "      volumes:\n      - name: creds\n        secret:\n          secretName: db-credentials\n          defaultMode: 420\n",
        "  uid: §uuid§\n  resourceVersion: \"884213\"\n", "Image ID: docker.io/library/nginx@sha256:§h64§\n",
        "containerID: containerd://§h64§\n", "serviceAccountName: token-reviewer\nautomountServiceAccountToken: false\n",
        "Labels:  app=web\n         pod-template-hash=§h10§\n", "clientConfig:\n  caBundle: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUM§A60§\n",
        "-----BEGIN CERTIFICATE-----\n§b64§\n§b64§\n§b40§\n-----END CERTIFICATE-----\n", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI§b43§ bob@laptop\n",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC§b200§ deploy\n", "SHA256:§b43§ no comment (ED25519)\n",
        "256 MD5:§h2§:§h2§:§h2§:§h2§:§h2§:§h2§:§h2§:§h2§ host (RSA)\n", "-----BEGIN PGP SIGNATURE-----\n\n§b64§\n§b64§\n=§A4§\n-----END PGP SIGNATURE-----\n",
        "-----BEGIN CERTIFICATE REQUEST-----\n§b64§\n§b30§\n-----END CERTIFICATE REQUEST-----\n", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n§b64§\n§b64§\n=§A4§\n-----END PGP PUBLIC KEY BLOCK-----\n",
        "§h64§  release.tar.gz\n", "§h40§  a.iso\n§h40§  b.iso\n", "integrity sha512-§b86§==\n", "left-pad@^1.3.0:\n  version \"1.3.0\"\n  integrity sha1-§b27§=\n",
        "    name = \"serde\"\n    checksum = \"§h64§\"\n", "h1:§b43§=\n", "go: downloading github.com/acme/x v0.0.0-20251103100000-§h12§\n",
        "Digest: sha256:§h64§\nStatus: Image is up to date for nginx:latest\n", "#7 sha256:§h64§ 29.15MB / 29.15MB 1.2s done\n",
        "<script src=\"a.js\" integrity=\"sha384-§b64§\" crossorigin=\"anonymous\"></script>\n",
        "< Sec-WebSocket-Accept: §b27§=\n< Upgrade: websocket\n", "< ETag: W/\"§h32§\"\n< Last-Modified: Mon, 03 Nov 2025 10:00:00 GMT\n",
        "traceparent: 00-§h32§-§h16§-01\n", "X-Amzn-Trace-Id: Root=1-§h8§-§h24§\n", "x-amz-request-id: §N16§\nx-amz-id-2: §b56§=\n", "cf-ray: §h16§-FRA\n",
        "< WWW-Authenticate: Basic realm=\"Restricted\"\n", "< WWW-Authenticate: Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\"\n",
        "< Set-Cookie: lang=en; Path=/; Max-Age=31536000\n", "< Strict-Transport-Security: max-age=31536000; includeSubDomains\n",
        "* TLSv1.3 (IN), TLS handshake, Newsession Ticket (4):\n* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384\n",
        "* Server certificate:\n*  subject: CN=example.com\n*  SSL certificate verify ok.\n",
        "curl -H \"X-Api-Key: ${API_KEY}\" https://api.example.com/v1\n", "curl -u \"$USER:$PASS\" https://nexus.example.com\n",
        "export TOKEN=$(gcloud auth print-access-token)\n", "PASSWORD=`cat /run/secrets/db`\n", "DB_PASSWORD_FILE=/run/secrets/db_password\n",
        "POSTGRES_HOST_AUTH_METHOD=scram-sha-256\n", "password: {{ .Values.db.password }}\n", "password: !vault |\n", "token: <redacted>\n", "password=********\n", "secret: <your-secret-here>\n",
        "api_key: YOUR_API_KEY_HERE\n", "Authorization: Bearer <token>\n", "DATABASE_URL=postgres://localhost:5432/db\n",
        "postgres://$DB_USER:$DB_PASS@db/app\n", "mongodb://${USER}:${PASS}@db/app\n", "--password-stdin reads the password from standard input\n",
        "Usage: login [--token TOKEN] [--password PASSWORD] HOST\n", "  -p, --password string   Password\n      --token string      Bearer token\n",
        "The password must have at least 12 characters, one digit and one sign.\n", "Password expired 3 days ago; change it at the next login.\n",
        "Invalid token: unexpected end of input at line 3 column 14\n", "SyntaxError: Unexpected token < in JSON at position 0\n", "error: expected one of `,` or `}`, found token `;`\n",
        "tokens: 1532 prompt, 220 completion\n", "{\"usage\":{\"prompt_tokens\":812,\"completion_tokens\":45,\"total_tokens\":857}}", "{\"next_page_token\":\"\",\"items\":[]}",
        "{\"password_changed_at\":\"2025-11-03T10:00:00Z\",\"mfa_enabled\":true}", "{\"token_endpoint\":\"https://login.example.com/token\",\"jwks_uri\":\"https://login.example.com/jwks\"}",
        "{\"error\":\"invalid_client\",\"error_description\":\"client secret is wrong\"}", "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"kid\":\"k1\",\"n\":\"§u342§\"}",
        table(["key", "value"], [["session_timeout", "1800"], ["password_min_length", "12"]]), table(["username", "password_set"], [["bob", "t"], ["eve", "f"]]),
        table(["table_name", "column_name"], [["users", "password_hash"], ["users", "api_token"]]), table(["id", "checksum"], [["1", "§h32§"], ["2", "§h32§"]]),
        table(["id", "uuid", "amount"], [["1", "§uuid§", "19.90"]]), table(["pid", "query"], [["812", "select login from users"]]),
        "CREATE TABLE users (id serial primary key, login text, password_hash text not null);\n", "SELECT id, password FROM users WHERE id = $1\n",
        "order 2025110310000017 shipped\n", "tracking 1Z999AA10123456784\n", "invoice 4111-1111 due 2025-12-01\n", "epoch 1699000000123 to 1699000000999\n",
        "EAN 4006381333931, ISBN 0-306-40615-2\n", "build 1234567890123456 ok\n", "lat 52.520008 lon 13.404954\n", "2025-11-03T10:00:00.123456789Z\n", "10.0.0.1:5432 -> 10.0.0.2:48122\n", "MAC 3c:22:fb:§h2§:§h2§:§h2§\n",
        "pi 3.14159265358979323846\n", "room 5-0123 floor 2\n", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-§A6§\n", "projects/acme/secrets/db-password/versions/3\n", "vault:secret/data/app#password\n",
        "i-0§h16§ vpc-0§h16§ subnet-0§h16§ ami-0§h16§\n", "sg-0§h16§ eni-0§h16§\n", "docker pull acme/app@sha256:§h64§\n", "JSESSIONID cookie missing\n",
        "git clone https://github.com/acme/app.git && cd app\n", "@types/node@20.1.0 @babel/core@7.23.0\n", "pip install app @ git+https://github.com/acme/app.git@§h40§\n",
        "user@host:~$ ls -la\n", "root@web-1:/app# env | sort | head -3\n", "scp app.tar deploy@web1:/srv/\n", "Match user sftp\n    PasswordAuthentication no\n    PubkeyAuthentication yes\n",
        "data:font/woff2;base64,d09GMgABAAAAA§b200§\n", "url(\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUg§b80§==\")\n", "<svg><path d=\"M10 10h80v80h-80z\"/></svg>\n",
        "§uuid§ §uuid§\n", "commit §h40§ (HEAD -> main, origin/main)\n", "class TokenBucket(rate: Int, capacity: Int)\n", "const passwordInput = document.querySelector('#password')\n", "public String getPassword() { return password; }\n", "keyboard-interactive, publickey, password\n", "primary key (id), foreign key (user_id)\n", "KEY `idx_token` (`token`),\n",
    ]):
        text(f"ws-h{at}", one)


def make():
    shapes()
    secrets()
    harmless()
