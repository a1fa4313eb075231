let_through(lambda: syscall("swapoff", "/no-such-swap"), ["ENOENT"], "swap may be taken away")
