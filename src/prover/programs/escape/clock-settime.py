CLOCK_REALTIME = 0
let_through(lambda: syscall("clock_settime", CLOCK_REALTIME, struct.pack("qq", 0, 0)), ["EINVAL"], "the clock may be set")
