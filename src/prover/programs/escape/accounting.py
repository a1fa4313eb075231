let_through(lambda: syscall("acct", "/no-such-file"), ["ENOENT"], "accounting may be turned on")
