SCHED_DEADLINE = 6
reserve = struct.pack("IIQiIQQQ", 48, SCHED_DEADLINE, 0, 0, 0, 100000, 10000000, 10000000)
first_refusal([("1 % of a processor is reserved", lambda: syscall("sched_setattr", 0, reserve, 0))])
