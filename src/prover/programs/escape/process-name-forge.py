PR_SET_MM, PR_SET_MM_START_STACK, PR_SET_MM_MAP_SIZE = 35, 5, 15
size = buffer(4)
refused(lambda: syscall("prctl", PR_SET_MM, PR_SET_MM_MAP_SIZE, size, 0, 0), "PR_SET_MM is let through")
