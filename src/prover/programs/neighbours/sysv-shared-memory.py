refused(lambda: syscall("shmget", 0, 4096, 0o1600), "the kernel keeps a segment of shared memory")
