"""The server in an image that was made from a Python function. It speaks OpenWhisk's HTTP contract on port 8080, with
the code that is in the image. It loads code and reports errors as Ward's own runner does.

    POST /init once > POST /run, again and again

It handles one request after the other; an idle connection holds up no other. Both log streams get OpenWhisk's bare
sentinel before each answer to a run and to a failed init. Arguments: the code folder (default /fn) and the port.

It has its own minimal HTTP/1.1: the server in Python's library takes longer to load than the interpreter.
"""

import os
import select
import socket
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "python"))

import runner  # noqa: E402  Only now is the runner's folder on the path.

del sys.path[0]

PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 8080
HEAD_BYTES = 16 * 1024
BODY_BYTES = 64 * 1024 * 1024  # Larger than parameters can be.


class Refusal(Exception):
    """Ends a request with this status and text."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


# --- The action

main = None
is_begun = False


def init(body):
    global main, is_begun
    if is_begun:
        raise Refusal(403, "Cannot initialize the action more than once.")
    is_begun = True
    value = body.get("value") or {}
    if value.get("code"):
        raise Refusal(502, "This image has its code in it: create the action without code.")
    try:
        runner.set_environment(value.get("env") or {})
        main = runner.load_main(value.get("main") or "main", True)
    except runner.Refusal as refusal:
        print(f"Error during initialization: {refusal}", file=runner.stderr)
        raise Refusal(502, f"Initialization has failed due to: {refusal}")
    except Exception as error:
        raise Refusal(502, f"Initialization has failed due to: {runner.log_error(error)}")
    return '{"ok":true}'


def run(body):
    """The result of a call. An exception becomes a result too: an application error."""
    if main is None:
        raise Refusal(403, "Cannot invoke an uninitialized action.")
    fields = {f"__OW_{name.upper()}": value for name, value in body.items() if name != "value"}
    try:
        runner.set_for_run(fields)
        result = main(body.get("value") or {})
    except Exception as error:
        runner.log_error(error)
        result = {"error": runner.named_text_of(error)}
    try:
        return runner.result_json(result)
    except runner.Refusal as refusal:
        raise Refusal(502, runner.text_of(refusal))


def end_logs():
    runner.flush_logs()
    for fd in (1, 2):
        try:
            runner.write_all(fd, f"{runner.SENTINEL}\n".encode())
        except OSError:
            pass  # A log whose reader is gone must not fail the activation.


# --- HTTP


class Connection:
    def __init__(self, peer):
        self.peer = peer
        self.data = bytearray()


def read_request(data):
    """Takes a whole request off the front of the bytes: its method, path and body. None while it is incomplete."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > HEAD_BYTES:
            raise Refusal(400, "The head of the request is too long.")
        return None
    request_line, *lines = data[:end].decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers:
        raise Refusal(411, "The request needs a Content-Length.")
    if not (length.isascii() and length.isdigit()):
        raise Refusal(400, "The Content-Length of the request is not a number.")
    if len(length) > 12 or int(length) > BODY_BYTES:
        raise Refusal(413, "The request is too large.")
    start = end + 4
    if len(data) < start + int(length):
        return None
    method, _, rest = request_line.partition(" ")
    body = bytes(data[start : start + int(length)])
    del data[: start + int(length)]
    return method, rest.partition(" ")[0], body


def answer(method, path, body):
    """Status and JSON of the answer."""
    deed = {"/init": init, "/run": run}.get(path)
    if method != "POST" or deed is None:
        return 404, "{}"
    try:
        json = deed(parse(body))
        if deed is run:
            end_logs()
        return 200, json
    except Refusal as refusal:
        end_logs()
        return refusal.status, error_json(refusal)


def parse(body):
    try:
        value, end = runner.scan(body.decode().strip(), 0)
    except Exception:
        raise Refusal(400, "The request is no JSON object.")
    if not isinstance(value, dict) or not isinstance(value.get("value", {}), dict):
        raise Refusal(400, "The request is no JSON object.")
    return value


def error_json(refusal):
    return f'{{"error":{runner.quote(str(refusal))}}}'


def reply(peer, status, json, closes=False):
    content = json.encode()
    head = [
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *(["Connection: close"] if closes else []),
    ]
    peer.sendall("\r\n".join([*head, "", ""]).encode() + content)


def take(connection):
    """Reads what has arrived and handles each complete request. Returns whether the connection stays open."""
    chunk = connection.peer.recv(65536)
    if not chunk:
        return False
    connection.data += chunk
    try:
        while (request := read_request(connection.data)) is not None:
            reply(connection.peer, *answer(*request))
    except Refusal as refusal:
        reply(connection.peer, refusal.status, error_json(refusal), True)
        return False
    return True


def serve():
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = runner.stdout, runner.stderr
    runner.builtins.exit = runner.builtins.quit = sys.exit  # As `site` would.
    listener = socket.create_server(("", PORT), reuse_port=False)
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    connections = {}
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                peer, _ = listener.accept()
                connections[peer.fileno()] = Connection(peer)
                poll.register(peer, select.POLLIN)
                continue
            connection = connections[fd]
            try:
                goes_on = take(connection)
            except OSError:
                goes_on = False
            if not goes_on:
                poll.unregister(fd)
                del connections[fd]
                connection.peer.close()


if __name__ == "__main__":
    serve()
