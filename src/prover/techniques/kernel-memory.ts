/** Memory: pages of files that others share, programs without a file, and where memory lies. */
import { kernelSince, withoutOption } from '../cannot-fail.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;

export const memoryTechniques: readonly Technique[] = [
  {
    ...head,
    name: 'splice-file',
    title: 'put pages of a shared file into a pipe',
    reference: 'splice(2)',
    expects: ['EPERM'],
    harmlessInGvisor: 'its kernel copies, and shares no pages with the host',
    program: `
file = os.open(os.__file__, os.O_RDONLY)
_, pipe = os.pipe()
refused(lambda: syscall("splice", file, None, pipe, None, 1, 0), "a page of the image is in a pipe")
`,
  },
  {
    ...head,
    name: 'tee-pipe',
    title: 'share pages between pipes',
    reference: 'tee(2), CVE-2019-11487',
    expects: ['EPERM'],
    harmlessInGvisor: 'its kernel copies, and shares no pages with the host',
    program: `
reader, writer = os.pipe()
_, other = os.pipe()
os.write(writer, b"x")
refused(lambda: syscall("tee", reader, other, 1, 0), "a page is in two pipes")
`,
  },
  {
    ...head,
    name: 'vmsplice-pages',
    title: 'put pages of one’s own into a pipe',
    reference: 'vmsplice(2), CVE-2008-0600, CVE-2020-29374',
    expects: ['EPERM'],
    harmlessInGvisor: 'its kernel copies, and shares no pages with the host',
    program: `
memory = buffer(b"ward")
_, pipe = os.pipe()
refused(lambda: syscall("vmsplice", pipe, struct.pack("PN", ctypes.addressof(memory), 4), 1, 0), "an own page is in a pipe")
`,
  },
  ...(['pipe', 'socket'] as const).map(
    (target): Technique => ({
      ...head,
      name: `sendfile-${target}`,
      title: `put pages of a shared file into a ${target} by the other name of splice`,
      reference: 'sendfile(2), CVE-2022-0847, CVE-2026-43284',
      expects: ['EINVAL'],
      harmlessInGvisor: 'its kernel copies, and shares no pages with the host',
      program: `
file = os.open(os.__file__, os.O_RDONLY)
_, end = ${target === 'pipe' ? 'os.pipe()' : '[one.detach() for one in socket.socketpair()]'}
refused(lambda: syscall("sendfile", end, file, None, 1), "a page of the image is in a ${target}")
`,
    }),
  ),
  {
    ...head,
    name: 'dirty-pipe',
    cannotFail: kernelSince('5.17'),
    title: 'write to a file that was opened for reading',
    reference: 'CVE-2022-0847 (Dirty Pipe)',
    expects: ['EPERM', 'refused'],
    program: `
# The file is the program's own, so that where the bug is nobody else's is changed.
with open("/tmp/target", "wb") as file:
    file.write(b"A" * 64)
file = os.open("/tmp/target", os.O_RDONLY)
reader, writer = os.pipe()
# Full once, so that every slot of the pipe keeps its flag.
os.set_blocking(writer, False)
filled = 0
while attempt(lambda: os.write(writer, b"x" * 4096)) == "ok":
    filled += 4096
while filled > 0:
    filled -= len(os.read(reader, min(filled, 65536)))
try:
    syscall("splice", file, None, writer, None, 1, 0)
except OSError as error:
    blocked(error)
os.write(writer, b"B")
if b"B" in read("/tmp/target"):
    escaped("a file that is open for reading only was changed")
blocked("refused", "the kernel has the fix")
`,
  },
  {
    ...head,
    name: 'dirty-cow',
    title: 'write to memory that was mapped for reading',
    reference: 'CVE-2016-5195 (Dirty COW), proc_pid_mem(5)',
    control: 'landlock',
    expects: ['EACCES', 'EPERM', 'EROFS', 'EIO'],
    harmlessInGvisor: 'it is memory of the process only',
    program: `
import mmap
memory = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
libc.mprotect(ctypes.c_void_p(start), 4096, mmap.PROT_READ)
def write():
    descriptor = os.open("/proc/self/mem", os.O_RDWR)
    os.pwrite(descriptor, b"B", start)
refused(write, "a read-only page was written through /proc/self/mem")
`,
  },
  {
    ...head,
    name: 'copy-fail',
    cannotFail: withoutOption('CONFIG_CRYPTO_USER_API_AEAD'),
    title: 'have the kernel’s cryptography write into a file’s pages',
    reference: 'CVE-2026-31431 (Copy Fail)',
    expects: ['EPERM', 'EAFNOSUPPORT'],
    program: `
def reach():
    AF_ALG, SOCK_SEQPACKET = 38, 5
    cipher = socket.socket(AF_ALG, SOCK_SEQPACKET)
    # What is bound is never given a key, and no file is spliced into it.
    cipher.bind(("aead", "authencesn(hmac(sha256),cbc(aes))"))
let_through(reach, ["ENOENT"], "the kernel’s ciphers are reached")
`,
  },
  {
    ...head,
    name: 'memfd-create',
    title: 'keep a file without a name',
    reference: 'memfd_create(2)',
    expects: ['EPERM', 'ENOSYS'],
    harmlessInGvisor: 'it is memory of the sandbox, and counted',
    program: `
refused(lambda: syscall("memfd_create", "ward", 0), "a file without a name is open")
`,
  },
  {
    ...head,
    name: 'memfd-exec',
    title: 'run a program that is in no file system',
    reference: 'memfd_create(2), fexecve(3)',
    expects: ['EPERM', 'ENOSYS', 'EACCES'],
    harmlessInGvisor: 'what runs is still below its kernel',
    program: `
def start():
    descriptor = syscall("memfd_create", "ward", 0)
    with open(os.path.realpath(sys.executable), "rb") as program:
        os.write(descriptor, program.read())
    os.execve("/proc/self/fd/" + str(descriptor), ["python3", "-I", "-c", "import os; os._exit(42)"], {"PATH": "/usr/bin"})
runs(start, "a program ran from memory")
`,
  },
  {
    ...head,
    name: 'memfd-secret',
    title: 'keep memory that the kernel itself can’t see',
    reference: 'memfd_secret(2)',
    expects: ['ENOSYS', 'EPERM'],
    program: `
refused(lambda: syscall("memfd_secret", 0), "secret memory is open")
`,
  },
  {
    ...head,
    name: 'execveat',
    title: 'run a program by its descriptor',
    reference: 'execveat(2)',
    expects: ['ENOSYS', 'EPERM', 'EACCES'],
    harmlessInGvisor: 'what runs is still below its kernel',
    program: `
AT_EMPTY_PATH = 0x1000
arguments = (ctypes.c_char_p * 5)(b"python3", b"-I", b"-c", b"import os; os._exit(42)", None)
descriptor = os.open(os.path.realpath(sys.executable), os.O_PATH | os.O_CLOEXEC)
runs(lambda: syscall("execveat", descriptor, "", arguments, (ctypes.c_char_p * 1)(None), AT_EMPTY_PATH), "a program ran by its descriptor")
`,
  },
  {
    ...head,
    name: 'memory-policy',
    title: 'choose the node that memory comes from',
    reference: 'mbind(2), set_mempolicy(2), CVE-2017-7616',
    expects: ['EPERM', 'ENOSYS'],
    harmlessInGvisor: 'its kernel notes it and does nothing by it',
    program: `
MPOL_DEFAULT = 0
memory = buffer(8192)
start = (ctypes.addressof(memory) + 4095) & ~4095
first_refusal([("mbind is let through", lambda: syscall("mbind", start, 4096, MPOL_DEFAULT, None, 0, 0)),
               ("set_mempolicy is let through", lambda: syscall("set_mempolicy", MPOL_DEFAULT, None, 0))])
`,
  },
  {
    ...head,
    name: 'move-pages',
    title: 'ask where pages are, and move them',
    reference: 'move_pages(2), CVE-2017-14140',
    expects: ['EPERM', 'ENOSYS'],
    program: `
refused(lambda: syscall("move_pages", 0, 0, None, None, None, 0), "move_pages is let through")
`,
  },
  {
    ...head,
    name: 'migrate-pages',
    title: 'move a process’s memory to another node',
    reference: 'migrate_pages(2)',
    expects: ['EPERM', 'ENOSYS'],
    program: `
nodes = struct.pack("Q", 1)
refused(lambda: syscall("migrate_pages", 0, 64, nodes, nodes), "migrate_pages is let through")
`,
  },
];
