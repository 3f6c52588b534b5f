"""At a terminal: what is one, how large it is, and the jobs of a shell."""

from harness import check, row

LOOK = "'for n in 0 1 2; do [ -t $n ]; echo $n $?; done'"


def shown(under, text):
    return under.desk(text).rest()


@row(10, "each stream is a terminal exactly where the caller's is")
def each_stream(under):
    seen = []
    for redirect, wanted in (
        ("", "0 0 1 0 2 0"),
        ("| cat", "0 0 1 1 2 0"),
        ("</dev/null", "0 1 1 0 2 0"),
        ("2>err", "0 0 1 0 2 1"),
        (">out 2>&1; cat out", "0 0 1 1 2 1"),
    ):
        code, screen = shown(under, f'"${{W[@]}}" sh -c {LOOK} {redirect}')
        check(screen.split() == wanted.split(), f"{redirect}: {screen!r}")
        seen.append((code, screen))
    return seen


@row(10, "/dev/tty is the terminal, and what is typed there unseen stays unseen")
def password(under):
    script = "stty -echo </dev/tty; printf \"password: \" >/dev/tty; read x </dev/tty; stty echo </dev/tty; echo; echo got $x"
    desk = under.desk(f"\"${{W[@]}}\" sh -c '{script}' </dev/null")
    desk.until("password: ")
    desk.type("secret\n")
    code, rest = desk.rest()
    check((code, rest) == (0, "\r\ngot secret\r\n"), f"{rest!r}")


@row(12, "a terminal shows the same characters")
def characters(under):
    return shown(under, "\"${W[@]}\" sh -c 'printf \"a\\nb\\tc\\rd\\033[1mbold\\033[0m\\303\\251\\377\"; ls -la /usr >/dev/null'")


@row(5, "the window has its size before the tool looks, and follows")
def window(under):
    check(shown(under, '"${W[@]}" stty size')[1] == "41 97\r\n", "another size at the start")
    script = 'trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.1; done'
    desk = under.desk(f"\"${{W[@]}}\" sh -c '{script}'")
    desk.until("ready")
    desk.resize(12, 34)
    desk.until("12 34")
    check(desk.rest()[0] == 0, "the end is another")


@row(4, "^Z stops the job, fg and bg continue it")
def job_control(under):
    desk = under.desk()
    desk.type("\"${W[@]}\" sh -c 'echo ready; while read x; do echo got $x; done'\n")
    desk.until("ready\r\n")
    for word in ("one", "two"):
        desk.type("\x1a")
        desk.until("Stopped")
        desk.until("> ")
        desk.type(f"fg\n{word}\n")
        desk.until(f"got {word}\r\n")
    desk.type("\x04")
    desk.until("> ")
    desk.type("\"${W[@]}\" sh -c 'sleep 1 & echo ready; wait; echo do''ne'\n")
    desk.until("ready\r\n")
    desk.type("\x1a")
    desk.until("Stopped")
    desk.type("bg\n")
    desk.until("done\r\n")
    desk.type("wait; jobs; echo no mo''re\n")
    desk.until("no more")


@row(4, "^C ends it with 130 and ^\\ with 131")
def keyboard_signals(under):
    desk = under.desk()
    for key, code in (("\x03", 130), ("\x1c", 131)):
        desk.type("ulimit -c 0; \"${W[@]}\" sh -c 'echo ready; exec sleep 60'\n")
        desk.until("ready\r\n")
        desk.type(key)
        desk.until("> ")
        said = desk.run("echo $?")
        check(said.strip() == str(code), f"{said!r} in place of {code}")


@row(4, "a tool that handles ^C gets it once")
def handled_interrupt(under):
    desk = under.desk()
    script = 'trap "echo caught" INT; echo ready; while read x; do echo $x; done; while read x; do echo $x; done'
    desk.type(f"\"${{W[@]}}\" bash -c '{script}'\n")
    desk.until("ready\r\n")
    desk.type("\x03")
    desk.until("caught")
    desk.type("word\n")
    said = desk.until("word\r\nword\r\n")
    check("caught" not in said, "it is caught twice")
    desk.type("\x04\x04")
    desk.until("> ")


@row(4, "in the background it runs, and stops when it reads")
def background(under):
    desk = under.desk()
    desk.type("\"${W[@]}\" sh -c 'sleep 0.2; echo in the back''ground' & wait\n")
    desk.until("in the background\r\n")
    desk.type("\"${W[@]}\" sh -c 'read x; echo got $x' &\n")
    desk.until("> ")
    desk.type("until jobs | grep Stopped; do sleep 0.1; done\n")
    desk.until("Stopped")
    desk.until("> ")
    desk.type("fg\nword\n")
    desk.until("got word\r\n")


@row(15, "the terminal's modes are as before, however it ends")
def modes(under):
    desk = under.desk()
    before = desk.run("stty -g")
    for ending in ("true", "false", "sh -c 'kill -9 $$'", "sh -c 'stty -echo; stty echo'"):
        desk.run(f'"${{W[@]}}" {ending} 2>/dev/null')
        check(desk.run("stty -g") == before, f"others after {ending}")
    desk.type("\"${W[@]}\" sh -c 'echo ready; read x'\n")
    desk.until("ready\r\n")
    desk.type("\x03")
    desk.until("> ")
    check(desk.run("stty -g") == before, "others after ^C")


@row(15, "a tool sees the modes that the caller set, and what it sets lasts")
def modes_seen(under):
    text = (
        'stty raw -echo -isig; a=$(stty -g); b=$("${W[@]}" stty -g); "${W[@]}" true; c=$(stty -g); '
        '"${W[@]}" stty -ixon; d=$(stty -g | cut -d: -f1); stty sane; '
        '[ $a = $b ]; echo $?; [ $a = $c ]; echo $?'
    )
    code, screen = shown(under, text)
    check(screen.split() == ["0", "0"], f"{screen!r}")


@row(15, "what a tool sets of the terminal lasts")
def modes_last(under):
    code, screen = shown(under, "stty echo; \"${W[@]}\" stty -echo; stty -a | grep -o -- '-echo ' | head -1; stty echo")
    check(screen.split() == ["-echo"], f"{screen!r}")


@row(15, "keys arrive one by one in a tool that wants them so")
def raw_keys(under):
    script = (
        "import os, termios, tty; old = termios.tcgetattr(0); tty.setraw(0); os.write(1, b'ready');\n"
        "got = b''\n"
        "while not got.endswith(b'q'): got += os.read(0, 1)\n"
        "termios.tcsetattr(0, termios.TCSANOW, old); print(); print(got)\n"
    )
    with open(under.path("raw.py"), "w") as file:
        file.write(script)
    desk = under.desk('"${W[@]}" python3 raw.py')
    desk.until("ready")
    desk.type("\x03\x1a\x11\x04a\x1b[Aq")
    code, rest = desk.rest()
    check((code, rest.strip()) == (0, repr(b"\x03\x1a\x11\x04a\x1b[Aq")), f"{rest!r}")


@row(7, "a reader that has enough ends the tool at a terminal too")
def broken_pipe_at_a_terminal(under):
    code, screen = shown(under, '"${W[@]}" yes | head -1; echo ${PIPESTATUS[0]}')
    check(screen.split() == ["y", "141"], f"{screen!r}")


@row(4, "a terminal that goes away hangs the tool up")
def hangup(under):
    import os
    from harness import runs, wait_for

    desk = under.desk("\"${W[@]}\" sh -c 'echo $$; exec sleep 60'")
    tool = int(desk.until("\r\n"))
    os.close(desk.screen)
    wait_for(lambda: not runs(tool), 5, "the tool goes on")
    os.waitpid(desk.pid, 0)
