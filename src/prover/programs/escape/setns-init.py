# Begins with parts/namespace-flags.py.
def enter(kind):
    descriptor = os.open("/proc/1/ns/" + kind, os.O_RDONLY)
    syscall("setns", descriptor, 0)
first_refusal([("entered the " + kind + " namespace of process 1", lambda kind=kind: enter(kind)) for kind in NEW])
