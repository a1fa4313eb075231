# Without a time: the kernel checks who asks, and sets nothing.
refused(lambda: syscall("settimeofday", None, None), "the clock may be set")
