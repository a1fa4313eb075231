CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME = 1, 4, 7
info = buffer(256)
libc.sysinfo(info)
uptimes = {"sysinfo": struct.unpack_from("l", info.raw)[0]}
for name, clock in (("CLOCK_MONOTONIC", CLOCK_MONOTONIC), ("CLOCK_MONOTONIC_RAW", CLOCK_MONOTONIC_RAW), ("CLOCK_BOOTTIME", CLOCK_BOOTTIME)):
    uptimes[name] = time.clock_gettime(clock)
for name, seconds in uptimes.items():
    if abs(seconds - facts["hostUptime"]) < 3600:
        escaped(name + " shows the host’s uptime: %d s" % seconds)
blocked("absent", "%d clocks show another time" % len(uptimes))
