"""Tokens of more issuers, each in the places where terminals show one. A shape is what the issuer's own pages show."""

import zlib

from .case import add, values
from .values import ALNUM, BASE64, DIGITS, HEX, LOWER, UPPER, URLSAFE

# A key's usual name, and the parts of its value: a string stands for itself, a pair for so many characters.
SHAPES = {
    "github-user": ("GH_USER_TOKEN", "ghu_", (ALNUM, 36)),
    "gitlab-routable": ("GITLAB_TOKEN", "glpat-", (URLSAFE, 27), ".01.", (LOWER + DIGITS, 9)),
    "gitlab-job": ("CI_JOB_TOKEN", "glcbt-64_", (URLSAFE, 20)),
    "gitlab-runner-old": ("REGISTRATION_TOKEN", "GR1348941", (URLSAFE, 20)),
    "gitlab-feed": ("FEED_TOKEN", "glft-", (URLSAFE, 20)),
    "gitlab-agent": ("AGENT_TOKEN", "glagent-", (URLSAFE, 50)),
    "bitbucket-app": ("BITBUCKET_APP_PASSWORD", "ATBB", (ALNUM, 24), (HEX.upper(), 8)),
    "atlassian": ("JIRA_API_TOKEN", "ATATT3xFfGF0", (URLSAFE, 171), "=", (HEX.upper(), 8)),
    "aws-temporary-id": ("AWS_ACCESS_KEY_ID", "ASIA", (UPPER + "234567", 16)),
    "aws-bedrock": ("AWS_BEARER_TOKEN_BEDROCK", "ABSKQmVkcm9ja0FQSUtleS", (BASE64, 110)),
    "azure-devops": ("AZURE_DEVOPS_EXT_PAT", (ALNUM, 76), "AZDO", (ALNUM, 4)),
    "azure-function": ("FUNCTION_KEY", (URLSAFE, 44), "AzFu", (URLSAFE, 4), "=="),
    "azure-cosmos": ("COSMOS_KEY", (BASE64, 76), "ACDb", (BASE64, 6), "=="),
    "azure-registry": ("ACR_PASSWORD", (BASE64, 42), "+ACR", (ALNUM, 6)),
    "slack-config": ("SLACK_CONFIG_TOKEN", "xoxe.xoxp-1-", (ALNUM, 160)),
    "slack-browser": ("SLACK_XOXC", "xoxc-", (DIGITS, 12), "-", (DIGITS, 12), "-", (DIGITS, 13), "-", (HEX, 64)),
    "stripe-test": ("STRIPE_SECRET_KEY", "sk_test_", (ALNUM, 99)),
    "brevo": ("BREVO_API_KEY", "xkeysib-", (HEX, 64), "-", (ALNUM, 16)),
    "mailgun-new": ("MAILGUN_API_KEY", (HEX, 32), "-", (HEX, 8), "-", (HEX, 8)),
    "square-old": ("SQUARE_ACCESS_TOKEN", "sq0atp-", (URLSAFE, 22)),
    "square-oauth": ("SQUARE_OAUTH_SECRET", "sq0csp-", (URLSAFE, 43)),
    "shopify-shared": ("SHOPIFY_API_SECRET", "shpss_", (HEX, 32)),
    "digitalocean-oauth": ("DO_OAUTH", "doo_v1_", (HEX, 64)),
    "cloudflare-origin": ("CF_ORIGIN_CA_KEY", "v1.0-", (HEX, 24), "-", (HEX, 146)),
    "cloudflare-global": ("CLOUDFLARE_API_KEY", (HEX, 37)),
    "heroku-new": ("HEROKU_API_KEY", "HRKU-AA", (URLSAFE, 58)),
    "vault-batch": ("VAULT_TOKEN", "hvb.AAAAAQ", (URLSAFE, 138)),
    "vault-old": ("VAULT_TOKEN", "s.", (ALNUM, 24)),
    "notion-old": ("NOTION_KEY", "secret_", (ALNUM, 43)),
    "new-relic-license": ("NEW_RELIC_LICENSE_KEY", (HEX, 36), "NRAL"),
    "new-relic-insert": ("NEW_RELIC_INSERT_KEY", "NRII-", (URLSAFE, 32)),
    "grafana-cloud": ("GRAFANA_CLOUD_KEY", "glc_eyJvIjoi", (ALNUM, 110), "="),
    "nuget": ("NUGET_API_KEY", "oy2", (LOWER + DIGITS, 43)),
    "doppler-service": ("DOPPLER_TOKEN", "dp.st.prd.", (ALNUM, 43)),
    "planetscale-token": ("PSCALE_TOKEN", "pscale_tkn_", (URLSAFE, 43)),
    "supabase-secret": ("SUPABASE_SECRET_KEY", "sb_secret_", (URLSAFE, 22), "_", (ALNUM, 8)),
    "firebase-messaging": ("FCM_SERVER_KEY", "AAAA", (URLSAFE, 7), ":APA91b", (URLSAFE, 134)),
    "groq": ("GROQ_API_KEY", "gsk_", (ALNUM, 20), "WGdyb3FY", (ALNUM, 24)),
    "xai": ("XAI_API_KEY", "xai-", (ALNUM, 80)),
    "perplexity": ("PPLX_API_KEY", "pplx-", (ALNUM, 48)),
    "openrouter": ("OPENROUTER_API_KEY", "sk-or-v1-", (HEX, 64)),
    "openai-service": ("OPENAI_API_KEY", "sk-svcacct-", (URLSAFE, 74), "T3BlbkFJ", (URLSAFE, 74)),
    "anthropic-admin": ("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-", (URLSAFE, 93), "AA"),
    "deepseek": ("DEEPSEEK_API_KEY", "sk-", (HEX, 32)),
    "langsmith": ("LANGSMITH_API_KEY", "lsv2_pt_", (HEX, 32), "_", (HEX, 10)),
    "pinecone": ("PINECONE_API_KEY", "pcsk_", (ALNUM, 6), "_", (ALNUM, 63)),
    "asana": ("ASANA_PAT", "2/", (DIGITS[1:], 16), "/", (DIGITS[1:], 16), ":", (HEX, 32)),
    "hubspot": ("HUBSPOT_TOKEN", "pat-na1-", (HEX, 8), "-", (HEX, 4), "-", (HEX, 4), "-", (HEX, 4), "-", (HEX, 12)),
    "typeform": ("TYPEFORM_TOKEN", "tfp_", (URLSAFE, 59)),
    "contentful": ("CONTENTFUL_PAT", "CFPAT-", (URLSAFE, 43)),
    "netlify": ("NETLIFY_AUTH_TOKEN", "nfp_", (ALNUM, 36)),
    "fly": ("FLY_API_TOKEN", "fo1_", (URLSAFE, 43)),
    "render": ("RENDER_API_KEY", "rnd_", (ALNUM, 28)),
    "pulumi": ("PULUMI_ACCESS_TOKEN", "pul-", (HEX, 40)),
    "circleci": ("CIRCLE_TOKEN", "CCIPAT_", (ALNUM, 22), "_", (HEX, 40)),
    "buildkite": ("BUILDKITE_TOKEN", "bkua_", (HEX, 40)),
    "sonarqube": ("SONAR_TOKEN", "sqp_", (HEX, 40)),
    "artifactory": ("ARTIFACTORY_API_KEY", "AKCp8", (ALNUM, 68)),
    "dynatrace": ("DT_API_TOKEN", "dt0c01.", (UPPER + "234567", 24), ".", (UPPER + "234567", 64)),
    "braintree": ("BRAINTREE_TOKEN", "access_token$production$", (LOWER + DIGITS, 16), "$", (HEX, 32)),
    "razorpay": ("RAZORPAY_KEY", "rzp_live_", (ALNUM, 14)),
    "plaid": ("PLAID_ACCESS_TOKEN", "access-production-", (HEX, 8), "-", (HEX, 4), "-", (HEX, 4), "-", (HEX, 4), "-", (HEX, 12)),
    "mapbox": ("MAPBOX_TOKEN", "sk.eyJ1Ijoi", (ALNUM, 60), ".", (URLSAFE, 22)),
    "alibaba": ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5t", (ALNUM, 18)),
    "one-password": ("OP_SERVICE_ACCOUNT_TOKEN", "ops_eyJ", (ALNUM, 320)),
    "openshift": ("OC_TOKEN", "sha256~", (URLSAFE, 43)),
    "bootstrap": ("JOIN_TOKEN", (LOWER + DIGITS, 6), ".", (LOWER + DIGITS, 16)),
    "sourcegraph": ("SRC_ACCESS_TOKEN", "sgp_", (HEX, 16), "_", (HEX, 40)),
    "docker-organisation": ("DOCKER_PASSWORD", "dckr_oat_", (URLSAFE, 32)),
    "launchdarkly": ("LAUNCHDARKLY_SDK_KEY", "sdk-", (HEX, 8), "-", (HEX, 4), "-", (HEX, 4), "-", (HEX, 4), "-", (HEX, 12)),
    "twitter-bearer": ("TWITTER_BEARER_TOKEN", "AAAAAAAAAAAAAAAAAAAAA", (ALNUM, 8), "%2B", (ALNUM, 60)),
    "facebook": ("FB_TOKEN", "EAACEdEose0cBA", (ALNUM, 130)),
    "clojars": ("CLOJARS_PASSWORD", "CLOJARS_", (HEX, 60)),
    "dropbox": ("DROPBOX_TOKEN", "sl.", (URLSAFE, 136)),
    "harness": ("HARNESS_PAT", "pat.", (URLSAFE, 22), ".", (HEX, 24), ".", (ALNUM, 20)),
    "linode": ("LINODE_TOKEN", (HEX, 64)),
    "weights-biases": ("WANDB_API_KEY", (HEX, 40)),
    "prefect": ("PREFECT_API_KEY", "pnu_", (ALNUM, 36)),
    "readme": ("README_KEY", "rdme_", (LOWER + DIGITS, 70)),
    "infracost": ("INFRACOST_API_KEY", "ico-", (ALNUM, 32)),
    "easypost": ("EASYPOST_KEY", "EZAK", (ALNUM, 54)),
    "shippo": ("SHIPPO_TOKEN", "shippo_live_", (HEX, 40)),
    "flutterwave": ("FLW_SECRET", "FLWSECK-", (HEX, 32), "-X"),
    "sendbird": ("SENDBIRD_API_TOKEN", (HEX, 40)),
    "twitch": ("TWITCH_CLIENT_SECRET", (LOWER + DIGITS, 30)),
    "algolia": ("ALGOLIA_ADMIN_KEY", (HEX, 32)),
    "yandex": ("YC_API_KEY", "AQVN", (URLSAFE, 36)),
    "ngrok": ("NGROK_AUTHTOKEN", "2", (ALNUM, 26), "_", (ALNUM, 21)),
    "confluent": ("CONFLUENT_API_SECRET", (BASE64, 64)),
    "snyk": ("SNYK_TOKEN", (HEX, 8), "-", (HEX, 4), "-4", (HEX, 3), "-a", (HEX, 3), "-", (HEX, 12)),
}


def checked(value):
    """GitHub's and npm's tokens end with six digits in base 62, the CRC32 of the thirty before."""
    head, _, body = value.partition("_")
    if head not in ("ghp", "gho", "ghu", "ghs", "npm") or len(body) != 36:
        return value
    rest, end = zlib.crc32(body[:30].encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        end = (DIGITS + UPPER + LOWER)[digit] + end
    return f"{head}_{body[:30]}{end}"


def places(v, key, value):
    """The places, in the order they are used: a name tells in some, the value alone in the others."""
    lower = key.lower()
    n, word = v.number(10, 999), v.word()
    width = max(len(value), 5)
    return {
        "sentence": f"Rotated {word}: the new token {value} is live in {n} s.\n",
        "flag": f"+ deployctl login --token {value} --region eu-central-1\n",
        "export": f"export {key}={value}\n",
        "environment": f"HOME=/home/agent\n{key}={value}\nSHLVL=1\nTERM=xterm-256color\n",
        "json": f'{{"id":{n},"service":"{word}","{lower}":"{value}","enabled":true}}\n',
        "yaml": f"  containers:\n  - env:\n    - name: {key}\n      value: {value}\n    image: reg.example/{word}:1.{n}\n",
        "pod-json": f'          "env": [\n            {{\n              "name": "{key}",\n              "value": "{value}"\n            }}\n          ]\n',
        "diff": f"diff --git a/.env b/.env\nindex {v.hex(7)}..{v.hex(7)} 100644\n--- a/.env\n+++ b/.env\n@@ -1,2 +1,2 @@\n LOG=info\n-{key}={value}\n+{key}=${{{key}}}\n",
        "bearer": f"> GET /v2/{word} HTTP/1.1\n> Host: api.example.com\n> Authorization: Bearer {value}\n> Accept: */*\n> \n",
        "header": f"> GET /v2/{word} HTTP/2\n> host: api.example.com\n> x-api-key: {value}\n> accept: */*\n",
        "table": f" id | service | {'token':<{width}} \n----+---------+-{'-' * width}-\n  1 | {word:<7} | {value:<{width}} \n(1 row)\n\n",
        "expanded": f"-[ RECORD 1 ]{'-' * 30}\nid    | {n}\nname  | {word}\ntoken | {value}\n\n",
        "log": f"2025-11-03T10:00:{n % 60:02d}Z DEBUG client: {lower}={value} host=api.example.com\n",
    }


def make():
    for number, (kind, (key, *parts)) in enumerate(SHAPES.items()):
        v = values("issuer", kind)
        value = checked("".join(part if isinstance(part, str) else v.chars(*part) for part in parts))
        everywhere = places(v, key, value)
        names = list(everywhere)
        name = names[(number * 5 + 2) % len(names)]
        add(f"issuer-{kind}", name, everywhere[name], value)
