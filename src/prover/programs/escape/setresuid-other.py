refused(lambda: syscall("setresuid", 12345, 12345, 12345), "the process is user 12345")
