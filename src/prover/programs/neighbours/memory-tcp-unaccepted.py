# Begins with parts/held-memory.py.
waiting = 0
def connected(place):
    end = socket.socket()
    end.settimeout(0.02)
    try:
        end.connect(place)
    except TimeoutError:
        end.close()
        return None
    end.setblocking(False)
    return end
try:
    for _ in range(1000):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1 << 16)
        kept.append(listener)
        while (end := connected(listener.getsockname())) is not None:
            waiting += 1
            try:
                while True:
                    hold(end.send(bytes(1 << 16)))
            except BlockingIOError:
                end.close()
except OSError as error:
    blocked(error, "%d MiB in %d connections" % (held >> 20, waiting))
blocked("limit", "%d MiB in %d connections" % (held >> 20, waiting))
