ADJ_FREQUENCY = 2
state = buffer(208)
def adjust():
    syscall("clock_adjtime", 0, state)
    struct.pack_into("I", state, 0, ADJ_FREQUENCY)
    syscall("clock_adjtime", 0, state)
refused(adjust, "the clock’s rate may be set")
