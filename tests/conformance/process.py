"""What a process inherits, and what it does not."""

import os
import signal
import subprocess

from harness import check, row


def same(under, caller, tool):
    """What a tool says when it is started by such a caller, the tool's own process being the only one between."""
    with open(under.path("tool"), "w") as file:
        file.write(tool)
    return under.caller(caller).seen()


@row(6, "ignored and blocked signals are the caller's")
def dispositions(under):
    look = 'grep -E "^Sig(Blk|Ign)" /proc/self/status'
    seen = [
        same(under, 'exec "${W[@]}" sh ./tool', look),
        same(under, 'trap "" HUP INT PIPE USR1; exec "${W[@]}" sh ./tool', look),
        same(under, 'exec nohup "${W[@]}" sh ./tool', look),
    ]

    def blocked():
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR1, signal.SIGCHLD, signal.SIGTERM))

    return seen + [under.call(["sh", "./tool"], preexec_fn=blocked).seen()]


@row(6, "a caller that ignores SIGCHLD learns the tool's end all the same")
def children_ignored(under):
    def ignored():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    done = under.call(["sh", "-c", "grep ^SigIgn /proc/self/status; exit 7"], preexec_fn=ignored)
    check(done.code == 7, f"it ends with {done.seen()}")
    return done.seen()


@row(17, "the work folder, also one that is gone")
def work_folder(under):
    look = "pwd -P; ls -id . | cut -d' ' -f1 | wc -l; readlink /proc/$$/cwd | grep -c deleted"
    here = same(under, 'mkdir -p sub && cd sub && exec "${W[@]}" sh ../tool', "basename $(pwd -P)")
    script = under.path("tool")
    return here, same(under, f'mkdir gone && cd gone && rmdir ../gone && exec "${{W[@]}}" sh {script}', look)[0]


@row(17, "umask, limits, nice and cgroup")
def limits(under):
    look = "umask; ulimit -a; nice; cat /proc/self/cgroup; cat /proc/self/oom_score_adj"
    return same(under, 'umask 027; ulimit -n 123; ulimit -c 0; exec nice -n 3 "${W[@]}" bash ./tool', look)


@row(17, "every argument, also those that are not text")
def arguments(under):
    words = [b"", b"a b", b"\n", b"\xff\xfe", b"-x", b"--", b"*", b"$HOME", b"'\""]
    done = under.call(["sh", "-c", "printf '%s|' \"$@\"", "sh", *words])
    check(done.out == b"".join(word + b"|" for word in words), f"{done.seen()}")


@row(17, "nearly two mebibytes of arguments")
def long_arguments(under):
    words = [bytes([97 + n]) * 100_000 for n in range(18)]
    done = under.call(["sh", "-c", "printf %s \"$@\"", "sh", *words])
    check(done.out == b"".join(words), f"{done.code}: {len(done.out)} bytes, {done.err[:100]!r}")


@row(17, "every variable, also twice and not text")
def variables(under):
    # execve(2) by hand: a dictionary holds no name twice.
    script = (
        "import ctypes, sys\n"
        "words = [w.encode('utf-8', 'surrogateescape') for w in sys.argv[1:]]\n"
        "argv = (ctypes.c_char_p * (len(words) + 1))(*words, None)\n"
        "entries = [b'A=1', b'A=2', b'B=\\xff', b'noise', b'PATH=/usr/bin:/bin']\n"
        "envp = (ctypes.c_char_p * (len(entries) + 1))(*entries, None)\n"
        "ctypes.CDLL(None).execve(words[0], argv, envp)\n"
    )
    prefix = under.prefix[:1] and [_which(under.prefix[0])] + under.prefix[1:]
    argv = prefix + ["/bin/cat", "/proc/self/environ"]
    done = subprocess.run(["python3", "-c", script, *argv], capture_output=True, timeout=60)
    check(done.stdout == b"A=1\0A=2\0B=\xff\0noise\0PATH=/usr/bin:/bin\0", f"{done.stdout[:300]!r} {done.stderr[:200]!r}")


def _which(program):
    return subprocess.run(["which", program], capture_output=True, text=True).stdout.strip() or program


@row(18, "the tool runs below it, in the caller's group and session")
def family(under):
    look = "read -r _ _ _ parent group session _ </proc/$$/stat; echo $$ $parent $group $session; read x"
    process = under.start(["sh", "-c", look], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    tool, parent, group, session = map(int, process.stdout.readline().split())
    line = [tool]
    while line[-1] > 1:
        with open(f"/proc/{line[-1]}/stat", "rb") as file:
            line.append(int(file.read().rpartition(b")")[2].split()[1]))
    process.stdin.close()
    process.wait()
    check(process.pid in line, "it is no descendant")
    check((group, session) == (os.getpgrp(), os.getsid(0)), "its group or session is another")


@row(19, "nothing is added to what the tool and what it starts are given")
def nothing_added(under):
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "LANG": "C", "WORD": "x y"}
    look = "env; ls /proc/$$/fd; sh -c 'env; ls /proc/$$/fd'; echo"
    done = under.call(["sh", "-c", look], env=environment, cwd="/")
    return sorted(done.out.splitlines()), done.err


@row(24, "200 at once")
def many(under):
    done = under.caller(
        """mkfifo began gate
        exec 3<>began 4<>gate
        { for n in {1..200}; do read -r <&3; done; seq 200 >&4; } &
        seq 200 | xargs -P 200 -I{} "${W[@]}" sh -c 'echo >began; read -r go <gate; echo {}' | sort -n
        echo ${PIPESTATUS[1]}"""
    )
    wanted = "".join(f"{n}\n" for n in range(1, 201)) + "0\n"
    check(done.out.decode() == wanted, f"{len(done.out.split())} of 201 lines, {done.err[:200]!r}")
