SCHED_FIFO = 1
first_refusal([("in the real-time class", lambda: syscall("sched_setscheduler", 0, SCHED_FIFO, struct.pack("i", 1)))])
