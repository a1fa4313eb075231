"""The channel to the host, on fd 3, and the log streams. A frame is a 4-byte big-endian length and that many bytes of
UTF-8 JSON. Values are passed on without decoding them, so that numbers keep their spelling.
"""

import os

# The C half of the json module; its Python half imports `re`.
from _json import encode_basestring, make_scanner

CHANNEL_FD = 3
HEADER_BYTES = 4
SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"


class ScannerSettings:
    """The settings that json.JSONDecoder passes to its scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = None


scan = make_scanner(ScannerSettings)


def quote(text):
    """The text as a JSON string; what UTF-8 can't encode becomes a question mark."""
    return encode_basestring(text.encode("utf-8", "replace").decode())


def raw_members(text):
    """The members of a JSON object without blanks, each as its original text, so that numbers keep their spelling."""
    members = {}
    at = 1
    while text[at] != "}":
        name, end = scan(text, at)
        _, at = scan(text, end + 1)
        members[name] = text[end + 1 : at]
        at += text[at] == ","
    return members


def receive(channel):
    """The text of the next message, or None when the host has closed its end."""
    header = channel.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    return channel.read(int.from_bytes(header, "big")).decode()


def send(json):
    body = json.encode()
    write_all(CHANNEL_FD, len(body).to_bytes(HEADER_BYTES, "big") + body)


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def log(fd, data):
    try:
        write_all(fd, data)
    except OSError:
        pass  # A log whose reader is gone must not fail the activation.


def end_logs(name):
    for fd in (1, 2):
        log(fd, f"{SENTINEL} {name}\n".encode())
