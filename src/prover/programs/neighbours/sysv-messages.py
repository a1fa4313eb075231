refused(lambda: syscall("msgget", 0, 0o1600), "the kernel keeps a message queue")
