mask = buffer(128)
mask[0] = 1
refused(lambda: syscall("sched_setaffinity", 0, 128, mask), "bound to the first processor")
