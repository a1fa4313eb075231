folder = os.open("/", os.O_RDONLY)
arguments = struct.pack("11Q", 1 << 33, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, folder)
let_through(lambda: syscall("clone3", arguments, len(arguments)), ["EBADF", "EINVAL"], "clone3 is let through")
