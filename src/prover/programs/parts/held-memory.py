held, kept = 0, []
def hold(size):
    """Measures how much memory the kernel has taken, and stops shortly past the limit."""
    global held
    held += size
    if held > facts["memoryBytes"] * 1.25:
        escaped("%d MiB are in buffers of sockets, at a limit of %d MiB" % (held >> 20, facts["memoryBytes"] >> 20))
