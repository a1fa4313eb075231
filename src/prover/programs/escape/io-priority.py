IOPRIO_WHO_PROCESS, BEST_EFFORT = 1, 2 << 13
refused(lambda: syscall("ioprio_set", IOPRIO_WHO_PROCESS, 0, BEST_EFFORT), "in the highest best-effort class")
