refused(lambda: syscall("setgid", 0), "the process is in the group root")
