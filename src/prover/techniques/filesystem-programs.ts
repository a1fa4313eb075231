/** Programs of one's own: to run what was written, and to have it run with more rights. */
import type { Technique } from '../types.ts';

const head = { vector: 'escape' } as const;

const below = 'what runs is still below its kernel';

/** Ends with 42 when it is run. */
const script = `
text = b"#!" + os.path.realpath(sys.executable).encode() + b" -I" + bytes([10]) + b"import os; os._exit(42)" + bytes([10])
def written(path):
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o755)
    os.write(descriptor, text)
    os.close(descriptor)
    os.chmod(path, 0o755)
    return path
def copy_of(path, target):
    with open(path, "rb") as source, open(target, "wb") as copy:
        copy.write(source.read())
    os.chmod(target, 0o755)
    return target
`;

export const programTechniques: readonly Technique[] = [
  ...['/tmp', '/dev/shm'].map(
    (folder): Technique => ({
      ...head,
      control: 'tmpfs-limit',
      name: `exec-${folder.split('/').at(-1)}`,
      title: `run a script that was written to ${folder}`,
      reference: 'execve(2), mount(2) MS_NOEXEC',
      expects: ['EACCES', 'EPERM'],
      harmlessInGvisor: below,
      program: `${script}
runs(lambda: os.execv(written("${folder}/script"), ["script"]), "a script ran from ${folder}")
`,
    }),
  ),
  {
    ...head,
    control: 'tmpfs-limit',
    name: 'exec-binary',
    title: 'run a binary that was written to /tmp',
    reference: 'execve(2)',
    expects: ['EACCES', 'EPERM'],
    harmlessInGvisor: below,
    program: `${script}
program = copy_of(os.path.realpath(sys.executable), "/tmp/program")
runs(lambda: os.execv(program, ["program", "-I", "-c", "import os; os._exit(42)"]), "a binary ran from /tmp")
`,
  },
  {
    ...head,
    control: 'tmpfs-limit',
    name: 'exec-nameless',
    title: 'run a file that never had a name',
    reference: 'open(2) O_TMPFILE',
    expects: ['EACCES', 'EPERM', 'EOPNOTSUPP'],
    harmlessInGvisor: below,
    program: `${script}
def start():
    writer = os.open("/tmp", os.O_TMPFILE | os.O_RDWR, 0o755)
    with open(os.path.realpath(sys.executable), "rb") as source:
        os.write(writer, source.read())
    reader = os.open("/proc/self/fd/" + str(writer), os.O_RDONLY)
    os.close(writer)
    os.execv("/proc/self/fd/" + str(reader), ["python3", "-I", "-c", "import os; os._exit(42)"])
runs(start, "a file without a name ran")
`,
  },
  {
    ...head,
    control: 'tmpfs-limit',
    name: 'exec-by-loader',
    title: 'have the dynamic loader run what may not be run',
    reference: 'ld.so(8), mmap(2)',
    expects: ['EACCES', 'EPERM', 'refused', 'absent'],
    harmlessInGvisor: below,
    program: `${script}
loaders = [path for path in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1") if os.path.exists(path)]
if not loaders:
    blocked("absent", "no dynamic loader")
program = copy_of(os.path.realpath(sys.executable), "/tmp/program")
os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
runs(lambda: os.execv(loaders[0], [loaders[0], program, "-I", "-c", "import os; os._exit(42)"]), "a binary of /tmp ran by the loader")
`,
  },
  {
    ...head,
    control: 'tmpfs-limit',
    name: 'exec-mapping',
    title: 'map a written file as code',
    reference: 'mmap(2), PROT_EXEC',
    expects: ['EPERM', 'EACCES'],
    harmlessInGvisor: below,
    program: `
import mmap
descriptor = os.open("/tmp/code", os.O_CREAT | os.O_RDWR, 0o700)
os.write(descriptor, bytes(4096))
refused(lambda: mmap.mmap(descriptor, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC), "a file of /tmp is mapped as code")
`,
  },
  {
    ...head,
    control: 'no-new-privileges',
    name: 'setuid-files',
    title: 'use a set-uid program of the image',
    reference: 'execve(2), CVE-2021-4034, CVE-2021-3156',
    expects: ['absent', 'refused'],
    program: `
import stat
def special(root):
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                mode = os.lstat(os.path.join(folder, name)).st_mode
            except OSError:
                continue
            if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
                yield os.path.join(folder, name)
files = [path for root in ("/usr", "/bin", "/sbin", "/opt", "/lib") for path in special(root)]
PR_GET_NO_NEW_PRIVS = 39
if not files:
    blocked("absent", "no set-uid and no set-gid file")
effective = [path for path in files if not os.statvfs(path).f_flag & os.ST_NOSUID]
if effective and syscall("prctl", PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0:
    escaped("they give their owner’s rights: " + ", ".join(effective[:5]))
blocked("refused", "without effect: " + ", ".join(files[:5]))
`,
  },
  {
    ...head,
    control: 'no-new-privileges',
    name: 'setuid-made',
    title: 'leave a set-uid program for another user to start',
    reference: 'chmod(2), mount(2) MS_NOSUID',
    expects: ['refused', 'EPERM'],
    harmlessInGvisor: 'the file is in memory of its kernel, where nobody else looks',
    program: `
open("/tmp/tool", "w").close()
try:
    os.chmod("/tmp/tool", 0o4755)
except OSError as error:
    blocked(error)
if os.statvfs("/tmp").f_flag & os.ST_NOSUID:
    blocked("refused", "the bit has no effect: /tmp is mounted nosuid")
escaped("a set-uid file lies in /tmp, which is not mounted nosuid")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'file-capability',
    title: 'give a file capabilities',
    reference: 'capabilities(7), setxattr(2)',
    expects: ['EPERM'],
    program: `
open("/tmp/tool", "w").close()
VERSION_2 = 0x02000000
everything = struct.pack("IIIII", VERSION_2 | 1, 0xffffffff, 0, 0x1ff, 0)
refused(lambda: syscall("setxattr", "/tmp/tool", "security.capability", everything, len(everything), 0), "the file has all capabilities")
`,
  },
  ...['trusted.overlay.opaque', 'security.ward', 'user.ward'].map(
    (attribute): Technique => ({
      ...head,
      control: 'seccomp',
      name: `attribute-${attribute.split('.')[0]}`,
      title: `set an extended attribute of the kind ${attribute.split('.')[0]}`,
      reference: 'setxattr(2), CVE-2023-0386',
      expects: ['EPERM', 'EOPNOTSUPP'],
      harmlessInGvisor: 'the file is in memory of its kernel, where nobody else looks',
      program: `
open("/tmp/file", "w").close()
refused(lambda: syscall("setxattr", "/tmp/file", "${attribute}", b"y", 1, 0), "${attribute} is set")
`,
    }),
  ),
];
