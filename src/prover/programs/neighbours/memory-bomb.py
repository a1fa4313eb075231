kept = []
try:
    while len(kept) < facts["memoryBytes"] * 1.25 // (1 << 20):
        kept.append(bytearray(b"x" * (1 << 20)))
except MemoryError:
    blocked("ENOMEM", "after %d MiB" % len(kept))
escaped("%d MiB are in use" % len(kept))
