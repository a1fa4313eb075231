refused(lambda: syscall("sysfs", 3), "the kernel counts its file systems")
