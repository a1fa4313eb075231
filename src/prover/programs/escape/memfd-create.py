refused(lambda: syscall("memfd_create", "ward", 0), "a file without a name is open")
