refused(lambda: syscall("setuid", 0), "the process is root")
