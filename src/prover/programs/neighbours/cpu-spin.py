# The quota applies to periods of 100 ms: a second has ten of them, and the first may have begun earlier.
wall, spinners = 1.0, int(facts["cpus"] * 1.5) + 2
end = time.monotonic() + wall
for _ in range(spinners):
    if os.fork() == 0:
        while time.monotonic() < end:
            pass
        os._exit(0)
for _ in range(spinners):
    os.wait()
took = time.monotonic() - end + wall
used = sum(os.times()[2:4])
told = "%.2f s of processor time in %.2f s" % (used, took)
if used > facts["cpus"] * (took + 0.2) * 1.25:
    escaped(told)
blocked("limit", told)
