/** What a process may do to itself through /proc, and what /proc shows of others. */
import type { Technique } from '../types.ts';

const head = { vector: 'escape' } as const;

export const selfTechniques: readonly Technique[] = [
  {
    ...head,
    control: 'read-only-root',
    name: 'self-exe-overwrite',
    title: 'overwrite the program that one runs, which once was the runtime',
    reference: 'CVE-2019-5736, proc_pid_exe(5)',
    expects: ['EROFS', 'EACCES', 'EPERM'],
    program: `
# While it runs the answer would be ETXTBSY, whoever may write: so its file is tried by its name too.
def overwrite():
    try:
        open_for_write("/proc/self/exe")
    except OSError as error:
        if error.errno != errno.ETXTBSY:
            raise
refused(overwrite, os.readlink("/proc/self/exe") + " may be written")
`,
  },
  {
    ...head,
    control: 'pid-namespace',
    name: 'runtime-exe',
    title: 'find the runtime’s program among the processes',
    reference: 'CVE-2019-5736',
    expects: ['absent'],
    program: `
mine = os.readlink("/proc/self/exe")
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        program = os.readlink("/proc/" + process + "/exe")
    except OSError:
        continue
    if program != mine:
        escaped("process " + process + " runs " + program)
blocked("absent", "every process runs " + mine)
`,
  },
  {
    ...head,
    control: 'landlock',
    name: 'self-mem-write',
    title: 'patch the code that one runs',
    reference: 'proc_pid_mem(5)',
    expects: ['EACCES', 'EPERM', 'EROFS'],
    harmlessInGvisor: 'it is memory of the process only',
    program: `
refused(lambda: open_for_write("/proc/self/mem"), "/proc/self/mem is open for writing")
`,
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'self-setgroups',
    title: 'let the user namespace leave groups',
    reference: 'user_namespaces(7), CVE-2014-8989',
    expects: ['EACCES', 'EPERM', 'EROFS', 'absent'],
    program: `
found(["/proc/self/setgroups"], open_for_write, "opened for writing")
`,
  },
  {
    ...head,
    control: 'landlock',
    name: 'self-login-uid',
    title: 'forge the user that the audit log names',
    reference: 'proc_pid_loginuid(5)',
    expects: ['absent', 'EACCES', 'EPERM', 'EROFS'],
    program: `
def forge(path):
    same = read(path)
    os.write(os.open(path, os.O_WRONLY), same)
found(["/proc/self/loginuid"], forge, "written")
`,
  },
  {
    ...head,
    control: 'user-namespace',
    name: 'page-frames',
    title: 'learn where one’s pages are in memory, to hammer their neighbours',
    reference: 'Documentation/admin-guide/mm/pagemap.rst, CVE-2015-0565',
    expects: ['absent', 'EACCES', 'EPERM'],
    program: `
memory = buffer(b"ward" * 2048)
try:
    descriptor = os.open("/proc/self/pagemap", os.O_RDONLY)
except FileNotFoundError:
    blocked("absent", "no /proc/self/pagemap")
except OSError as error:
    blocked(error)
entry = os.pread(descriptor, 8, ctypes.addressof(memory) // 4096 * 8)
frame = struct.unpack("Q", entry)[0] & (1 << 55) - 1 if len(entry) == 8 else 0
if frame:
    escaped("a page’s frame is told: " + hex(frame))
blocked("absent", "frames are told as 0")
`,
  },
  {
    ...head,
    control: 'user-namespace',
    name: 'kernel-stack',
    title: 'read the kernel’s stack of one’s own process',
    reference: 'proc_pid_stack(5)',
    expects: ['absent', 'EACCES', 'EPERM'],
    program: `
def look(path):
    if read(path) == b"":
        raise OSError(errno.EACCES, "empty")
found(["/proc/self/stack"], look, "can be read")
`,
  },
  {
    ...head,
    control: 'pid-namespace',
    name: 'other-environments',
    title: 'read the environment of other processes',
    reference: 'proc_pid_environ(5)',
    expects: ['absent', 'EACCES', 'EPERM'],
    program: `
others = [process for process in os.listdir("/proc") if process.isdigit() and int(process) != os.getpid()]
found(["/proc/" + process + "/environ" for process in others] or ["/proc/0/environ"], read, "can be read")
`,
  },
  {
    ...head,
    control: 'pid-namespace',
    name: 'other-roots',
    title: 'look into the root, the folder and the files of other processes',
    reference: 'proc_pid_root(5), proc_pid_cwd(5), proc_pid_fd(5)',
    expects: ['absent', 'ENOENT', 'EACCES', 'EPERM'],
    program: `
def look(path):
    if read(path).decode() != facts["secret"]:
        raise OSError(errno.ENOENT, "another file")
processes = [process for process in os.listdir("/proc") if process.isdigit()]
refusals = []
for process in processes:
    for link in ("root", "cwd"):
        answer = attempt(lambda: look("/proc/" + process + "/" + link + facts["secretFile"]))
        if answer == "ok":
            escaped("a file of the host was read through /proc/" + process + "/" + link)
        refusals.append(answer)
blocked(refusals[0] if refusals else "absent", str(len(processes)) + " processes, and none has the host’s root")
`,
  },
];
