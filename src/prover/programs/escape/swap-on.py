let_through(lambda: syscall("swapon", "/no-such-swap", 0), ["ENOENT"], "swap may be added")
