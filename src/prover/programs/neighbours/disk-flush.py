# Flushes the file system of /tmp only.
folder = os.open("/tmp", os.O_RDONLY)
refused(lambda: syscall("syncfs", folder), "a file system is written back")
