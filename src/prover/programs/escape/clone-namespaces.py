# Begins with parts/namespace-flags.py.
def start(flag):
    if syscall("clone", flag | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        os._exit(0)
# CLONE_NEWTIME lies in the bits of the exit signal, and only clone3 has it.
first_refusal([("a new " + kind + " namespace", lambda flag=flag: start(flag)) for kind, flag in NEW.items() if kind not in ("user", "time")])
