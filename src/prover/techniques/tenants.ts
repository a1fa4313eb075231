/** Attacks on another tenant's sandbox that runs at the same time, of the same image. */

import { seekBeside } from '../seek-beside.ts';
import type { HostTechnique, Technique } from '../types.ts';

type Attack = Omit<HostTechnique, 'vector' | 'run'> & { readonly holder: string; readonly seeker: string };

const waiting = `
holds(pid=os.getpid())
`;

const attacks: readonly Attack[] = [
  {
    name: 'tenant-user',
    title: 'be the same user on the host as another tenant',
    reference: 'user_namespaces(7)',
    control: 'user-namespace',
    expects: ['absent'],
    harmlessInGvisor: 'it is a map of its kernel; on the host each has ids of its own, as under any runtime',
    holder: `
holds(map=read("/proc/self/uid_map").decode().split())
`,
    seeker: `
mine = read("/proc/self/uid_map").decode().split()
if mine == facts["neighbour"]["map"]:
    escaped("both are users from " + mine[1])
blocked("absent", "users from " + mine[1] + ", and from " + facts["neighbour"]["map"][1])
`,
  },
  {
    name: 'tenant-processes',
    title: 'see another tenant’s processes',
    reference: 'pid_namespaces(7)',
    control: 'pid-namespace',
    expects: ['absent'],
    holder: `
os.write(os.open("/dev/null", os.O_WRONLY), b"")
marker = os.urandom(8).hex()
if os.fork() == 0:
    os.execv(os.path.realpath(sys.executable), ["python3", "-I", "-c", "import time; time.sleep(60)", marker])
holds(marker=marker)
`,
    seeker: `
mine = [str(os.getpid()), "self", "thread-self"]
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        if facts["neighbour"]["marker"].encode() in read("/proc/" + process + "/cmdline") and process not in mine:
            escaped("process " + process + " is the neighbour’s")
    except OSError:
        pass
blocked("absent", "no process of the neighbour’s is in /proc")
`,
  },
  {
    name: 'tenant-signals',
    title: 'end another tenant’s processes',
    reference: 'kill(2)',
    control: 'pid-namespace',
    expects: ['ESRCH', 'EPERM'],
    holder: waiting,
    seeker: `
answers = {attempt(lambda: os.kill(process, signal.SIGKILL)) for process in range(2, 4000)}
def all_of_them():
    os.kill(-1, signal.SIGKILL)
# Whoever may be signalled but oneself: the neighbour is looked at afterwards.
answer = attempt(all_of_them)
if "ok" in answers:
    escaped("a process that is not one’s own was ended")
blocked("ESRCH" if answer == "ok" else answer, ", ".join(sorted(answers)))
`,
  },
  ...['/tmp', '/dev/shm'].map(
    (folder): Attack => ({
      name: `tenant-files-${folder.split('/').at(-1)}`,
      title: `read another tenant’s files in ${folder}`,
      reference: 'tmpfs(5), mount_namespaces(7)',
      control: 'mount-namespace',
      expects: ['ENOENT'],
      holder: `
name = "${folder}/" + os.urandom(8).hex()
os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o666))
os.chmod(name, 0o666)
holds(name=name)
`,
      seeker: `
refused(lambda: read(facts["neighbour"]["name"]), "a file of the neighbour’s was read")
`,
    }),
  ),
  {
    name: 'tenant-abstract-socket',
    title: 'connect to another tenant’s server by a name in the abstract space',
    reference: 'unix(7), CVE-2020-15257',
    control: 'network-namespace',
    expects: ['ECONNREFUSED', 'EPERM'],
    holder: `
name = "ward-prove-" + os.urandom(8).hex()
end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
end.bind(bytes([0]) + name.encode())
end.listen()
holds(name=name)
`,
    seeker: `
end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
refused(lambda: end.connect(bytes([0]) + facts["neighbour"]["name"].encode()), "connected to the neighbour")
`,
  },
  {
    name: 'tenant-loopback',
    title: 'connect to another tenant’s server on 127.0.0.1',
    reference: 'network_namespaces(7)',
    control: 'network-namespace',
    expects: ['ECONNREFUSED', 'EACCES', 'EPERM'],
    holder: `
end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
try:
    end.bind(("127.0.0.1", 0))
    end.listen()
except OSError as error:
    blocked(error)
holds(port=end.getsockname()[1])
`,
    seeker: `
end = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
refused(lambda: end.connect(("127.0.0.1", facts["neighbour"]["port"])), "connected to the neighbour")
`,
  },
  {
    name: 'tenant-shared-memory',
    title: 'share memory with another tenant by a key',
    reference: 'shmget(2), ipc_namespaces(7)',
    control: 'ipc-namespace',
    expects: ['EPERM', 'ENOSYS', 'ENOENT'],
    holder: `
IPC_CREAT = 0o1000
key = int.from_bytes(os.urandom(3), "little") + 1
try:
    syscall("shmget", key, 4096, IPC_CREAT | 0o666)
except OSError as error:
    blocked(error)
holds(key=key)
`,
    seeker: `
refused(lambda: syscall("shmget", facts["neighbour"]["key"], 0, 0), "the neighbour’s memory was found")
`,
  },
  {
    name: 'tenant-device-locks',
    title: 'signal another tenant by locks of device files, or keep it waiting',
    reference: 'flock(2), fcntl(2) F_SETLK',
    control: 'minimal-dev',
    expects: ['absent', 'ENOLCK'],
    holder: `
import fcntl
kept = [os.open("/dev/" + name, os.O_RDWR) for name in ("null", "zero", "full")]
try:
    for one in kept[:2]:
        fcntl.flock(one, fcntl.LOCK_EX)
    fcntl.lockf(kept[2], fcntl.LOCK_EX)
except OSError as error:
    blocked(error)
holds(files=["/dev/null", "/dev/zero"], records=["/dev/full"])
`,
    seeker: `
import fcntl
for lock, names in ((fcntl.flock, facts["neighbour"]["files"]), (fcntl.lockf, facts["neighbour"]["records"])):
    for name in names:
        answer = attempt(lambda: lock(os.open(name, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB))
        if answer in ("EAGAIN", "EACCES"):
            escaped("the neighbour’s lock of " + name + " is seen: " + answer)
blocked("absent", "locks of the neighbour’s are not seen")
`,
  },
  {
    name: 'tenant-keyrings',
    title: 'read another tenant’s key in the keyring of the user',
    reference: 'keyrings(7), user-keyring(7)',
    control: 'seccomp',
    expects: ['killed', 'EPERM', 'ENOSYS', 'ENOKEY'],
    holder: `
KEY_SPEC_USER_KEYRING = -4
name = "ward-prove-" + os.urandom(8).hex()
try:
    syscall("add_key", "user", name, b"secret", 6, KEY_SPEC_USER_KEYRING)
except OSError as error:
    blocked(error)
holds(name=name)
`,
    seeker: `
KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING = 10, -4
refused(lambda: syscall("keyctl", KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", facts["neighbour"]["name"], 0), "the neighbour’s key was found")
`,
  },
  {
    name: 'tenant-memory',
    title: 'read another tenant’s memory through /proc',
    reference: 'proc_pid_mem(5), process_vm_readv(2)',
    control: 'pid-namespace',
    expects: ['absent', 'EACCES', 'EPERM', 'ENOENT', 'EIO'],
    holder: `
secret = buffer(os.urandom(16).hex().encode())
holds(address=ctypes.addressof(secret), secret=secret.value.decode(), pid=os.getpid())
`,
    seeker: `
answers = []
for process in [name for name in os.listdir("/proc") if name.isdigit()]:
    def look():
        descriptor = os.open("/proc/" + process + "/mem", os.O_RDONLY)
        if os.pread(descriptor, 32, facts["neighbour"]["address"]) != facts["neighbour"]["secret"].encode():
            raise OSError(errno.EIO, "other memory")
    answers.append(attempt(look))
if "ok" in answers:
    escaped("the neighbour’s memory was read")
blocked("absent" if set(answers) <= {"EIO"} else answers[0], ", ".join(answers))
`,
  },
  {
    name: 'tenant-watch',
    title: 'watch which files of the image another tenant opens',
    reference: 'inotify(7)',
    control: 'seccomp',
    expects: ['absent', 'EPERM', 'ENOSYS'],
    holder: `
import _thread
# Again and again, so that whoever watches in the meantime sees it.
def use():
    while True:
        read(os.__file__)
        time.sleep(0.005)
_thread.start_new_thread(use, ())
holds(file=os.__file__)
`,
    seeker: `
import select
IN_OPEN = 0x20
file = facts["neighbour"]["file"]
try:
    watch = syscall("inotify_init1", os.O_NONBLOCK)
    syscall("inotify_add_watch", watch, file, IN_OPEN)
except OSError as error:
    blocked(error)
if select.select([watch], [], [], 0.5)[0]:
    escaped("the neighbour was seen to open " + file)
blocked("absent", "nothing was seen of the neighbour")
`,
  },
  {
    name: 'tenant-watch-folder',
    title: 'the same by signals of a folder',
    reference: 'fcntl(2), F_NOTIFY',
    control: 'seccomp',
    expects: ['EPERM', 'EINVAL', 'absent'],
    holder: `
import _thread
def use():
    while True:
        read(os.__file__)
        time.sleep(0.005)
_thread.start_new_thread(use, ())
holds(folder=os.path.dirname(os.__file__))
`,
    seeker: `
import fcntl
DN_ACCESS, DN_MULTISHOT = 1, 0x80000000
folder = os.open(facts["neighbour"]["folder"], os.O_RDONLY)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
try:
    syscall("fcntl", folder, fcntl.F_NOTIFY, DN_ACCESS | DN_MULTISHOT)
except OSError as error:
    blocked(error)
if signal.sigtimedwait([signal.SIGIO], 0.5) is not None:
    escaped("the neighbour was seen to read in " + facts["neighbour"]["folder"])
blocked("absent", "nothing was seen of the neighbour")
`,
  },
  {
    name: 'tenant-watches-quota',
    title: 'use up the watches of files, which are counted on the host’s root too',
    reference: 'inotify(7), max_user_instances; user_namespaces(7)',
    control: 'seccomp',
    expects: ['ENOSYS', 'EPERM', 'absent'],
    holder: `
made = 0
try:
    while made < 900:
        syscall("inotify_init1", 0)
        made += 1
except OSError as error:
    if made == 0:
        blocked(error)
holds(made=made)
`,
    seeker: `
answer = attempt(lambda: syscall("inotify_init1", 0))
if answer == "EMFILE":
    escaped("none is left, since the neighbour has %d" % facts["neighbour"]["made"])
blocked("absent", "there are some, though the neighbour has %d: %s" % (facts["neighbour"]["made"], answer))
`,
  },
  {
    name: 'tenant-pipes-quota',
    title: 'use up the memory for pipes that a user may have',
    reference: 'pipe(7), pipe-user-pages-soft; user_namespaces(7)',
    control: 'user-namespace',
    expects: ['absent'],
    holder: `
pipes = 0
try:
    while pipes < 1100:
        os.pipe()
        pipes += 1
except OSError:
    pass
holds(pipes=pipes)
`,
    seeker: `
F_GETPIPE_SZ = 1032
import fcntl
size = fcntl.fcntl(os.pipe()[1], F_GETPIPE_SZ)
if size < 65536:
    escaped("a pipe holds %d bytes, since the neighbour has %d pipes" % (size, facts["neighbour"]["pipes"]))
blocked("absent", "a pipe holds %d bytes, though the neighbour has %d" % (size, facts["neighbour"]["pipes"]))
`,
    harmlessInGvisor: 'it is the size that its kernel gives to all',
  },
  {
    name: 'tenant-cpu',
    title: 'take another tenant’s share of the processors by a higher weight',
    reference: 'proc_pid_autogroup(5), setpriority(2)',
    control: 'landlock',
    expects: ['EACCES', 'EPERM', 'EROFS', 'absent'],
    harmlessInGvisor: 'its kernel keeps the number and schedules nothing by it',
    holder: waiting,
    seeker: `
first_refusal([("the group of the session has a higher weight", lambda: open_for_write("/proc/self/autogroup")),
               ("the users’ priority is raised", lambda: os.setpriority(os.PRIO_USER, 0, -5))])
`,
  },
];

export const tenantTechniques: readonly Technique[] = attacks.map(({ holder, seeker, ...head }) => ({
  ...head,
  vector: 'neighbours',
  run: (context) => seekBeside(context, holder, seeker),
}));
