let_through(lambda: syscall("fsconfig", 0, 0, "source", None, 0), ["EINVAL", "EBADF", "EOPNOTSUPP"], "fsconfig is let through")
