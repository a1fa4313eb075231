PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 38, 39
answer = attempt(lambda: syscall("prctl", PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0))
if syscall("prctl", PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0:
    escaped("programs can give new privileges")
blocked("EINVAL" if answer == "ok" else answer, "no_new_privs is still set")
