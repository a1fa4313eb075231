one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
other.setblocking(False)
let_through(lambda: other.recv(1, socket.MSG_OOB), ["EINVAL", "EAGAIN"], "MSG_OOB is let through")
