refused(lambda: syscall("io_uring_setup", 1, buffer(120)), "a ring is made")
