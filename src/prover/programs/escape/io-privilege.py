refused(lambda: syscall("iopl", 3), "I/O privilege level 3")
