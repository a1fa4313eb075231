"""Runs several programs of the suite one after the other, each in a child, and reports how each ended.

Comes after prelude.py. It is the first process of the sandbox, and attempts nothing itself.
"""


def _run_child(program, parameters):
    """Returns its output, the signal that ended it (0: none), and its duration in milliseconds."""
    import select
    begun = time.monotonic()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.dup2(writer, 1)
        os.close(writer)
        try:
            facts.update(parameters)
            exec(compile(program, "program", "exec"), dict(globals()))
        except BaseException as error:
            os.write(2, (repr(error) + "\n").encode())
        os._exit(1)
    os.close(writer)
    said, status, ended = b"", 0, 0
    # Its own children may keep the stream open after it has ended.
    while not ended and time.monotonic() - begun < facts["patienceSeconds"]:
        if select.select([reader], [], [], 0.02)[0]:
            block = os.read(reader, 65536)
            said += block
            if not block:
                break
        else:
            ended, status = os.waitpid(child, os.WNOHANG)
    os.close(reader)
    if not ended:
        if time.monotonic() - begun >= facts["patienceSeconds"]:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    # Nothing of the program must stay for the next one. This process is process 1, so it is not killed.
    attempt(lambda: os.kill(-1, signal.SIGKILL))
    attempt(lambda: [os.waitpid(-1, 0) for _ in range(10_000)])
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return said.decode(errors="replace"), number, round((time.monotonic() - begun) * 1000)


def _clean():
    import shutil
    for mount in facts["tmpfs"]:
        for name in os.listdir(mount["path"]):
            path = os.path.join(mount["path"], name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                attempt(lambda: os.unlink(path))


for _program in facts["programs"]:
    _said, _signal, _ms = _run_child(_program["text"], _program["parameters"])
    os.write(1, (json.dumps({"said": _said, "signal": _signal, "ms": _ms}) + "\n").encode())
    _clean()
os._exit(0)
