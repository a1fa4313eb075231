# Fills the writable places, and then the rest of the limit: files count as memory of the sandbox.
block, written, kept = bytes(1 << 20), 0, []
places = [mount["path"] for mount in facts["tmpfs"]]
wanted = facts["memoryBytes"] * 1.25
while written < wanted and places:
    try:
        with open(places[0] + "/fill-%d" % written, "wb", buffering=0) as file:
            written += file.write(block)
    except OSError:
        places.pop(0)
try:
    while written + (len(kept) << 20) < wanted:
        kept.append(bytearray(b"x" * (1 << 20)))
except MemoryError:
    blocked("ENOMEM", "%d MiB in files, and %d beside them" % (written >> 20, len(kept)))
escaped("%d MiB are in files, and %d beside them" % (written >> 20, len(kept)))
