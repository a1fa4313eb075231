refused(lambda: syscall("ioperm", 0x80, 1, 1), "port 0x80 may be used")
