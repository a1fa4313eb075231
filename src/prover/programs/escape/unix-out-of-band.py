one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
first_refusal([("sent", lambda: one.send(b"x", socket.MSG_OOB)),
               ("sent by sendmsg", lambda: one.sendmsg([b"x"], [], socket.MSG_OOB)),
               ("sent behind high bits", lambda: syscall("sendto", one.fileno(), b"x", 1, 1 << 32 | socket.MSG_OOB, None, 0))])
