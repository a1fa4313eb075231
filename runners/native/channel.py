"""The channel to the host, on fd 3, and the ends of the log streams. A frame is a 4-byte big-endian length and that
many bytes of UTF-8 JSON. What goes through is not decoded and encoded again: numbers stay as they are written.
"""

import os

# The C half of the json module; its Python half imports `re`.
from _json import encode_basestring, make_scanner

CHANNEL_FD = 3
HEADER_BYTES = 4
SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"


class ScannerSettings:
    """What json.JSONDecoder gives its scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = None


scan = make_scanner(ScannerSettings)


def quote(text):
    """A JSON string of any text; what UTF-8 can't hold becomes a question mark."""
    return encode_basestring(text.encode("utf-8", "replace").decode())


def raw_members(text):
    """The members of a JSON object without blanks, each as the text that stands there: numbers stay as they are."""
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
        pass  # A log that nobody reads any more does not fail the activation.


def end_logs(name):
    for fd in (1, 2):
        log(fd, f"{SENTINEL} {name}\n".encode())
