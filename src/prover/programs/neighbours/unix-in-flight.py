import array
most = facts["rlimits"]["RLIMIT_NOFILE"]
one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
one.setblocking(False)
sent = 0
try:
    while sent <= 2 * most:
        one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [other.fileno()] * 250))])
        sent += 250
        if sent % 2500 == 0:
            one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            kept = [one, other]
            one.setblocking(False)
except BlockingIOError:
    blocked("limit", "%d descriptors wait" % sent)
except OSError as error:
    blocked(error, "%d descriptors wait, %d are allowed" % (sent, most))
escaped("%d descriptors wait, %d are allowed" % (sent, most))
