/** Attacks on the machine's other users: memory in all its forms. Each stops shortly past its limit. */
import type { Technique } from '../types.ts';

const head = { vector: 'neighbours', control: 'memory-limit' } as const;
const reaches = 'memory';

export const memoryStarvation: readonly Technique[] = [
  {
    ...head,
    reaches,
    name: 'memory-bomb',
    title: 'use memory until none is left',
    reference: 'Documentation/admin-guide/cgroup-v2.rst (memory)',
    expects: ['killed', 'ENOMEM'],
    program: `
kept = []
try:
    while len(kept) < facts["memoryBytes"] * 1.25 // (1 << 20):
        kept.append(bytearray(b"x" * (1 << 20)))
except MemoryError:
    blocked("ENOMEM", "after %d MiB" % len(kept))
escaped("%d MiB are in use" % len(kept))
`,
  },
  {
    ...head,
    reaches,
    name: 'memory-shared',
    title: 'use memory that belongs to several processes',
    reference: 'mmap(2), MAP_SHARED',
    expects: ['killed', 'ENOMEM'],
    program: `
import mmap
size = int(facts["memoryBytes"] * 1.25)
memory = mmap.mmap(-1, size, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
for at in range(0, size, 4096):
    memory[at] = 1
escaped("%d MiB of shared memory" % (size >> 20))
`,
  },
  {
    ...head,
    reaches,
    name: 'memory-processes',
    title: 'use memory in many processes, none of which has much',
    reference: 'Documentation/admin-guide/cgroup-v2.rst (memory)',
    expects: ['killed'],
    program: `
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
        blocked("killed", "a process, when %d of %d had their memory" % (held, count))
    import select
    if select.select([reader], [], [], 0.02)[0]:
        held += len(os.read(reader, 64))
for child in children: os.kill(child, 9)
escaped("%d processes of %d MiB" % (count, each >> 20))
`,
  },
  {
    ...head,
    reaches,
    name: 'memory-tmpfs',
    title: 'hold memory in files',
    reference: 'tmpfs(5)',
    expects: ['killed', 'ENOMEM'],
    program: `
# The writable places together, and the rest of the limit beside them: files are memory of the sandbox.
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
`,
  },
  {
    ...head,
    reaches,
    name: 'memory-page-tables',
    title: 'have the kernel keep tables of pages, one for each page that is used',
    reference: 'Documentation/admin-guide/cgroup-v1/memory.rst (kernel memory)',
    expects: ['killed', 'ENOMEM'],
    harmlessInGvisor: 'they are tables of its kernel, whose memory is counted',
    program: `
import mmap
# A page, and a table of pages, for each 2 MiB of addresses: 8 KiB a touch.
touches = int(facts["memoryBytes"] * 1.5) // 8192
MAP_NORESERVE = 0x4000
try:
    memory = mmap.mmap(-1, touches << 21, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE)
except OSError as error:
    blocked(error)
attempt(lambda: memory.madvise(15))  # MADV_NOHUGEPAGE
for at in range(touches):
    memory[at << 21] = 1
escaped("%d tables of pages" % touches)
`,
  },
  {
    ...head,
    reaches,
    name: 'memory-pipes',
    title: 'hold memory in pipes that nobody reads',
    reference: 'pipe(7), pipe-user-pages-soft',
    expects: ['killed', 'EMFILE', 'ENOMEM', 'EAGAIN', 'limit'],
    program: `
held, block, pipes = 0, b"x" * 65536, []
while held < facts["memoryBytes"] * 1.25:
    try:
        reader, writer = os.pipe()
    except OSError as error:
        blocked(error, "%d MiB in %d pipes" % (held >> 20, len(pipes)))
    pipes.append((reader, writer))
    os.set_blocking(writer, False)
    held += os.write(writer, block)
escaped("%d MiB are in pipes" % (held >> 20))
`,
  },
  {
    ...head,
    reaches,
    name: 'memory-socket-buffers',
    title: 'hold memory in sockets that nobody reads',
    reference: 'socket(7), SO_SNDBUF',
    expects: ['killed', 'EMFILE', 'ENOMEM', 'ENOBUFS'],
    program: `
held, block, pairs = 0, b"x" * 65536, []
while held < facts["memoryBytes"] * 1.25:
    try:
        pair = socket.socketpair()
    except OSError as error:
        blocked(error, "%d MiB in %d pairs" % (held >> 20, len(pairs)))
    pairs.append(pair)
    pair[0].setblocking(False)
    try:
        while True:
            held += pair[0].send(block)
    except BlockingIOError:
        pass
    except OSError as error:
        blocked(error, "%d MiB in %d pairs" % (held >> 20, len(pairs)))
escaped("%d MiB are in sockets" % (held >> 20))
`,
  },
  {
    ...head,
    control: 'resource-limits',
    name: 'memory-lock',
    title: 'lock memory, so that it can never be paged out',
    reference: 'mlock(2), RLIMIT_MEMLOCK',
    expects: ['EPERM', 'ENOMEM', 'EAGAIN'],
    harmlessInGvisor: 'it is memory of its kernel, which locks nothing on the host',
    program: `
memory = buffer(8192)
start = (ctypes.addressof(memory) + 4095) & ~4095
first_refusal([("a page is locked", lambda: syscall("mlock", start, 4096)),
               ("all pages are locked", lambda: syscall("mlockall", 1))])
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'huge-pages',
    title: 'take pages of the host’s reserve of large ones',
    reference: 'mmap(2), MAP_HUGETLB',
    expects: ['EPERM'],
    program: `
# Mapped, and given back without being touched. ENOMEM: the call was let through, and the reserve is empty.
PROT_READ, MAP_PRIVATE, MAP_ANONYMOUS, MAP_HUGETLB = 1, 2, 0x20, 0x40000
let_through(lambda: syscall("mmap", 0, 1 << 21, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0), ["ENOMEM"], "large pages may be mapped")
`,
    harmlessInGvisor: 'its kernel has no large pages, and takes the flag for nothing',
  },
  {
    ...head,
    control: 'seccomp',
    name: 'page-merging',
    title: 'have one’s pages merged with equal ones of others, which tells who has them',
    reference: 'madvise(2), MADV_MERGEABLE; CVE-2015-2877',
    expects: ['EPERM', 'EINVAL'],
    program: `
MADV_MERGEABLE, PR_SET_MEMORY_MERGE = 12, 67
memory = buffer(8192)
start = (ctypes.addressof(memory) + 4095) & ~4095
first_refusal([("a page may be merged", lambda: syscall("madvise", start, 4096, MADV_MERGEABLE)),
               ("all pages may be merged", lambda: syscall("prctl", PR_SET_MEMORY_MERGE, 1, 0, 0, 0))])
`,
    harmlessInGvisor: 'its kernel takes the advice for nothing',
  },
  {
    ...head,
    control: 'seccomp',
    name: 'cache-evict',
    title: 'have shared files of the image dropped from memory, for all who use them',
    reference: 'posix_fadvise(2), POSIX_FADV_DONTNEED',
    expects: ['EPERM'],
    harmlessInGvisor: 'it is a cache of its kernel',
    program: `
# One page of a file that is hardly used.
file = os.open(os.__file__, os.O_RDONLY)
refused(lambda: os.posix_fadvise(file, 0, 4096, os.POSIX_FADV_DONTNEED), "a page of the image may be dropped")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'cache-probe',
    title: 'see which shared files are in memory, which tells what others run',
    reference: 'cachestat(2), mincore(2); CVE-2019-5489',
    expects: ['EPERM', 'ENOSYS'],
    harmlessInGvisor: 'it is a cache of its kernel',
    program: `
import mmap
file = os.open(os.__file__, os.O_RDONLY)
mapped = mmap.mmap(file, 4096, mmap.MAP_SHARED, mmap.PROT_READ)
def mincore():
    answer = buffer(1)
    # The address of a read-only map has to come from the kernel's own list.
    for line in open("/proc/self/maps"):
        if os.__file__ in line:
            return syscall("mincore", int(line.split("-")[0], 16), 4096, answer)
    raise OSError(errno.EPERM, "not in the list of maps")
first_refusal([("cachestat tells of a file of the image", lambda: syscall("cachestat", file, struct.pack("QQ", 0, 4096), buffer(40), 0)),
               ("mincore tells of a file of the image", mincore)])
`,
  },
];
