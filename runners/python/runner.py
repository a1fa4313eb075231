"""The program inside a Python sandbox. It loads one action's code and runs its activations, one at a time, as
OpenWhisk's Python runtime does. It shares its process with user code, so the host trusts nothing that comes from here:
the runner guards against accidents, not attacks.

    ready > init > init-ok | init-error, then run > result, again and again

The host may send the next runs early, as long as they need not wait. An answer says `late` when more than PATIENCE
seconds passed since its run was sent, or since the answer before it if the run was sent early. Runs that were sent
before the host can have seen a late answer are void: the host runs them elsewhere. The runner announces that it begins
an early run before it does.

The channel is fd 3: frames of a 4-byte big-endian length and that many bytes of UTF-8 JSON. Both log streams get a
sentinel before each answer, or the answer says that nothing was logged. Code folder: the first argument (default /fn).

It imports as little as possible, and the interpreter starts without `site`: each of `json`, `traceback` and `site`
takes as long to load as the interpreter itself.
"""

import builtins
import io
import os
import sys
from time import monotonic, time

import _posixsubprocess

# The C half of the json module; its Python half imports `re`.
from _json import encode_basestring, make_encoder, make_scanner

CHANNEL_FD = 3
HEADER_BYTES = 4
SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"
NEWLINE = 10
PATIENCE = 0.020
ENTRY_FILE = "__main__.py"
# Exists only in images that have packages.
DEBIAN_PACKAGES = "/usr/lib/python3/dist-packages"
# OpenWhisk's name for the module. With it the `if __name__ == "__main__"` part of a script does not run.
MODULE_NAME = "main__"

write = os.write
code_folder = sys.argv[1] if len(sys.argv) > 1 else "/fn"


class Refusal(Exception):
    """The code can't be an action, or a value can't be a result. The text is for the caller."""


# --- Log streams


class LogFile(io.FileIO):
    """The raw end of a log stream; knows whether it is in the middle of a line."""

    is_mid_line = False
    # Whether anything was written since the last sentinel.
    is_touched = False

    def write(self, data):
        count = super().write(data)
        if count:
            self.is_touched = True
            self.is_mid_line = memoryview(data)[count - 1] != NEWLINE
        return count


def open_log(raw):
    """Opens a stream that writes line by line, so that little is lost when the sandbox is killed."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )


raw_logs = [LogFile(1, "w", closefd=False), LogFile(2, "w", closefd=False)]
stdout, stderr = (open_log(raw) for raw in raw_logs)


def flush_logs():
    """Flushes streams that user code can have replaced or closed."""
    for stream in (sys.stdout, sys.stderr, stdout, stderr):
        try:
            stream.flush()
        except Exception:
            pass


def end_logs(name):
    """Marks the end of an activation on both streams, on a line of its own.

    An activation that wrote nothing needs no mark: returns the field of the answer that says so.
    """
    flush_logs()
    if not any(raw.is_touched for raw in raw_logs):
        return ',"quiet":true'
    for fd, raw in enumerate(raw_logs, start=1):
        try:
            write_all(fd, f"{'\n' if raw.is_mid_line else ''}{SENTINEL} {name}\n".encode())
        except OSError:
            pass  # A log whose reader is gone must not fail the activation.
        raw.is_mid_line = raw.is_touched = False
    return ""


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[write(fd, view) :]


# --- JSON and frames


class ScannerSettings:
    """The settings that json.JSONDecoder passes to its scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = None


scan = make_scanner(ScannerSettings)


def encode(value):
    """The value as JSON. Raises TypeError, ValueError or RecursionError for what JSON can't hold."""
    encoder = make_encoder({}, reject, encode_basestring, None, ":", ",", False, False, False)
    return "".join(encoder(value, 0))


def reject(value):
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def quote(text):
    """The text as a JSON string; what UTF-8 can't encode becomes a question mark."""
    return encode_basestring(text.encode("utf-8", "replace").decode())


def receive(channel):
    """The next message, or None when the host has closed its end."""
    header = channel.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    return scan(channel.read(int.from_bytes(header, "big")).decode(), 0)[0]


def send(json):
    body = json.encode()
    write_all(CHANNEL_FD, len(body).to_bytes(HEADER_BYTES, "big") + body)


# --- Errors


def text_of(error):
    try:
        return str(error)
    except Exception:
        return type(error).__name__


def named_text_of(error):
    """The text of the error. Adds the type if the text is empty, or only the key of a KeyError."""
    text = text_of(error)
    if text and not isinstance(error, KeyError):
        return text
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def log_error(error):
    """Writes the traceback to stderr, from the first line of user code on; returns its last part."""
    try:
        import traceback

        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        traceback.print_exception(type(error), error, trace, file=stderr)
        return "".join(traceback.format_exception_only(error)).strip()
    except Exception:
        return text_of(error)


# --- The environment


environ = os.environ
putenv, unsetenv = os.putenv, os.unsetenv
# The variables of runs so far, by their names in `environ`.
names_of_runs = set()


def set_environment(env):
    """Sets values as OpenWhisk does: strings as they are, false values as empty, objects as JSON."""
    for name, value in env.items():
        os.environ[name] = variable(value)


def variable(value):
    if isinstance(value, str):
        return value
    return encode(value) if value or isinstance(value, (dict, list)) else ""


def set_for_run(env):
    """Sets the variables of a run in `os.environ`, but not in the C library, which never frees a value. There they are
    set only when the code starts another program. Until then it rather has none than that of an earlier caller."""
    if os.environ is not environ:  # The code has put its own there.
        return set_environment(env)
    for name, value in env.items():
        key, text = environ.encodekey(name), environ.encodevalue(variable(value))
        if environ._data.get(key) != text:
            unsetenv(key)
            environ._data[key] = text
        names_of_runs.add(key)


def export_to_children():
    """Makes all functions through which Python starts another program set the variables of the run first."""
    for name in ("execv", "posix_spawn", "posix_spawnp", "system"):
        setattr(os, name, exporting(os, name))
    _posixsubprocess.fork_exec = exporting(_posixsubprocess, "fork_exec")


def exporting(module, name):
    start = getattr(module, name)

    def export_and_start(*args, **kwargs):
        for key in tuple(names_of_runs):
            if (value := environ._data.get(key)) is not None:  # The code may have removed it.
                putenv(key, value)
        return start(*args, **kwargs)

    export_and_start.__module__ = module.__name__  # Where pickle looks for it.
    export_and_start.__name__ = export_and_start.__qualname__ = name
    export_and_start.__wrapped__ = start
    return export_and_start


# --- Loading


def load_main(name, is_zip):
    """The action's main function. Raises Refusal, and whatever the code raises while it is loaded."""
    export_to_children()
    entry = f"{code_folder}/{ENTRY_FILE}"
    file, _, function = name.rpartition(".") if is_zip else ("", "", name)
    if is_zip:
        if not file and not os.path.isfile(entry):
            raise Refusal(f"Zip file does not include {ENTRY_FILE} at the root.")
        os.chdir(code_folder)
        add_virtualenv()
    if os.path.isdir(DEBIAN_PACKAGES):
        sys.path.append(DEBIAN_PACKAGES)
    sys.path.insert(0, code_folder)
    sys.argv = [entry]
    module = __import__(file, fromlist=[function]) if file else load_entry(entry)
    found = getattr(module, function, None)
    if not callable(found):
        raise Refusal(f"Action entrypoint '{name}' is not a function.")
    return found


def load_entry(path):
    module = type(sys)(MODULE_NAME)
    module.__file__ = path
    sys.modules[MODULE_NAME] = module
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    exec(code, module.__dict__)
    return module


def add_virtualenv():
    """Puts the packages of the zip's virtualenv before all others, as its activation would."""
    if not os.path.isdir(f"{code_folder}/virtualenv"):
        return
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    pythons = [name for name in (own, *other_pythons()) if os.path.isdir(f"{code_folder}/{site_packages(name)}")]
    if not pythons:
        raise Refusal(f"Zip file has a virtualenv for another Python: it does not include {site_packages(own)}.")
    if pythons[0] != own:
        print(
            f"The zip file's virtualenv is for {pythons[0]}, and this is {own}: its compiled parts do not load.",
            file=stderr,
        )
    import site

    before = len(sys.path)
    site.addsitedir(f"{code_folder}/{site_packages(pythons[0])}")
    sys.path[:] = sys.path[before:] + sys.path[:before]


def site_packages(python):
    return f"virtualenv/lib/{python}/site-packages"


def other_pythons():
    """The versions of Python 3 in the virtualenv, for a zip that was made for another version."""
    folder = f"{code_folder}/virtualenv/lib"
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(name for name in names if name.startswith("python3"))


# --- The life of an action


def init(request):
    """Loads the code, answers, and returns the main function, or None if that failed."""
    try:
        set_environment(request["env"])
        main = load_main(request["main"], request["binary"])
    except Refusal as refusal:
        print(f"Error during initialization: {refusal}", file=stderr)
        error = text_of(refusal)
    except Exception as exception:
        error = log_error(exception)
    else:
        send(f'{{"type":"init-ok"{end_logs("init")}}}')
        return main
    send(f'{{"type":"init-error"{end_logs("init")},"error":{quote(error)}}}')
    return None


def begin(request, answered_at):
    """Returns the latest time at which the host's clock for this run can have started."""
    now = monotonic()
    if not request.get("early"):
        return now - max(0, time() - request["sent"] / 1000)
    send(f'{{"type":"begun","id":{quote(request["id"])}}}')
    return now if answered_at is None else answered_at


def run(main, request, answered_at):
    """Runs an activation and answers. An exception becomes a result too: an application error. Returns the time of the
    answer, and whether early runs are void."""
    begun_at = begin(request, answered_at)
    try:
        set_for_run(request["env"])
        result = main(request["value"])
    except Exception as error:
        log_error(error)
        result = {"error": named_text_of(error)}
    try:
        answer = f'"ok":true,"value":{result_json(result)}'
        answered_at = monotonic()
        is_late = answered_at - begun_at > PATIENCE
    except Refusal as refusal:
        answer = f'"ok":false,"error":{quote(text_of(refusal))}'
        is_late = True  # The host discards a sandbox after such an answer.
    late = ',"late":true' if is_late else ""
    send(f'{{"type":"result"{end_logs(request["id"])}{late},"id":{quote(request["id"])},{answer}}}')
    return answered_at, is_late


def result_json(result):
    """The result as JSON. Raises Refusal."""
    try:
        json = encode(result)
        json.encode()
    except Exception as error:
        raise Refusal(f"The action returned a value that can't be turned into JSON: {text_of(error)}")
    if json[0] not in "{[":
        raise Refusal("The action did not return a dictionary or array.")
    return json


def is_concurrent():
    """Whether the action allows concurrency. Then no run is sent early, and the host expects each to be done."""
    return os.environ.get("__OW_ALLOW_CONCURRENT") == "true"


def serve():
    """Takes requests until the host closes the channel."""
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = stdout, stderr
    builtins.exit = builtins.quit = sys.exit  # As `site` would.
    os.set_inheritable(CHANNEL_FD, False)
    channel = open(CHANNEL_FD, "rb", closefd=False)
    main = answered_at = None
    answers = valid_from = 0
    send('{"type":"ready"}')
    while (request := receive(channel)) is not None:
        if request["type"] == "init":
            main = init(request)
        elif request.get("after", valid_from) >= valid_from:
            answered_at, is_late = run(main, request, answered_at)
            answers += 1
            if is_late and not is_concurrent():
                valid_from = answers
    flush_logs()
    os._exit(0)


# False when `multiprocessing` imports this file into a process that user code has spawned.
if __name__ == "__main__":
    serve()
