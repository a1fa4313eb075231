name = "/proc/self/oom_score_adj"
try:
    before = int(read(name))
except OSError as error:
    blocked(error)
def lower():
    descriptor = os.open(name, os.O_WRONLY)
    os.write(descriptor, str(before - 1).encode())
refused(lower, "oom_score_adj is " + str(before - 1))
