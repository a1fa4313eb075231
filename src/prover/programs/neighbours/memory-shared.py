import mmap
size = int(facts["memoryBytes"] * 1.25)
memory = mmap.mmap(-1, size, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
for at in range(0, size, 4096):
    memory[at] = 1
escaped("%d MiB of shared memory" % (size >> 20))
