import mmap
# Each 2 MiB of addresses need a page and a page table: 8 KiB per touch.
touches = int(facts["memoryBytes"] * 1.5) // 8192
MAP_NORESERVE = 0x4000
try:
    memory = mmap.mmap(-1, touches << 21, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
except OSError as error:
    blocked(error)
attempt(lambda: memory.madvise(15))  # MADV_NOHUGEPAGE
for at in range(touches):
    memory[at << 21] = 1
escaped("%d page tables" % touches)
