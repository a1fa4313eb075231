let_through(lambda: syscall("uselib", "/no-such-library"), ["ENOENT"], "uselib is let through")
