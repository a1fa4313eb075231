refused(lambda: syscall("fspick", -100, "/tmp", 0), "the file system of /tmp can be reconfigured")
