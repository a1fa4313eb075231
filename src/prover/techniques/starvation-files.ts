/** Attacks on the machine's other users: files, descriptors and what the kernel keeps for them. */
import { once } from 'node:events';
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = { vector: 'neighbours' } as const;

export const fileStarvation: readonly Technique[] = [
  ...['/tmp', '/dev/shm'].map(
    (folder): Technique => ({
      ...head,
      control: 'tmpfs-limit',
      name: `fill-${folder.split('/').at(-1)}`,
      title: `write to ${folder} until it is full`,
      reference: 'tmpfs(5), size',
      expects: ['ENOSPC', 'EDQUOT', 'absent'],
      reaches: 'tmpfs',
      program: `
limit = [mount["sizeBytes"] for mount in facts["tmpfs"] if mount["path"] == "${folder}"]
if not limit:
    blocked("absent", "nothing writable is at ${folder}")
block, written = bytes(1 << 18), 0
try:
    while written <= limit[0] + len(block):
        with open("${folder}/fill-%d" % written, "wb", buffering=0) as file:
            written += file.write(block)
except OSError as error:
    blocked(error, "after %d KiB" % (written >> 10))
escaped("%d KiB are in ${folder}, %d may be" % (written >> 10, limit[0] >> 10))
`,
    }),
  ),
  ...['/tmp', '/dev/shm'].map(
    (folder): Technique => ({
      ...head,
      control: 'tmpfs-limit',
      name: `inodes-${folder.split('/').at(-1)}`,
      title: `make empty files in ${folder} without end`,
      reference: 'tmpfs(5), nr_inodes',
      expects: ['ENOSPC', 'EDQUOT', 'absent'],
      harmlessInGvisor: 'they are files in memory of its kernel, which is counted',
      reaches: 'tmpfs',
      program: `
limit = [mount["inodes"] for mount in facts["tmpfs"] if mount["path"] == "${folder}"]
if not limit:
    blocked("absent", "nothing writable is at ${folder}")
try:
    for number in range(limit[0] + 16):
        os.close(os.open("${folder}/empty-%d" % number, os.O_CREAT | os.O_WRONLY))
except OSError as error:
    blocked(error, "after %d files" % number)
escaped("%d files, %d may be" % (number + 1, limit[0]))
`,
    }),
  ),
  {
    ...head,
    control: 'resource-limits',
    name: 'file-size',
    title: 'make a file that is larger than its file system',
    reference: 'setrlimit(2), RLIMIT_FSIZE',
    expects: ['EFBIG', 'signal', 'ENOSPC', 'EINVAL'],
    program: `
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = os.open("/tmp/large", os.O_CREAT | os.O_WRONLY)
refused(lambda: os.ftruncate(file, 1 << 40), "a file of 1 TiB, without a byte in it")
`,
  },
  {
    ...head,
    control: 'memory-limit',
    name: 'dentry-flood',
    title: 'have the kernel remember names that don’t exist',
    reference: 'Documentation/admin-guide/cgroup-v1/memory.rst (kernel memory)',
    expects: ['limit'],
    harmlessInGvisor: 'its kernel remembers some of them, in memory of its own that is counted',
    run: floodDentries,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'disk-flood',
    title: 'find a place on a disk of the host that can be filled',
    reference: 'proc_pid_mountinfo(5)',
    expects: ['absent'],
    harmlessInGvisor: 'it is an overlay in memory of its kernel, which is counted',
    program: `
memory = ("tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2")
for line in filter(None, read("/proc/self/mountinfo", 65536).decode().split(chr(10))):
    place, kind = line.split()[4], line.split(" - ")[1].split()[0]
    if kind in memory or not os.path.isdir(place):
        continue
    try:
        os.mkdir(place + "/ward-prove")
        os.rmdir(place + "/ward-prove")
    except OSError:
        continue
    escaped(place + " (" + kind + ") can be written to")
blocked("absent", "nothing but memory can be written to")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'disk-flush',
    title: 'have the kernel write back what others have written',
    reference: 'syncfs(2), sync(2)',
    expects: ['EPERM', 'ENOSYS'],
    harmlessInGvisor: 'its kernel asks the host for nothing: nothing on a disk is writable',
    program: `
# Of the file system of /tmp only.
folder = os.open("/tmp", os.O_RDONLY)
refused(lambda: syscall("syncfs", folder), "a file system is written back")
`,
  },
  {
    ...head,
    control: 'resource-limits',
    name: 'descriptor-flood',
    title: 'open files until there are no more to be had',
    reference: 'setrlimit(2), RLIMIT_NOFILE',
    expects: ['EMFILE'],
    program: `
most = facts["rlimits"]["RLIMIT_NOFILE"]
try:
    for number in range(most + 16):
        os.open("/dev/null", os.O_RDONLY)
except OSError as error:
    blocked(error, "after %d" % number)
escaped("%d files are open, %d may be" % (number + 1, most))
`,
  },
  {
    ...head,
    control: 'resource-limits',
    name: 'descriptors-in-flight',
    title: 'hide open files in messages that nobody takes',
    reference: 'unix(7), SCM_RIGHTS; CVE-2013-4312',
    expects: ['ETOOMANYREFS', 'EPERM', 'EMFILE'],
    harmlessInGvisor: 'they are files of its kernel, whose memory is counted',
    program: `
import array
most = facts["rlimits"]["RLIMIT_NOFILE"]
files = array.array("i", [os.open("/dev/null", os.O_RDONLY) for _ in range(64)])
sent, pairs = 0, []
try:
    while sent <= most + 128:
        pairs.append(socket.socketpair())
        for _ in range(4):
            pairs[-1][0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
            sent += len(files)
except OSError as error:
    blocked(error, "after %d" % sent)
escaped("%d open files are in no table, %d may be" % (sent, most))
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'pipe-enlarge',
    title: 'make a pipe that holds a lot of the kernel’s memory',
    reference: 'fcntl(2), F_SETPIPE_SZ',
    harmlessInGvisor: 'it is memory of its kernel, which is counted',
    expects: ['EPERM', 'EBUSY', 'ENOMEM', 'EINVAL'],
    program: `
F_SETPIPE_SZ = 1031
import fcntl
reader, writer = os.pipe()
refused(lambda: fcntl.fcntl(writer, F_SETPIPE_SZ, 1 << 20), "a pipe holds 1 MiB")
`,
  },
  {
    ...head,
    control: 'minimal-dev',
    name: 'terminal-flood',
    title: 'make pseudo-terminals, of which the machine has a limited number',
    reference: 'pts(4), kernel.pty.max',
    expects: ['absent', 'ENOENT', 'EACCES', 'EPERM'],
    harmlessInGvisor: 'they are terminals of its kernel',
    program: `
# A few only: the number is the machine's.
terminals = []
try:
    for _ in range(4):
        terminals.append(os.openpty())
except OSError as error:
    blocked(error)
escaped("%d terminals are open" % len(terminals))
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'message-queues',
    title: 'keep messages in queues of the kernel',
    reference: 'mq_open(3), RLIMIT_MSGQUEUE',
    expects: ['EPERM', 'ENOSYS', 'EMFILE'],
    program: `
refused(lambda: syscall("mq_open", "ward-prove", os.O_CREAT | os.O_RDWR, 0o600, None), "a queue is open")
`,
  },
  ...(
    [
      ['shared-memory', 'a segment of shared memory', 'shmget(2)', 'syscall("shmget", 0, 4096, 0o1600)'],
      ['semaphores', 'semaphores', 'semget(2)', 'syscall("semget", 0, 1, 0o1600)'],
      ['messages', 'a message queue', 'msgget(2)', 'syscall("msgget", 0, 0o1600)'],
    ] as const
  ).map(
    ([name, what, reference, call]): Technique => ({
      ...head,
      control: 'seccomp',
      name: `sysv-${name}`,
      title: `have the kernel keep ${what} that outlives its process`,
      reference: `${reference}, sysvipc(7)`,
      expects: ['EPERM', 'ENOSYS'],
      program: `
refused(lambda: ${call}, "the kernel keeps ${what}")
`,
    }),
  ),
  {
    ...head,
    control: 'seccomp',
    name: 'keyring-flood',
    title: 'fill the kernel’s keyrings',
    reference: 'keyrings(7), kernel.keys.maxkeys',
    expects: ['killed', 'EPERM', 'ENOSYS', 'EDQUOT'],
    program: `
KEY_SPEC_PROCESS_KEYRING = -2
def fill():
    for number in range(16):
        syscall("add_key", "user", "ward-prove-%d" % number, bytes(1024), 1024, KEY_SPEC_PROCESS_KEYRING)
refused(fill, "16 keys are kept")
`,
  },
];

const unknownNames = 10_000;

/** They are kept until the memory is wanted: what matters is whose memory it is. */
async function floodDentries({ start }: HostContext): Promise<AttackAnswer> {
  await using sandbox = await start(`
def step():
    os.write(1, b"next" + bytes([10]))
    os.read(0, 1)
step()
for number in range(${unknownNames}):
    os.path.lexists("/no-such-name-%d-%d" % (os.getpid(), number))
step()
`);
  await once(sandbox.stdout, 'data');
  const before = (await sandbox.usage()).memoryBytes;
  sandbox.stdin.write('.');
  await once(sandbox.stdout, 'data');
  const grown = (await sandbox.usage()).memoryBytes - before;
  // A dentry takes 192 bytes.
  const detail = `${unknownNames} names took ${Math.round(grown / 1024)} KiB of its own memory`;
  if (grown < unknownNames * 64) return { outcome: 'ESCAPED', detail };
  return { outcome: 'BLOCKED', answer: 'limit', detail };
}
