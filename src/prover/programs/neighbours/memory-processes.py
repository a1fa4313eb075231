wanted, most = int(facts["memoryBytes"] * 1.25), facts["pidsLimit"] // 2
each = max(8 << 20, wanted // most)
count = wanted // each
reader, writer = os.pipe()
children = []
for _ in range(count):
    child = os.fork()
    if child == 0:
        kept = bytearray(b"x" * each)
        os.write(writer, b".")
        time.sleep(60)
        os._exit(len(kept) & 1)
    children.append(child)
os.close(writer)
held = 0
while held < count:
    ended, _ = os.waitpid(-1, os.WNOHANG)
    if ended:
        for child in children: attempt(lambda: os.kill(child, 9))
        blocked("killed", "a process was killed when %d of %d had their memory" % (held, count))
    import select
    if select.select([reader], [], [], 0.02)[0]:
        held += len(os.read(reader, 64))
for child in children: os.kill(child, 9)
escaped("%d processes of %d MiB" % (count, each >> 20))
