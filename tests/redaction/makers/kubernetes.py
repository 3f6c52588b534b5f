"""What kubectl prints: by its own printers, from a small API server of ours on the loopback."""

import base64
import http.server
import json
import os
import subprocess
import tempfile
import threading

from .case import add, values
from .values import TOKENS, b64

OBJECTS = {}
KINDS = [("secrets", "Secret"), ("configmaps", "ConfigMap"), ("pods", "Pod"), ("events", "Event")]


class Api(http.server.BaseHTTPRequestHandler):
    """Discovery and GET of what stands in OBJECTS; lists are sent as the real server does, without the items' kinds."""

    def do_GET(self):
        path = self.path.split("?")[0].strip("/").split("/")
        group, rest = ("v1", path[2:]) if path[:2] == ["api", "v1"] else ("apps/v1", path[3:])
        if path == ["api"]:
            answer = {"kind": "APIVersions", "versions": ["v1"]}
        elif path == ["apis"]:
            answer = {"kind": "APIGroupList", "groups": [{"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}], "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"}}]}
        elif not rest:
            kinds = KINDS if group == "v1" else [("deployments", "Deployment")]
            answer = {"kind": "APIResourceList", "groupVersion": group, "resources": [
                {"name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["get", "list"]} for plural, kind in kinds]}
        else:
            plural = rest[2]
            kind = dict(KINDS + [("deployments", "Deployment")])[plural]
            found = [o for o in OBJECTS.get(plural, []) if len(rest) < 4 or o["metadata"]["name"] == rest[3]]
            answer = found[0] if len(rest) == 4 and found else {
                "kind": kind + "List", "apiVersion": group, "metadata": {"resourceVersion": "81213"},
                "items": [{k: v for k, v in o.items() if k not in ("kind", "apiVersion")} for o in found]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def stored(v, kind, name, annotated=False, **content):
    """An object as a server gives it."""
    metadata = {"name": name, "namespace": "prod", "uid": v.uuid(), "resourceVersion": str(v.number(10000, 99999)), "creationTimestamp": "2025-11-03T10:00:00Z"}
    if annotated:
        applied = {"apiVersion": "v1", **content, "kind": kind, "metadata": {"annotations": {}, "name": name, "namespace": "prod"}}
        metadata["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied, separators=(",", ":")) + "\n"}
    return {"apiVersion": "apps/v1" if kind == "Deployment" else "v1", "kind": kind, "metadata": metadata, **content}


class Kubectl:
    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.home = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.home.cleanup()

    def __call__(self, *args, stdin=None, **objects):
        OBJECTS.clear()
        OBJECTS.update(objects)
        # Its own cache of discovery stays in the home, so only the first call asks.
        run = subprocess.run(["kubectl", f"--server=http://127.0.0.1:{self.server.server_port}", "-n", "prod", *args], input=stdin, text=True,
                             capture_output=True, env={"PATH": os.environ["PATH"], "HOME": self.home.name})
        if run.returncode:
            raise RuntimeError(f"kubectl {args}: {run.stderr}")
        return run.stdout


def secrets(kubectl):
    for n in range(10):
        v = values("k8s-get", n)
        data = {"password": v.password() if n % 2 else v.passphrase(), "username": v.word() + str(v.number(10, 99)), "endpoint": v.secret(24)}
        data = dict(list(data.items())[: 1 + n % 3])
        encoded = {k: b64(x) for k, x in data.items()}
        secret = stored(v, "Secret", "db", annotated=n in (3, 7), data=encoded, type="Opaque")
        form = ["yaml", "json"][n % 2]
        add("k8s-secret", f"kubectl {form}", kubectl("get", "secret", "db", "-o", form, secrets=[secret]), *encoded.values())
    for n in range(6):
        v = values("k8s-list", n)
        own = {k: b64(v.secret(20)) for k in (["config", "note"] if n % 2 else ["value"])}
        plain = {"note": b64("hello world"), "level": "info", "banner": "d2VsY29tZSB0byB0aGUgc2hvcA=="}
        objects = {"secrets": [stored(v, "Secret", "a", data=own, type="Opaque")], "configmaps": [stored(v, "ConfigMap", "b", data=plain)]}
        what = ["secret,configmap", "configmap,secret", "secrets"][n % 3]
        add("k8s-list", "kubectl list", kubectl("get", what, "-o", ["yaml", "json"][n // 3], **objects), *own.values())
    for n in range(6):
        v = values("k8s-path", n)
        raw = {"password": v.password(), "token": v.secret(40)}
        secret = stored(v, "Secret", "db", data={k: b64(x) for k, x in raw.items()}, type="Opaque")
        line = ['jsonpath={.data.password}', 'jsonpath={.data}', r'go-template={{range $k, $v := .data}}{{$k}}={{$v}}{{"\n"}}{{end}}',
                r'go-template={{range $k, $v := .data}}{{$k}}: {{$v | base64decode}}{{"\n"}}{{end}}',
                'custom-columns=NAME:.metadata.name,PASSWORD:.data.password', 'jsonpath={range .data.*}{@}{"\\n"}{end}'][n]
        out = kubectl("get", "secret", "db", "-o", line, secrets=[secret])
        add("k8s-path", "kubectl " + line.split("=")[0], out, *[x for y in raw.values() for x in (y, b64(y)) if x in out])
    for n in range(4):
        v = values("k8s-wide", n)
        word = v.secret(18) if n % 2 else v.passphrase()
        out = kubectl("create", "secret", "generic", "app", f"--from-literal=value={word}", "--dry-run=client", "-o", ["yaml", "json"][n // 2])
        add("k8s-create", "kubectl create", out, b64(word))
    v = values("k8s-tls")
    key = v.pem("PRIVATE KEY", 5)
    out = kubectl("get", "secret", "tls", "-o", "yaml", secrets=[stored(v, "Secret", "tls", data={"tls.crt": b64(v.pem("CERTIFICATE", 2)), "tls.key": b64(key)}, type="kubernetes.io/tls")])
    add("k8s-tls", "kubectl yaml", out, b64(key))
    v = values("k8s-docker")
    word = v.password(signs="")
    out = kubectl("create", "secret", "docker-registry", "reg", "--docker-server=reg.example", "--docker-username=bob", f"--docker-password={word}", "--dry-run=client", "-o", "yaml")
    add("k8s-docker", "kubectl create", out, next(l.split(": ")[1] for l in out.split("\n") if ".dockerconfigjson" in l))
    v = values("k8s-describe")
    jwt = v.jwt()
    out = kubectl("describe", "secret", "app-token", secrets=[stored(v, "Secret", "app-token", data={"ca.crt": b64(v.pem("CERTIFICATE", 2)), "token": b64(jwt), "namespace": b64("prod")}, type="kubernetes.io/service-account-token")], events=[])
    add("k8s-describe", "kubectl describe", out, jwt)
    for n in range(4):
        v = values("k8s-string", n)
        word, other = v.passphrase(), v.password()
        texts = [f'apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  url_part: "{other}"\n  password: {word}\n',
                 f"kind: Secret\napiVersion: v1\nmetadata: {{name: x}}\nstringData: {{salt: '{other}', pin: {word}}}\n",
                 f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  app.conf: |\n    seed {other}\n    more {word}\ntype: Opaque\n",
                 f"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: plain\ndata:\n  level: debug\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ntype: Opaque\nstringData:\n  one: {word}\n  two: >-\n    {other}\n"]
        add("k8s-string-data", "manifest", texts[n], word, other)


def others(kubectl):
    kinds = list(TOKENS)
    for n in range(14):
        v = values("k8s-env", n)
        kind = kinds[(n * 5 + 3) % len(kinds)]
        token = v.token(kind)
        env = [{"name": "LEVEL", "value": "info"}, {"name": TOKENS[kind][0], "value": token}, {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]
        container = {"name": "app", "image": "app:1.4", "env": env}
        if n % 3 == 2:
            pod = stored(v, "Pod", "web-0", spec={"containers": [container], "nodeName": "node-1"}, status={"phase": "Running", "podIP": "10.1.2.3"})
            out = kubectl("describe", "pod", "web-0", pods=[pod], events=[])
        else:
            deployment = stored(v, "Deployment", "web", spec={"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}})
            out = kubectl("get", "deployment", "web", "-o", ["yaml", "json"][n % 3], deployments=[deployment])
        add("k8s-env", "kubectl env", out, token)
    for n in range(4):
        v = values("kubeconfig", n)
        path = os.path.join(kubectl.home.name, "config")
        token, key, word = v.jwt() if n % 2 else v.secret(32), b64(v.pem("EC PRIVATE KEY", 3)), v.password()
        user = [{"token": token}, {"client-certificate-data": b64(v.pem("CERTIFICATE", 2)), "client-key-data": key}, {"username": "admin", "password": word}, {"token": token}][n]
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "prod", "clusters": [{"name": "prod", "cluster": {"server": "https://k8s.example.com:6443", "certificate-authority-data": b64(v.pem("CERTIFICATE", 1))}}],
                  "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "admin"}}], "users": [{"name": "admin", "user": user}]}
        with open(path, "w") as file:
            json.dump(config, file)
        args = ["--kubeconfig", path, "config", "view", "-o", ["yaml", "json"][n // 2]]
        add("kubeconfig", "kubectl config", kubectl(*args, "--raw"), *[x for k, x in user.items() if k not in ("username", "client-certificate-data")])
        add("kubeconfig-redacted", "harmless", kubectl(*args))


def harmless(kubectl):
    for n in range(8):
        v = values("k8s-harmless", n)
        data = {"note": b64("hello world and more"), "motd": "welcome back", "checksum": v.hex(64), "app.properties": "color=red\nsize=4\nretries=3\n", "id": v.uuid()}
        config = stored(v, "ConfigMap", "conf", annotated=n % 2 == 0, data=data, binaryData={"logo.png": base64.b64encode(bytes(v.number(0, 255) for _ in range(90))).decode()})
        add("k8s-configmap", "harmless", kubectl("get", "configmap", "conf", "-o", ["yaml", "json"][n // 2 % 2], configmaps=[config]))
    v = values("k8s-harmless-describe")
    secret = stored(v, "Secret", "db", data={"password": b64("sixteen-letters!"), "username": b64("bob")}, type="Opaque")
    add("k8s-describe-sizes", "harmless", kubectl("describe", "secret", "db", secrets=[secret], events=[]))
    add("k8s-secret-names", "harmless", kubectl("get", "secret", "db", "-o", "name", secrets=[secret]))
    add("k8s-secret-keys", "harmless", kubectl("get", "secret", "db", "-o", r'go-template={{range $k, $v := .data}}{{$k}}{{"\n"}}{{end}}', secrets=[secret]))
    add("k8s-secret-empty", "harmless", kubectl("create", "secret", "generic", "empty", "--dry-run=client", "-o", "yaml"))
    add("k8s-secret-empty", "harmless", kubectl("create", "secret", "generic", "empty", "--dry-run=client", "-o", "json"))
    add("k8s-configmap-create", "harmless", kubectl("create", "configmap", "c", "--from-literal=password_policy=strict", "--from-literal=tokens_per_page=40", "--dry-run=client", "-o", "yaml"))
    for n in range(4):
        v = values("k8s-harmless-pod", n)
        status = {"phase": "Running", "containerStatuses": [{"name": "app", "ready": True, "restartCount": 0, "image": "app:1.4", "imageID": f"docker.io/library/app@sha256:{v.hex(64)}", "containerID": f"containerd://{v.hex(64)}"}]}
        spec = {"containers": [{"name": "app", "image": "app:1.4", "env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}, {"name": "TOKEN_TTL", "value": "3600"}],
                                "volumeMounts": [{"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": "kube-api-access-x7f2q", "readOnly": True}]}], "serviceAccountName": "default",
                "volumes": [{"name": "kube-api-access-x7f2q", "projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}, {"name": "s", "secret": {"secretName": "db-credentials"}}]}
        pod = stored(v, "Pod", f"web-7d9f8b6c5-{v.chars('bcdfghjklmnpqrstvwxz2456789', 5)}", spec=spec, status=status)
        if n < 2:
            add("k8s-pod", "harmless", kubectl("get", "pods", "-o", ["yaml", "json"][n], pods=[pod]))
        else:
            add("k8s-pod", "harmless", kubectl("describe", "pods", pods=[pod], events=[]))


def make():
    with Kubectl() as kubectl:
        secrets(kubectl)
        others(kubectl)
        harmless(kubectl)
