refusals = []
for name in ("null", "zero", "full", "random", "urandom", "tty"):
    # Setting times to now needs only the right to write.
    refusals.append(attempt(lambda: os.utime("/dev/" + name)))
    if refusals[-1] == "ok":
        escaped("the times of /dev/" + name + " were changed")
blocked(refusals[0], "%d devices" % len(refusals))
