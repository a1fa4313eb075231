# Begins with parts/held-memory.py.
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    for _ in range(1000):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        one.bind(("127.0.0.1", 0))
        kept.append(one)
        for _ in range(24):
            sender.sendto(bytes(8192), one.getsockname())
except OSError as error:
    blocked(error)
# Data may have been dropped, so the program counts what arrived by reading a byte of each.
for one in kept:
    one.setblocking(False)
    try:
        while True:
            one.recv(1)
            hold(8192)
    except BlockingIOError:
        pass
blocked("limit", "%d MiB in %d sockets" % (held >> 20, len(kept)))
