# Type software, size 128, event context switches; excludes the kernel and hypervisors.
attributes = struct.pack("IIQQQQQ", 1, 128, 3, 0, 0, 0, 1 << 5 | 1 << 6) + bytes(80)
refused(lambda: syscall("perf_event_open", attributes, 0, -1, -1, 0), "a counter is open")
