# Without a time, the kernel checks the rights and sets nothing.
refused(lambda: syscall("settimeofday", None, None), "the clock may be set")
