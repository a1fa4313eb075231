"""Comes before every function that attacks the API by its port. A function defines attack(), which returns blocked(...)
or escaped(...). main() first checks that the function's key opens its own entities: otherwise no refusal would prove anything.
"""
import base64
import json
import os
import signal
import socket
import threading
import time

port = ("127.0.0.1", 3233)
# The requests of a function that continues after its answer; the next call in its sandbox returns them.
asked = 0

def blocked(answer, detail): return {"outcome": "BLOCKED", "answer": answer, "detail": str(detail)[:400]}
def escaped(detail): return {"outcome": "ESCAPED", "detail": str(detail)[:400]}

def talk(text, timeout=8):
    with socket.create_connection(port, timeout) as s:
        try:
            s.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))
        except OSError:
            pass
        heard = b""
        while True:
            try:
                piece = s.recv(65536)
            except OSError:
                return heard.decode("latin-1")
            if not piece:
                return heard.decode("latin-1")
            heard += piece
            # A connection that stays open will send nothing more soon.
            s.settimeout(0.3)

def basic(key): return "Authorization: Basic " + base64.b64encode(key.encode()).decode() + "\r\n"

def head(method, target, key, more=""):
    return f"{method} {target} HTTP/1.1\r\nHost: x\r\n{basic(key) if key else ''}{more}\r\n"

def status(answer):
    if answer.startswith("HTTP/1.1 100 "):
        answer = answer.partition("\r\n\r\n")[2]
    words = answer.split(" ", 2)
    return int(words[1]) if answer.startswith("HTTP/1.1 ") else 0

def judge(answers, allowed):
    """Checks answers, keyed by request: no secret of the victim or the operator, and only allowed statuses."""
    for asked, answer in answers.items():
        if facts["secret"] in answer or status(answer) not in allowed:
            return escaped(f"{asked}: {answer[:120]}")
    return blocked("refused", f"{len(answers)} requests got {sorted({status(a) for a in answers.values()})}")

def main(args):
    global facts, own
    facts = args
    own = facts["key"]
    if facts.get("again"):
        return {"asked": asked}
    try:
        answer = talk(head("GET", "/api/v1/namespaces/_/actions/own", own))
    except ConnectionRefusedError:
        if facts["runtime"] == "runsc":
            return blocked("absent", "there is no such port under gVisor")
        raise
    if status(answer) != 200:
        raise RuntimeError("its own key does not open its own: " + answer[:200])
    return attack()
