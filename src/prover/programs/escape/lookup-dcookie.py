let_through(lambda: syscall("lookup_dcookie", 1, buffer(64), 64), ["EINVAL"], "lookup_dcookie is let through")
