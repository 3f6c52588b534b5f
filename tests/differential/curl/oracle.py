#!/usr/bin/env python3
"""Runs the real curl where every name and every address is this machine, and says what it did.

Started as root of its own network and mount namespaces (`unshare --net --mount`), so nothing leaves and nothing outside of the folder
that its argument names is written: every address is
routed to loopback, a resolver of our own gives each name an address, and the certificates that curl trusts are ours.
Each line of standard input is a JSON object (`argv`, `cwd`, `home`, `env`, `stdin`); each line of standard output is what
that command did: `requests`, `uploads`, `writes`, `opened`, `code`.
"""
import base64, hashlib, ipaddress, json, os, re, select, socket, ssl, struct, subprocess, sys, tempfile, threading, urllib.parse

# Schemes whose server speaks first or in its own way: a connection is all that is looked at.
RAW = {21: "ftp", 990: "ftps", 22: "ssh", 25: "smtp", 465: "smtps", 110: "pop3", 995: "pop3s", 143: "imap", 993: "imaps",
       389: "ldap", 636: "ldaps", 2628: "dict", 70: "gopher", 23: "telnet", 445: "smb", 1883: "mqtt", 554: "rtsp", 1935: "rtmp"}
PORTS = set(RAW) | {80, 443, 1080, 8080, 8443, 3128, 8000}
BODY = b'{"ok":true}\n'
HEADERS = [b'ETag: "from-the-server"', b"Set-Cookie: c=1; path=/", b'Content-Disposition: attachment; filename="server-named.bin"']


def run(*words, **more):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more).stdout


class Names:
    """A resolver: each name has an address of its own, and is found again by it."""

    def __init__(self):
        self.of = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def address(self, name):
        digest = hashlib.sha256(name.lower().encode()).digest()
        address = "10.%d.%d.%d" % tuple(digest[:3])
        self.of[address] = name.lower()
        return address

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(2048)
            self.socket.sendto(self.answer(query), peer)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin1"))
            at += 1 + query[at]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        answers = b""
        if kind == 1:
            answers = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(self.address(".".join(labels)))
        head = query[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, 1 if answers else 0, 0, 0)
        return head + query[12:at + 5] + answers


class Authority:
    """A certificate authority that signs for whatever host is asked for."""

    def __init__(self, folder):
        self.folder, self.contexts, self.lock = folder, {}, threading.Lock()
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            folder + "/ca.key", "-out", folder + "/ca.pem", "-subj", "/CN=oracle", "-days", "2")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", folder + "/key",
            "-out", folder + "/csr", "-subj", "/CN=any")

    def context(self, host):
        with self.lock:
            if host not in self.contexts:
                kind = "IP" if ":" in host or re.fullmatch(r"[0-9.]+", host) else "DNS"
                with open(self.folder + "/ext", "w") as f:
                    f.write("subjectAltName=%s:%s\n" % (kind, host))
                run("openssl", "x509", "-req", "-in", self.folder + "/csr", "-CA", self.folder + "/ca.pem", "-CAkey",
                    self.folder + "/ca.key", "-days", "2", "-extfile", self.folder + "/ext", "-out", self.folder + "/crt")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.folder + "/crt", self.folder + "/key")
                self.contexts[host] = context
            return self.contexts[host]

    def serve(self, connection, address):
        context = self.context(address)

        def chosen(connection, name, _):
            connection.context = self.context(name) if name else context
        context.sni_callback = chosen
        return context.wrap_socket(connection, server_side=True)


class Listeners:
    def __init__(self, names, authority):
        self.names, self.authority, self.log, self.open, self.busy = names, authority, [], set(), 0
        self.changed = threading.Condition()

    def ports(self, wanted):
        for port in wanted - self.open:
            self.open.add(port)
            listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("::", port))
            except OSError:
                continue
            listener.listen(64)
            threading.Thread(target=self.accept, args=(listener, None), daemon=True).start()

    def unix(self, path, shown):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(8)
        threading.Thread(target=self.accept, args=(listener, "unix:" + shown), daemon=True).start()
        return listener

    def accept(self, listener, place):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.changed:
                self.busy += 1
            threading.Thread(target=self.serve, args=(connection, place), daemon=True).start()

    def serve(self, connection, place):
        try:
            connection.settimeout(3)
            if place is None:
                address, port = connection.getsockname()[:2]
                address = address[7:] if address.startswith("::ffff:") and "." in address else address
                host = self.names.of.get(address, address)
                self.talk(connection, {"tcp": [host, port], "scheme": "http", "proxied": None}, address, port)
            else:
                self.talk(connection, {"tcp": place, "scheme": "http", "proxied": None}, "unix", 0)
        except (OSError, ssl.SSLError, ValueError, IndexError):
            pass
        finally:
            connection.close()
            with self.changed:
                self.busy -= 1
                self.changed.notify_all()

    def note(self, seen):
        with self.changed:
            self.log.append(seen)

    def talk(self, connection, seen, address, port):
        """One connection: plain HTTP, TLS, a proxy's CONNECT or SOCKS, or something else."""
        if port in RAW and seen["proxied"] is None:
            return self.note({**seen, "scheme": RAW[port], "raw": True})
        first = connection.recv(1, socket.MSG_PEEK)
        if not first:
            return
        if first[0] == 0x16:
            host = (seen["proxied"] or [address])[0]
            return self.requests(self.authority.serve(connection, host), {**seen, "scheme": "https"}, address, port)
        if first[0] in (4, 5):
            return self.socks(connection, seen, address, port, first[0])
        self.requests(connection, seen, address, port)

    def socks(self, connection, seen, address, port, version):
        read = lambda n: b"".join(iter_read(connection, n))
        if version == 5:
            read(2 + read_peek(connection, 2)[1])
            connection.sendall(b"\x05\x00")
            kind = read(4)[3]
            host = (socket.inet_ntoa(read(4)) if kind == 1 else read(read(1)[0]).decode() if kind == 3
                    else socket.inet_ntop(socket.AF_INET6, read(16)))
            to = struct.unpack(">H", read(2))[0]
            connection.sendall(b"\x05\x00\x00\x01" + bytes(6))
        else:
            head = read(8)
            to, host = struct.unpack(">H", head[2:4])[0], socket.inet_ntoa(head[4:8])
            for _ in iter(lambda: read(1), b"\0"): pass
            if host.startswith("0.0.0.") and host != "0.0.0.0":
                host = b"".join(iter(lambda: read(1), b"\0")).decode()
            connection.sendall(b"\0\x5a" + bytes(6))
        inner = {**seen, "proxied": [self.names.of.get(host, host), to]}
        if to in RAW:
            return self.note({**inner, "scheme": RAW[to], "raw": True})
        self.talk(connection, inner, host, to)

    def requests(self, connection, seen, address, port):
        while True:
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            if data.startswith(b"PROXY "):
                data = data.partition(b"\r\n")[2]  # --haproxy-protocol
            head, body = data.split(b"\r\n\r\n", 1)
            lines = head.split(b"\r\n")
            fields = {}
            for line in lines[1:]:
                name, _, value = line.partition(b":")
                fields.setdefault(name.strip().lower().decode("latin1"), value.strip().decode("latin1"))
            method, _, rest = lines[0].decode("utf8", "surrogateescape").partition(" ")
            target, _, _ = rest.rpartition(" HTTP/")
            if method == "CONNECT":
                host, _, to = target.rpartition(":")
                connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                inner = {**seen, "proxied": [host.strip("[]"), int(to)], "scheme": "http"}
                if int(to) in RAW:
                    return self.note({**inner, "scheme": RAW[int(to)], "raw": True})
                return self.talk(connection, inner, host.strip("[]"), int(to))
            if fields.get("expect", "").lower() == "100-continue":
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            if "chunked" in fields.get("transfer-encoding", ""):
                while b"0\r\n\r\n" not in body:
                    body += connection.recv(65536)
            while len(body) < int(fields.get("content-length") or 0):
                piece = connection.recv(65536)
                if not piece:
                    break
                body += piece
            if fields.get("content-type") == "application/dns-message":
                answer = self.names.answer(body)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
                continue
            self.note({**seen, "method": method, "target": target, "host": fields.get("host"),
                       "bytes": (head + b"\r\n" + body).decode("latin1")})
            answer = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % (0 if method == "HEAD" else len(BODY)), *HEADERS]
            connection.sendall(b"\r\n".join(answer) + b"\r\n\r\n" + (b"" if method == "HEAD" else BODY))


def iter_read(connection, n):
    while n:
        piece = connection.recv(n)
        if not piece:
            raise OSError("closed")
        n -= len(piece)
        yield piece


def read_peek(connection, n):
    return connection.recv(n, socket.MSG_PEEK)


def tree(*folders):
    found = {}
    for folder in folders:
        for at, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(at, name)
                if os.path.isfile(path):
                    with open(path, "rb") as f:
                        found[path] = f.read()
    return found


def shown(path, cwd, home):
    for folder, instead in ((cwd + "/", ""), (home + "/", "~/")):
        if path.startswith(folder):
            return instead + os.path.normpath(path[len(folder):])
    return path


def request(seen, own_host):
    """A log entry in the words of the reading."""
    default = {"http": 80, "https": 443}
    scheme = seen["scheme"]
    tcp = seen["tcp"]
    if seen.get("raw"):
        host, port = seen["proxied"] or tcp
        method, path = None, None
    else:
        method, path = seen["method"], seen["target"]
        method = method if not re.match(r"ftp:", path, re.I) else None
        absolute = re.match(r"([a-z][a-z0-9+.-]*)://([^/?]*)(.*)$", path, re.I)
        authority = absolute.group(2) if absolute else seen["host"] if not own_host else None
        if absolute:
            scheme, path = absolute.group(1).lower(), absolute.group(3) or "/"
        if authority is None:
            host, port = seen["proxied"] or (tcp if isinstance(tcp, list) else [None, default[scheme]])
        else:
            parts = re.fullmatch(r"(?:.*@)?(\[[^]]*\]|[^:]*)(?::(\d+))?", authority)
            host, port = parts.group(1).strip("[]"), int(parts.group(2) or {**default, "ftp": 21}.get(scheme, 0))
    host = host and host.lower().rstrip(".")
    mapped = lambda a: str(getattr(ipaddress.ip_address(a), "ipv4_mapped", None)) if a and ":" in a else None
    local = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}
    same = lambda a: a in (host, mapped(host)) or {a, host} <= local
    if isinstance(tcp, str):
        connect = tcp
    elif same(tcp[0]) and tcp[1] == port:
        connect = None
    else:
        connect = "%s:%d" % ("[%s]" % tcp[0] if ":" in tcp[0] else tcp[0], tcp[1])
    return {"method": method, "scheme": scheme, "host": host, "port": port, "path": path, "connect": connect}


def marks(entries):
    found = set()
    for entry in entries:
        text = entry.get("bytes", "")
        logins = [base64.b64decode(word).decode("latin1") for word in re.findall(r"(?i)basic ([\w+/=]+)", text)]
        for form in (text, urllib.parse.unquote(text), *logins):
            found.update(re.findall(r"MARK:([\w./~+-]+)", form))
    return sorted(found - {"stdin"})


def one(case, listeners, folder):
    cwd, home = case["cwd"], case["home"]
    text = json.dumps([case["argv"], case["env"], sorted(tree(cwd, home).values(), key=len)[:20]], default=lambda b: b.decode("latin1"))
    listeners.ports(PORTS | {int(n) for n in re.findall(r"\d{2,5}", text) if 0 < int(n) < 65536 and int(n) != 53})
    names = {name for name in re.findall(r"(?<![\w/.])[\w-]+\.sock\b", text) if not os.path.exists(os.path.join(cwd, name))}
    sockets = [listeners.unix(os.path.join(cwd, name), name) for name in names]
    before = tree(cwd, home)
    trace = folder + "/trace"
    listeners.log = []
    line = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=openat,connect", "-o", trace, case["program"], *case["argv"]]
    limit = ["timeout", "-k", "1", "10"]
    done = subprocess.run(limit + line, cwd=cwd, env=case["env"], input=(case.get("stdin") or "").encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with listeners.changed:
        listeners.changed.wait_for(lambda: listeners.busy == 0, 4)
        log = listeners.log
    for listener in sockets:
        listener.close()
    after = tree(cwd, home)
    for name in names:
        os.unlink(os.path.join(cwd, name))
    opened = set()
    with open(trace, errors="surrogateescape") as f:
        for path in re.findall(r'openat\(AT_FDCWD, "((?:[^"\\]|\\.)*)", O_RDONLY[^)]*\)\s+= \d', f.read()):
            path = os.path.join(cwd, path)
            if path.startswith((cwd, home)):
                opened.add(shown(path, cwd, home))
    own_host = re.search(r"(?i)(?<![\w.])host:", text) is not None
    writes = sorted(shown(path, cwd, home) for path in after if before.get(path) != after[path])
    # What is sent to servers that speak in their own way is not looked into: a file that was opened for it is sent.
    raw = any(seen.get("raw") for seen in log)
    uploads = [word for before, word in zip(case["argv"], case["argv"][1:]) if before.startswith(("-T", "--up"))]
    return {
        "requests": [request(seen, own_host) for seen in log],
        "uploads": sorted(set(marks(log)) | (opened & set(uploads) if raw else set())),
        "writes": sorted({"*" if os.path.basename(w) == "server-named.bin" else w for w in writes}),
        "opened": sorted(opened),
        "code": done.returncode,
        "error": done.stderr.decode("utf8", "replace")[-300:],
    }


def main():
    # Nothing outside of the world's folder can be written, whatever a line says: `-T x file:///etc/hosts` is one.
    world = os.path.realpath(sys.argv[1])
    folder = tempfile.mkdtemp(prefix="oracle-", dir=world)
    run("mount", "--make-rprivate", "/")
    run("mount", "--bind", world, world)
    for place in {line.split()[1] for line in open("/proc/self/mounts")}:
        if place != world and not place.startswith(("/proc", "/dev", "/sys")):
            subprocess.run(["mount", "-o", "remount,bind,ro", place], stderr=subprocess.DEVNULL)
    probe = subprocess.run(["touch", "/etc/.oracle"], stderr=subprocess.DEVNULL)
    assert probe.returncode != 0, "the world outside could be written"
    for words in ("link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"):
        run("ip", *words.split())
    authority = Authority(folder)
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\n"), ("hosts", ""), ("nsswitch.conf", "hosts: files dns\npasswd: files\n")):
        with open(folder + "/" + name, "w") as f:
            f.write(text)
        run("mount", "--bind", folder + "/" + name, os.path.realpath("/etc/" + name))
    run("mount", "--bind", folder + "/ca.pem", os.path.realpath("/etc/ssl/certs/ca-certificates.crt"))
    listeners = Listeners(Names(), authority)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(one(json.loads(line), listeners, folder)), flush=True)


main()
