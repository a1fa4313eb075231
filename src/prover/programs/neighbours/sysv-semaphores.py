refused(lambda: syscall("semget", 0, 1, 0o1600), "the kernel keeps semaphores")
