import ctypes
import json
import os
import signal
import socket
import sys
import threading
import time
mark = "ward-left"
kept = []
def keep(thing):
    kept.append(thing)
def serve(family, address):
    end = socket.socket(family)
    end.bind(address)
    end.listen()
    return end
def connects(family, address):
    try:
        socket.socket(family).connect(address)
        return True
    except OSError:
        return False
def read_link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""
def marked(function, mark):
    def wrapped(*args, **more):
        return function(*args, **more)
    wrapped.mark = mark
    return wrapped
def swap_umask(value):
    before = os.umask(value)
    os.umask(before)
    return before
def signal_later(mark):
    try:
        signal.signal(signal.SIGUSR1, lambda *_: None)
    except ValueError:
        # Only the main thread can set a handler; elsewhere, ignore the signal in the whole process.
        ctypes.CDLL(None).signal(signal.SIGUSR1, ctypes.c_void_p(1))
def main(_args):
    before = find()
    if not before:
        leave()
        time.sleep(0.05)
    return {"found": before}
