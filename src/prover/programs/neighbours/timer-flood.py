# struct sigevent: value, signal, SIGEV_NONE
event, timer = struct.pack("qii", 0, 0, 1) + bytes(48), buffer(8)
def make():
    for _ in range(facts["rlimits"].get("RLIMIT_SIGPENDING", 256) + 16):
        syscall("timer_create", 1, event, timer)
refused(make, "as many timers as one likes")
