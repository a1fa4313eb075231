import array
most = facts["rlimits"]["RLIMIT_NOFILE"]
files = array.array("i", [os.open("/dev/null", os.O_RDONLY) for _ in range(64)])
sent, pairs = 0, []
try:
    while sent <= most + 128:
        pairs.append(socket.socketpair())
        for _ in range(4):
            pairs[-1][0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
            sent += len(files)
except OSError as error:
    blocked(error, "after %d" % sent)
escaped("%d open files are in no table, %d are allowed" % (sent, most))
