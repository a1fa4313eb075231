# Sets the values that it has just read.
ADJ_FREQUENCY = 2
state = buffer(208)
def adjust():
    syscall("adjtimex", state)
    struct.pack_into("I", state, 0, ADJ_FREQUENCY)
    syscall("adjtimex", state)
refused(adjust, "the clock’s rate may be set")
