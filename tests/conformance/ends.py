"""How a tool ends, and how its caller ends it."""

import os
import signal
import subprocess
import sys
import time

from harness import check, row, runs, state, wait_for

FATAL = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 34, 64]
PASSED_ON = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]

# Says each signal that it gets, and ends with its standard input.
LISTENER = """
import os, signal, sys
def got(number, _):
    os.write(1, b"got %d\\n" % number)
for number in (1, 2, 3, 10, 12, 15):
    signal.signal(number, got)
os.write(1, b"ready\\n")
while os.read(0, 1):
    pass
os.write(1, b"end\\n")
"""


@row(1, "exit codes 0 to 255 are exact")
def exit_codes(under):
    codes = [under.call(["sh", "-c", f"exit {code}"]).code for code in range(256)]
    check(codes == list(range(256)), f"{[code for n, code in enumerate(codes) if n != code][:5]} are not")


@row(1, "a tool that dies of a signal looks so")
def fatal_signals(under):
    ends = {number: under.call(["sh", "-c", f"ulimit -c 0; kill -{number} $$"]).code for number in FATAL}
    wrong = {number: code for number, code in ends.items() if code != -number}
    check(not wrong, f"signal: end {wrong}")


@row(2, "signals to it alone reach the tool, once")
def signals_are_passed_on(under):
    process = under.start([sys.executable, "-c", LISTENER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    check(process.stdout.readline() == b"ready\n", "the tool does not start")
    for number in PASSED_ON:
        os.kill(process.pid, number)
        check(process.stdout.readline() == b"got %d\n" % number, f"signal {number} does not arrive")
    process.stdin.close()
    check(process.stdout.read() == b"end\n", "a signal arrives twice")
    check(process.wait() == 0, "the end is not the tool's")


@row(2, "a signal that comes while the tool starts is not lost")
def early_signals(under):
    for wait in range(20):
        process = under.start(["sleep", "60"], stdin=subprocess.DEVNULL)
        time.sleep(wait / 2000)
        process.terminate()
        check(process.wait(20) == -signal.SIGTERM, f"after {wait / 2} ms: {process.returncode}")


@row(3, "SIGKILL takes the tool down")
def killed(under):
    for _ in range(5):
        process = under.start(["sh", "-c", "echo $$; exec sleep 60"], stdout=subprocess.PIPE)
        tool = int(process.stdout.readline())
        process.kill()
        process.wait()
        wait_for(lambda: not runs(tool), 1, "the tool goes on for more than a second")


@row(4, "a stop signal to it alone stops the tool, and the caller sees it")
def stop_and_continue(under):
    process = under.start(
        ["sh", "-c", "echo $$; while read x; do echo $x; done"], process_group=0,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )
    tool = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGTSTP)
    wait_for(lambda: state(tool) == "T", 5, "the tool does not stop")
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    check(os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTSTP, f"the caller sees {status:#x}")
    os.kill(process.pid, signal.SIGCONT)
    wait_for(lambda: state(tool) == "S", 5, "the tool does not go on")
    process.stdin.write(b"word\n")
    process.stdin.close()
    check(process.stdout.read() == b"word\n" and process.wait() == 0, "it does not work afterwards")


@row(4, "a tool that stops itself is seen to stop")
def stops_itself(under):
    process = under.start(["sh", "-c", "kill -STOP $$; echo on"], process_group=0, stdout=subprocess.PIPE)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    check(os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGSTOP, f"the caller sees {status:#x}")
    os.killpg(process.pid, signal.SIGCONT)
    check(process.stdout.read() == b"on\n" and process.wait() == 0, "it does not go on")


@row(7, "a reader that has enough ends the tool by SIGPIPE")
def broken_pipe(under):
    done = under.caller('"${W[@]}" yes | head -1; echo ${PIPESTATUS[0]}')
    check(done.out == b"y\n141\n", f"{done.out!r}")


@row(7, "a tool that ignores SIGPIPE gets EPIPE")
def broken_pipe_ignored(under):
    script = "while echo y; do :; done 2>said; grep -cE 'error|roken' said >&2"
    done = under.caller(f'(trap "" PIPE; "${{W[@]}}" sh -c "{script}") | head -1')
    check((done.out, done.err) == (b"y\n", b"1\n"), f"{done.seen()}")


@row(8, "a grandchild that keeps the output does not keep the caller")
def detached_grandchild(under):
    process = under.start(["sh", "-c", "sleep 60 & echo $!"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    line = process.stdout.readline()
    began = time.monotonic()
    code = process.wait()
    took = time.monotonic() - began
    os.kill(int(line), signal.SIGKILL)
    check(code == 0 and took < 5, f"it took {took:.1f} s")


@row(8, "short runs lose no byte")
def short_runs(under):
    for run in range(under.runs):
        done = under.call(["echo", "a line"])
        check(done.seen() == (0, b"a line\n", b""), f"run {run}: {done.seen()}")


@row(8, "short runs lose no byte at a terminal")
def short_runs_at_a_terminal(under):
    text = 'for n in $(seq %d); do "${W[@]}" echo line $n; done' % under.runs
    code, seen = under.desk(text).rest(600)
    wanted = "".join(f"line {n}\r\n" for n in range(1, under.runs + 1))
    if seen != wanted:
        lost = set(wanted.split("\r\n")) - set(seen.split("\r\n"))
        check(False, f"{len(lost)} lines of {under.runs} are lost or changed: {seen[:200]!r}")
    check(code == 0, f"ended by {code}")


@row(9, "while the tool waits, nothing runs")
def no_polling(under):
    process = under.start(["sh", "-c", "echo $$; read x"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()

    def switches():
        with open(f"/proc/{process.pid}/status") as file:
            return sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)

    time.sleep(0.5)
    before = switches()
    time.sleep(1)
    woken = switches() - before
    process.stdin.close()
    process.wait()
    check(woken <= 5, f"it was woken {woken} times in a second")
