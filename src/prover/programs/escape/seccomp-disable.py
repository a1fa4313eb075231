# Begins with parts/process-status.py.
PR_SET_SECCOMP = 22
answers = [attempt(lambda: syscall("prctl", PR_SET_SECCOMP, 0, 0, 0, 0)), attempt(lambda: syscall("seccomp", 0, 1, None))]
if status("Seccomp") != "2":
    escaped("no filter is active: Seccomp " + status("Seccomp"))
blocked(answers[0] if answers[0] != "ok" else "EINVAL", "the filter is still active")
