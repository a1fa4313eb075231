"""The program inside a Python sandbox: loads one action's code and runs its activations, one at a time, as
OpenWhisk's Python runtime does. It shares its process with the code it runs, so the host trusts nothing that
comes from here; what it defends itself against is accident, not attack.

    ready > init > init-ok | init-error, then run > result, again and again

The channel is fd 3: frames of a 4-byte big-endian length and that many bytes of UTF-8 JSON. Both log streams
get a sentinel before each answer. Code folder: the first argument, or /fn.

Starting costs more than running here, so it imports no more than it must: `json` and `traceback` would take
longer than the interpreter itself.
"""

import builtins
import io
import os
import sys

# The C half of the json module; its Python half imports `re`.
from _json import encode_basestring, make_encoder, make_scanner

CHANNEL_FD = 3
HEADER_BYTES = 4
SENTINEL = b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n"
NEWLINE = 10
# What OpenWhisk calls the module: the `if __name__ == "__main__"` part of a script is not run.
MODULE_NAME = "main__"
ENTRY_FILE = "__main__.py"

write = os.write


class Refusal(Exception):
    """The code can't be an action; its text is for the caller."""


class LogFile(io.FileIO):
    """The raw end of a log stream, which knows whether it stands in the middle of a line."""

    is_mid_line = False

    def write(self, data):
        count = super().write(data)
        if count:
            self.is_mid_line = memoryview(data)[count - 1] != NEWLINE
        return count


def open_log(fd):
    raw = LogFile(fd, "w", closefd=False)
    stream = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )
    stream.mode = "w"
    return raw, stream


def end_logs():
    """Marks the end of an activation on both streams, each time on a line of its own."""
    flush_logs()
    for raw in raw_logs:
        try:
            write_all(raw_fds[raw], b"\n" + SENTINEL if raw.is_mid_line else SENTINEL)
        except OSError:
            pass  # A log that nobody reads any more must not fail the activation.
        raw.is_mid_line = False


def flush_logs():
    """User code may have put streams of its own in place, or closed them."""
    for stream in (sys.stdout, sys.stderr, *log_streams):
        try:
            stream.flush()
        except Exception:
            pass


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[write(fd, view) :]


class ScannerSettings:
    """What json.JSONDecoder would give its scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = None


scan = make_scanner(ScannerSettings)


def encode(value):
    """The value as JSON text.

    Raises TypeError, ValueError or RecursionError for what JSON can't hold: NaN, infinities, cycles, bytes …
    """
    return "".join(make_encoder({}, reject, encode_basestring, None, ": ", ", ", False, False, False)(value, 0))


def reject(value):
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def receive():
    """The next message, or None when the host has closed its end."""
    header = channel.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    body = channel.read(int.from_bytes(header, "big"))
    return scan(body.decode("utf-8", "surrogatepass"), 0)[0]


def send(json):
    """Raises UnicodeEncodeError for half of a surrogate pair."""
    body = json.encode()
    write_all(CHANNEL_FD, len(body).to_bytes(HEADER_BYTES, "big") + body)


def quote(text):
    """A JSON string of any Python text; what UTF-8 can't hold becomes a question mark."""
    return encode_basestring(text.encode("utf-8", "replace").decode())


def text_of(error):
    try:
        return str(error)
    except Exception:
        return type(error).__name__


def describe(error):
    """The exception's own lines, for the caller, after its traceback has gone to the log."""
    import traceback

    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    try:
        traceback.print_exception(type(error), error, trace, file=log_streams[1])
        return "".join(traceback.format_exception_only(error)).strip()
    except Exception:
        return text_of(error)


def set_environment(env):
    """Strings as they are; the rest as OpenWhisk does: false values empty, objects as JSON."""
    for name, value in (env or {}).items():
        if not isinstance(value, str):
            value = encode(value) if isinstance(value, (dict, list)) or value else ""
        os.environ[name] = value


def load_main(request):
    """The action's main function. Raises Refusal, and whatever the code raises when it is loaded."""
    entry = f"{code_folder}/{ENTRY_FILE}"
    if request["binary"]:
        if not os.path.isfile(entry):
            raise Refusal(f"Zip file does not include {ENTRY_FILE} at the root.")
        os.chdir(code_folder)
        add_virtualenv()
    sys.path.insert(0, code_folder)
    sys.argv = [entry]
    module = type(sys)(MODULE_NAME)
    module.__file__ = entry
    sys.modules[MODULE_NAME] = module
    with open(entry, "rb") as file:
        code = compile(file.read(), entry, "exec", dont_inherit=True)
    exec(code, module.__dict__)
    found = getattr(module, request["main"], None)
    if not callable(found):
        raise Refusal(f"Action entrypoint '{request['main']}' is not a function.")
    return found


def add_virtualenv():
    """Puts the packages of the zip's virtualenv before everything else, as activating it would."""
    root = f"{code_folder}/virtualenv"
    if not os.path.isdir(root):
        return
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = f"{root}/lib/{version}/site-packages"
    if not os.path.isdir(packages):
        raise Refusal(f"Invalid virtualenv: it has no lib/{version}/site-packages.")
    import site

    before = len(sys.path)
    site.addsitedir(packages)
    sys.path[:] = sys.path[before:] + sys.path[:before]


def init(request):
    try:
        set_environment(request.get("env"))
        main = load_main(request)
    except Refusal as refusal:
        print(f"Error during initialization: {refusal}", file=log_streams[1])
        refuse_init(str(refusal))
    except Exception as error:
        refuse_init(describe(error))
    else:
        end_logs()
        send('{"type":"init-ok"}')
        return main
    return None


def refuse_init(text):
    end_logs()
    send(f'{{"type":"init-error","error":{quote(text)}}}')


def run(main, request):
    """An exception is the action's own error and a result of its own kind, unlike a value that is no result."""
    activation = quote(request["id"])
    try:
        set_environment(request.get("env"))
        result = main(request["value"])
    except Exception as error:
        describe(error)
        result = {"error": text_of(error)}
    try:
        json = encode(result)
        if json[0] not in "{[":
            raise Refusal("The action did not return a dictionary or array.")
        json.encode()
    except Refusal as refusal:
        answer = f'"ok":false,"error":{quote(str(refusal))}'
    except Exception as error:
        answer = f'"ok":false,"error":{quote(f"The action returned a value that can't be turned into JSON: {text_of(error)}")}'
    else:
        answer = f'"ok":true,"value":{json}'
    end_logs()
    send(f'{{"type":"result","id":{activation},{answer}}}')


code_folder = sys.argv[1] if len(sys.argv) > 1 else "/fn"
raw_logs, log_streams = zip(open_log(1), open_log(2))
raw_fds = {raw: raw.fileno() for raw in raw_logs}
sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = log_streams
# `site` would define them; it is not loaded because it takes as long as the interpreter itself.
builtins.exit = builtins.quit = sys.exit
os.set_inheritable(CHANNEL_FD, False)
channel = open(CHANNEL_FD, "rb", closefd=False)


def serve():
    main = None
    send('{"type":"ready"}')
    while (request := receive()) is not None:
        if request["type"] == "init":
            main = init(request)
        else:
            run(main, request)
    flush_logs()
    os._exit(0)


serve()
