PR_SET_SECUREBITS = 28
refused(lambda: syscall("prctl", PR_SET_SECUREBITS, 0, 0, 0, 0), "the secure bits may be set")
