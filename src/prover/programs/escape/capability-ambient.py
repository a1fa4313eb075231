PR_CAP_AMBIENT, RAISE, CAP_CHOWN = 47, 2, 0
refused(lambda: syscall("prctl", PR_CAP_AMBIENT, RAISE, CAP_CHOWN, 0, 0), "an ambient capability is raised")
