"""Bytes, their order, and who notices when nobody reads."""

import fcntl
import hashlib
import os
import socket
import subprocess
import time

from harness import check, row


def digest(data):
    return hashlib.sha256(data).hexdigest()


@row(11, "outputs that are apart stay apart")
def apart(under):
    done = under.call(["sh", "-c", "echo out; echo err >&2"])
    check(done.seen() == (0, b"out\n", b"err\n"), f"{done.seen()}")


@row(11, "outputs that are one open file keep their order")
def together(under):
    body = '"${W[@]}" sh -c "for i in $(seq -s " " 300); do echo out \\$i; echo err \\$i >&2; done"'
    wanted = b"".join(b"out %d\nerr %d\n" % (n, n) for n in range(1, 301))
    for end in (">both 2>&1; cat both", "2>&1 | cat"):
        done = under.caller(f"{body} {end}")
        check(done.out == wanted, f"with {end}: {done.out[:80]!r}")


@row(12, "many mebibytes of any bytes come out exactly")
def bytes_out(under):
    data = os.urandom(under.mebibytes << 20)
    with open(under.path("bytes"), "wb") as file:
        file.write(data)
    done = under.call(["cat", "bytes"])
    check(done.code == 0 and digest(done.out) == digest(data), f"{len(done.out)} bytes come, and not the same")


@row(12, "many mebibytes of any bytes go in exactly")
def bytes_in(under):
    data = os.urandom(under.mebibytes << 20)
    done = under.call(["sha256sum"], stdin=data)
    check(done.out.decode().split()[:1] == [digest(data)], f"{done.seen()}")


@row(13, "a prompt without a newline appears, and its answer arrives")
def prompt(under):
    script = "printf 'name? '; read x; printf 'hello %s? ' $x; read x; echo $x"
    pipe = subprocess.PIPE
    process = under.start(["sh", "-c", script], stdin=pipe, stdout=pipe)
    for words, answer in ((b"name? ", b"ada\n"), (b"hello ada? ", b"yes\n")):
        began = time.monotonic()
        shown = os.read(process.stdout.fileno(), 100)
        check(shown == words, f"{shown!r}")
        check(time.monotonic() - began < 2, "it takes seconds")
        process.stdin.write(answer)
        process.stdin.flush()
    process.stdin.close()
    check(process.stdout.read() == b"yes\n" and process.wait() == 0, "the end is another")


@row(13, "what trickles is seen as it comes")
def trickle(under):
    script = "for n in 1 2 3 4 5; do printf $n; read x; done"
    pipe = subprocess.PIPE
    process = under.start(["sh", "-c", script], stdin=pipe, stdout=pipe)
    for n in b"12345":
        shown = os.read(process.stdout.fileno(), 100)
        check(shown == bytes([n]), f"{shown!r} in place of {n}")
        process.stdin.write(b"\n")
        process.stdin.flush()
    process.stdin.close()
    check(process.wait() == 0, "it does not end")


@row(14, "standard input is left for who comes next")
def input_is_left(under):
    done = under.caller("printf '1\\n2\\n3\\n' | while read x; do \"${W[@]}\" echo $x; done")
    check(done.out == b"1\n2\n3\n", f"a loop over lines: {done.out!r}")
    done = under.caller("printf '1\\n2\\n3\\n' | { \"${W[@]}\" sh -c 'read x; echo $x'; cat; }")
    check(done.out == b"1\n2\n3\n", f"a tool that reads one line: {done.out!r}")
    done = under.caller("printf '1\\n2\\n3\\n' >list; { \"${W[@]}\" head -n 1; cat; } <list")
    check(done.out == b"1\n2\n3\n", f"a file that is read in turn: {done.out!r}")


@row(14, "an input that nobody ends does not hold a tool that reads none")
def input_held_open(under):
    process = under.start(["echo", "done"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    check(process.wait(20) == 0 and process.stdout.read() == b"done\n", "it does not end well")


@row(14, "half of a connection is closed, and the other half is open")
def half_close(under):
    ours, theirs = socket.socketpair()
    process = under.start(["sh", "-c", "cat; echo end"], stdin=theirs, stdout=theirs)
    theirs.close()
    ours.sendall(b"word\n")
    ours.shutdown(socket.SHUT_WR)
    ours.settimeout(20)
    got = b""
    while more := ours.recv(100):
        got += more
    check(got == b"word\nend\n" and process.wait() == 0, f"{got!r}")


@row(14, "closed descriptors are closed for the tool")
def closed(under):
    look = "for n in 0 1 2; do [ -e /proc/$$/fd/$n ]; echo $n $?; done"
    for redirect, wanted in (("<&-", b"0 1\n1 0\n2 0\n"), ("2>&-", b"0 0\n1 0\n2 1\n")):
        done = under.caller(f"\"${{W[@]}}\" sh -c '{look}' {redirect}")
        check(done.out == wanted, f"{redirect}: {done.out!r}")


@row(15, "the caller's descriptors keep their flags")
def flags(under):
    pairs = [os.pipe() for _ in range(3)]
    (stdin, keys), (out, stdout), (err, stderr) = pairs
    before = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (stdin, stdout, stderr)]
    process = under.start(["sh", "-c", "echo ready; read x; echo $x >&2"], stdin=stdin, stdout=stdout, stderr=stderr)
    os.read(out, 10)
    during = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (stdin, stdout, stderr)]
    os.write(keys, b"word\n")
    process.wait()
    after = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (stdin, stdout, stderr)]
    check(os.read(err, 10) == b"word\n", "the tool does not work")
    for fd in sum(pairs, ()):
        os.close(fd)
    check(before == during == after, f"{before}, {during}, {after}")


@row(16, "descriptors above 2 are the caller's, and no others")
def descriptors(under):
    done = under.caller(
        "echo seven >seven; exec 7<seven 9>nine; "
        "\"${W[@]}\" sh -c 'cat <&7; echo nine >&9; ls /proc/$$/fd'; cat nine"
    )
    check(done.out == b"seven\n0\n1\n2\n7\n9\nnine\n", f"{done.seen()}")
    done = under.caller('"${W[@]}" cat <(echo substituted)')
    check(done.out == b"substituted\n", f"process substitution: {done.seen()}")


@row(16, "make's jobserver works")
def jobserver(under):
    with open(under.path("Makefile"), "w") as file:
        file.write('all: a b\na b:\n\t@+"$$BASH" -c "$$RUN"\n')
    run = '"${W[@]}" make -s -f inner'
    with open(under.path("inner"), "w") as file:
        file.write("all: c d\nc d:\n\t@echo done\n")
    words = under.script(run)[-1]
    done = under.caller(f"export BASH RUN={_quoted(words)}; make -s -j2 2>&1 | sort")
    check(done.out == b"done\n" * 4, f"{done.out!r}")


def _quoted(words):
    return "'" + words.replace("'", "'\\''") + "'"
