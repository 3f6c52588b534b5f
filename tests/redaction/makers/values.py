"""Values that were never issued: random from a fixed seed, in the shapes that issuers document.

Checksums are left to chance, so a token with one (GitHub, npm) is certainly nobody's.
"""

import base64
import json
import random
import string

UPPER, LOWER, DIGITS = string.ascii_uppercase, string.ascii_lowercase, string.digits
ALNUM = UPPER + LOWER + DIGITS
URLSAFE = ALNUM + "_-"
BASE64 = ALNUM + "+/"
HEX = "0123456789abcdef"
WORDS = ("amber birch cedar delta ember falcon garnet harbor iris juniper kestrel lotus maple nectar onyx pebble quartz "
         "raven sable tundra umber violet willow yarrow zephyr").split()
NAMES = ("Amara Bilal Chen Dora Elif Fatima Goran Hana Ivo Jun Kwame Leila Mateo Nadia Oskar Priya Quinn Rosa Samir Tove "
         "Umar Vera Wanja Xavi Yuki Zora").split()
SURNAMES = ("Abara Bianchi Castillo Dvorak Eriksen Fischer Gupta Hoang Ibrahim Jensen Kowalski Larsen Moreau Nakamura "
            "Okafor Petrov Quist Romero Schmidt Tanaka").split()

# The issuer, what its key is called, and the parts of its shape: a string stands for itself, a pair for so many
# characters of an alphabet.
TOKENS = {
    "github-pat": ("GITHUB_TOKEN", "ghp_", (ALNUM, 36)),
    "github-oauth": ("GH_TOKEN", "gho_", (ALNUM, 36)),
    "github-app": ("GITHUB_APP_TOKEN", "ghs_", (ALNUM, 36)),
    "github-refresh": ("GH_REFRESH_TOKEN", "ghr_", (ALNUM, 76)),
    "github-fine-grained": ("GITHUB_PAT", "github_pat_", (ALNUM, 22), "_", (ALNUM, 59)),
    "gitlab-pat": ("GITLAB_TOKEN", "glpat-", (URLSAFE, 20)),
    "gitlab-runner": ("RUNNER_TOKEN", "glrt-", (URLSAFE, 20)),
    "gitlab-deploy": ("CI_DEPLOY_PASSWORD", "gldt-", (URLSAFE, 20)),
    "gitlab-trigger": ("TRIGGER_TOKEN", "glptt-", (HEX, 40)),
    "aws-access-key-id": ("AWS_ACCESS_KEY_ID", "AKIA", (UPPER + "234567", 16)),
    "aws-secret-access-key": ("AWS_SECRET_ACCESS_KEY", (BASE64, 40)),
    "aws-session-token": ("AWS_SESSION_TOKEN", "FwoGZXIvYXdzE", (BASE64, 180), "=="),
    "google-api-key": ("GOOGLE_API_KEY", "AIza", (URLSAFE, 35)),
    "google-oauth-secret": ("GOOGLE_CLIENT_SECRET", "GOCSPX-", (URLSAFE, 28)),
    "google-access-token": ("GCP_ACCESS_TOKEN", "ya29.a0", (URLSAFE, 120)),
    "azure-storage-key": ("AZURE_STORAGE_KEY", (BASE64, 86), "=="),
    "azure-client-secret": ("AZURE_CLIENT_SECRET", (ALNUM, 3), "8Q~", (ALNUM + "_~.-", 34)),
    "slack-bot": ("SLACK_BOT_TOKEN", "xoxb-", (DIGITS, 12), "-", (DIGITS, 13), "-", (ALNUM, 24)),
    "slack-user": ("SLACK_TOKEN", "xoxp-", (DIGITS, 11), "-", (DIGITS, 11), "-", (DIGITS, 12), "-", (HEX, 32)),
    "slack-app": ("SLACK_APP_TOKEN", "xapp-1-A", (UPPER + DIGITS, 10), "-", (DIGITS, 13), "-", (HEX, 64)),
    "slack-webhook": ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T", (UPPER + DIGITS, 8), "/B", (UPPER + DIGITS, 10), "/", (ALNUM, 24)),
    "stripe-secret": ("STRIPE_SECRET_KEY", "sk_live_", (ALNUM, 24)),
    "stripe-restricted": ("STRIPE_API_KEY", "rk_live_", (ALNUM, 99)),
    "stripe-webhook": ("STRIPE_WEBHOOK_SECRET", "whsec_", (ALNUM, 32)),
    "twilio-key": ("TWILIO_API_KEY", "SK", (HEX, 32)),
    "twilio-auth": ("TWILIO_AUTH_TOKEN", (HEX, 32)),
    "sendgrid": ("SENDGRID_API_KEY", "SG.", (URLSAFE, 22), ".", (URLSAFE, 43)),
    "mailgun": ("MAILGUN_API_KEY", "key-", (HEX, 32)),
    "mailchimp": ("MAILCHIMP_API_KEY", (HEX, 32), "-us14"),
    "npm": ("NPM_TOKEN", "npm_", (ALNUM, 36)),
    "pypi": ("TWINE_PASSWORD", "pypi-AgEIcHlwaS5vcmc", (URLSAFE, 150)),
    "rubygems": ("GEM_HOST_API_KEY", "rubygems_", (HEX, 48)),
    "crates": ("CARGO_REGISTRY_TOKEN", "cio", (ALNUM, 32)),
    "openai": ("OPENAI_API_KEY", "sk-proj-", (URLSAFE, 74), "T3BlbkFJ", (URLSAFE, 74)),
    "openai-old": ("OPENAI_KEY", "sk-", (ALNUM, 20), "T3BlbkFJ", (ALNUM, 20)),
    "anthropic": ("ANTHROPIC_API_KEY", "sk-ant-api03-", (URLSAFE, 93), "AA"),
    "hugging-face": ("HF_TOKEN", "hf_", (LOWER + UPPER, 34)),
    "replicate": ("REPLICATE_API_TOKEN", "r8_", (ALNUM, 37)),
    "digitalocean": ("DIGITALOCEAN_TOKEN", "dop_v1_", (HEX, 64)),
    "databricks": ("DATABRICKS_TOKEN", "dapi", (HEX, 32)),
    "docker": ("DOCKER_PASSWORD", "dckr_pat_", (URLSAFE, 27)),
    "doppler": ("DOPPLER_TOKEN", "dp.pt.", (ALNUM, 43)),
    "shopify": ("SHOPIFY_TOKEN", "shpat_", (HEX, 32)),
    "grafana": ("GRAFANA_TOKEN", "glsa_", (ALNUM, 32), "_", (HEX, 8)),
    "sentry": ("SENTRY_AUTH_TOKEN", "sntryu_", (HEX, 64)),
    "new-relic": ("NEW_RELIC_API_KEY", "NRAK-", (UPPER + DIGITS, 27)),
    "datadog": ("DD_API_KEY", (HEX, 32)),
    "pagerduty": ("PAGERDUTY_TOKEN", "u+", (URLSAFE, 18)),
    "postman": ("POSTMAN_API_KEY", "PMAK-", (HEX, 24), "-", (HEX, 34)),
    "linear": ("LINEAR_API_KEY", "lin_api_", (ALNUM, 40)),
    "notion": ("NOTION_TOKEN", "ntn_", (ALNUM, 46)),
    "figma": ("FIGMA_TOKEN", "figd_", (URLSAFE, 40)),
    "discord": ("DISCORD_TOKEN", "M", (ALNUM, 23), ".", (URLSAFE, 6), ".", (URLSAFE, 38)),
    "telegram": ("TELEGRAM_BOT_TOKEN", (DIGITS[1:], 10), ":AA", (URLSAFE, 33)),
    "vault": ("VAULT_TOKEN", "hvs.", (URLSAFE, 90)),
    "terraform-cloud": ("TFE_TOKEN", (ALNUM, 14), ".atlasv1.", (ALNUM, 67)),
    "heroku": ("HEROKU_API_KEY", "HRKU-", (HEX, 8), "-", (HEX, 4), "-", (HEX, 4), "-", (HEX, 4), "-", (HEX, 12)),
    "cloudflare": ("CLOUDFLARE_API_TOKEN", (URLSAFE, 40)),
    "fastly": ("FASTLY_API_TOKEN", (URLSAFE, 32)),
    "square": ("SQUARE_ACCESS_TOKEN", "EAAA", (URLSAFE, 60)),
    "airtable": ("AIRTABLE_API_KEY", "pat", (ALNUM, 14), ".", (HEX, 64)),
    "supabase": ("SUPABASE_ACCESS_TOKEN", "sbp_", (HEX, 40)),
    "planetscale": ("PLANETSCALE_PASSWORD", "pscale_pw_", (URLSAFE, 43)),
    "okta": ("OKTA_API_TOKEN", "00", (URLSAFE, 40)),
    "tailscale": ("TS_AUTHKEY", "tskey-auth-", (ALNUM, 12), "-", (ALNUM, 32)),
    "age": ("SOPS_AGE_KEY", "AGE-SECRET-KEY-1", ("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)),
}


class Values:
    """One text's values; the same seed gives the same ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def chars(self, alphabet, count):
        return "".join(self.random.choice(alphabet) for _ in range(count))

    def hex(self, count):
        return self.chars(HEX, count)

    def pick(self, things):
        return self.random.choice(things)

    def number(self, low, high):
        return self.random.randint(low, high)

    def word(self):
        return self.pick(WORDS)

    def name(self):
        return self.pick(NAMES)

    def surname(self):
        return self.pick(SURNAMES)

    def token(self, kind):
        """A value of the issuer's shape."""
        return "".join(part if isinstance(part, str) else self.chars(*part) for part in TOKENS[kind][1:])

    def password(self, length=16, signs="!*#%^"):
        """What a manager of passwords makes: it always has a digit, both cases and a sign."""
        body = [self.pick(UPPER), self.pick(LOWER), self.pick(DIGITS)] + ([self.pick(signs)] if signs else [])
        body += [self.pick(ALNUM + signs) for _ in range(length - len(body))]
        self.random.shuffle(body)
        # No sign at an edge, where a reader could take it for punctuation.
        return self.pick(LOWER) + "".join(body)[1:-1] + self.pick(UPPER)

    def passphrase(self):
        return "-".join(self.random.sample(WORDS, 3)) + str(self.number(10, 99))

    def secret(self, length=32):
        return self.chars(ALNUM, length)

    def jwt(self):
        def part(value):
            return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")
        head = {"alg": self.pick(["RS256", "ES256", "HS256"]), "typ": "JWT", "kid": self.chars(ALNUM, 8)}
        body = {"iss": "https://login.example.com", "sub": self.chars(LOWER + DIGITS, 10), "exp": 1893456000}
        return f"{part(head)}.{part(body)}.{self.chars(URLSAFE, 86)}"

    def uuid(self):
        h = self.hex(32)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def email(self, name=None):
        return f"{(name or self.name()).lower()}.{self.surname().lower()}{self.number(2, 99)}@{self.pick(['examplemail.com', 'mail.example.org', 'corp.example.net'])}"

    def ssn(self):
        return f"{self.number(101, 665)}-{self.number(10, 99)}-{self.number(1000, 9999)}"

    def card(self, gap=""):
        """A number with an issuer's beginning and the check digit of ISO/IEC 7812-1."""
        start, length = self.pick([("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("3528", 16)])
        digits = start + self.chars(DIGITS, length - 1 - len(start))
        total = sum(sum(divmod(int(d) * (2 if i % 2 == 0 else 1), 10)) for i, d in enumerate(reversed(digits)))
        digits += str(-total % 10)
        sizes = [4, 6, 5] if length == 15 else [4] * 4
        parts, at = [], 0
        for size in sizes:
            parts.append(digits[at:at + size])
            at += size
        return gap.join(parts)

    def iban(self):
        """ISO 13616: the two check digits make the whole 1 modulo 97."""
        country, body = self.pick([("DE", self.chars(DIGITS, 18)), ("NL", "BANK" + self.chars(DIGITS, 10)), ("GB", "BANK" + self.chars(DIGITS, 14)), ("FR", self.chars(DIGITS, 23))])
        digits = "".join(str(int(c, 36)) for c in body + country + "00")
        return f"{country}{98 - int(digits) % 97:02d}{body}"

    def phone(self):
        """Numbers kept free for fiction: 555-01xx in North America, and Ofcom's for the United Kingdom."""
        area, line = self.number(212, 989), self.number(100, 199)
        return self.pick([f"({area}) 555-0{line}", f"{area}-555-0{line}", f"+1 {area} 555 0{line}", f"+1{area}5550{line}",
                          f"+44 20 7946 0{self.number(100, 999)}", f"+447700900{self.number(100, 999)}", f"020 7946 0{self.number(100, 999)}"])

    def pem(self, label="RSA PRIVATE KEY", lines=10):
        rows = [self.chars(BASE64, 64) for _ in range(lines)] + [self.chars(BASE64, self.number(10, 60)) + "=="]
        return f"-----BEGIN {label}-----\n" + "\n".join(rows) + f"\n-----END {label}-----"


def b64(text):
    return base64.b64encode(text.encode()).decode()
