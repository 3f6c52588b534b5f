"""Starts programs bare or behind a wrapper, by pipes and at a terminal, and says what a row may observe of them."""

import errno
import fcntl
import os
import pty
import select
import shlex
import signal
import struct
import subprocess
import tempfile
import termios
import time

# How long anything may take before it counts as hanging.
PATIENCE = 60

ROWS = []


def row(number, what):
    """Registers a row: its number in the list of what a faithful wrapper keeps, and that in words."""

    def register(body):
        ROWS.append((number, body.__name__, what, body))
        return body

    return register


class Differs(Exception):
    """What was observed is not what the row is about."""


def check(holds, words):
    if not holds:
        raise Differs(words)


def default_signals():
    """Whoever started us may have some ignored or blocked (nohup, a background job)."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


class Done:
    """How a program ended. A code below zero is the signal that ended it."""

    def __init__(self, code, out=b"", err=b""):
        self.code, self.out, self.err = code, out, err

    def seen(self):
        return self.code, self.out, self.err


class Under:
    """Programs are started with this in front of them: nothing, or the wrapper."""

    def __init__(self, prefix, runs, mebibytes):
        self.prefix = prefix
        self.runs = runs
        self.mebibytes = mebibytes
        self.folder = tempfile.mkdtemp(prefix="conformance-")

    def start(self, argv, **how):
        how.setdefault("preexec_fn", default_signals)
        how.setdefault("cwd", self.folder)
        return subprocess.Popen(self.prefix + argv, **how)

    def call(self, argv, stdin=b"", **how):
        """Runs to the end, with all three streams pipes."""
        pipe = subprocess.PIPE
        process = self.start(argv, stdin=pipe, stdout=pipe, stderr=pipe, **how)
        out, err = process.communicate(stdin, timeout=PATIENCE)
        return Done(process.returncode, out, err)

    def script(self, text):
        """A script of the caller's for bash, in which `"${W[@]}" program` is started as above."""
        words = " ".join(map(shlex.quote, self.prefix))
        return ["bash", "--norc", "--noprofile", "-c", f"W=({words})\n{text}"]

    def caller(self, text):
        done = subprocess.run(
            self.script(text), cwd=self.folder, preexec_fn=default_signals, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=PATIENCE,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def path(self, name):
        return os.path.join(self.folder, name)

    def desk(self, text=None):
        """A terminal with a script of the caller's at it, or with a shell that has job control."""
        if text is not None:
            return Desk(self.script(text), self.folder)
        desk = Desk(["bash", "--norc", "--noprofile", "-i"], self.folder)
        desk.until("> ")
        words = " ".join(map(shlex.quote, self.prefix))
        desk.type(f"W=({words}); bind 'set enable-bracketed-paste off'; echo rea''dy\n")
        desk.until("ready\r\n")
        desk.until("> ")
        return desk


class Desk:
    """A terminal, seen from where its user sits."""

    SIZE = (41, 97)

    def __init__(self, argv, folder):
        self.seen = b""
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            try:
                default_signals()
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *self.SIZE, 0, 0))
                os.chdir(folder)
                os.environ.update(PS1="> ", TERM="dumb", HISTFILE="/dev/null", INPUTRC="/dev/null")
                os.execvp(argv[0], argv)
            finally:
                os._exit(127)

    def type(self, keys):
        os.write(self.screen, keys.encode())

    def resize(self, rows, columns):
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, until):
        """Some more of the screen; nothing at its end."""
        left = until - time.monotonic()
        if left <= 0 or not select.select([self.screen], [], [], left)[0]:
            raise Differs(f"the terminal shows no more than {self.seen[-300:]!r}")
        try:
            return os.read(self.screen, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return b""

    def until(self, words, patience=20):
        """Reads until these words are there; gives what came before them and forgets both."""
        words, until = words.encode(), time.monotonic() + patience
        while words not in self.seen:
            more = self.read(until)
            check(more, f"{words!r} never came: {self.seen[-300:]!r}")
            self.seen += more
        before, _, self.seen = self.seen.partition(words)
        return before.decode(errors="replace")

    def run(self, line):
        """Types a line at the shell's prompt and gives what it printed."""
        self.type(f"{line}; echo en''d\n")
        self.until("\n")
        said = self.until("end\r\n")
        self.until("> ")
        return said

    def rest(self, patience=PATIENCE):
        """All that is still shown, and the end."""
        until = time.monotonic() + patience
        while more := self.read(until):
            self.seen += more
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), self.seen.decode(errors="replace")


def wait_for(what, patience, words):
    """Until it is true; the moment is not announced by anything that could be waited for."""
    until = time.monotonic() + patience
    while not what():
        check(time.monotonic() < until, words)
        time.sleep(0.005)


def state(pid):
    """The letter of proc_pid_stat(5); nothing for a process that is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0].decode()
    except OSError:
        return ""


def runs(pid):
    return state(pid) not in ("", "Z", "X")
