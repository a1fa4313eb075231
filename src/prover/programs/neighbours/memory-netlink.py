# Begins with parts/held-memory.py.
SO_MEMINFO, RTM_GETLINK, NLM_F_REQUEST, NLM_F_DUMP = 55, 18, 1, 0x300
question = struct.pack("IHHII", 20, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + bytes(4)
def queued(end):
    try:
        return struct.unpack("I", end.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36)[:4])[0]
    except OSError as error:
        if error.errno == errno.ENOPROTOOPT:
            return 0
        raise
try:
    for _ in range(1000):
        end = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        end.setblocking(False)
        kept.append(end)
        before, now = -1, 0
        while now > before:
            for _ in range(8):
                attempt(lambda: end.send(question))
            before, now = now, queued(end)
        hold(now)
except OSError as error:
    blocked(error, "%d MiB in %d sockets" % (held >> 20, len(kept)))
blocked("limit", "%d MiB in %d sockets" % (held >> 20, len(kept)))
