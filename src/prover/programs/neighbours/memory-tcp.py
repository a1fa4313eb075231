# Begins with parts/held-memory.py.
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
try:
    for _ in range(256):
        one = socket.create_connection(listener.getsockname())
        kept += [one, listener.accept()[0]]
        one.setblocking(False)
        try:
            while True:
                hold(one.send(bytes(1 << 16)))
        except BlockingIOError:
            pass
except OSError as error:
    blocked(error, "%d MiB in %d sockets" % (held >> 20, len(kept)))
blocked("limit", "%d MiB in %d sockets" % (held >> 20, len(kept)))
