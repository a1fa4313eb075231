# Begins with parts/held-memory.py.
IP_RECVERR, MSG_ERRQUEUE = 11, 0x2000
closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
closed.bind(("127.0.0.1", 0))
place = closed.getsockname()
closed.close()
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
one.setblocking(False)
one.connect(place)
for _ in range(8):
    attempt(lambda: one.send(b"x"))
if attempt(lambda: one.recvmsg(1, 512, MSG_ERRQUEUE)) == "ok":
    escaped("each socket keeps errors in a queue, as many as its buffer holds")
blocked("limit", "the option seems to be set, but no error is kept")
