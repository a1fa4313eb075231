/** Namespaces: new ones give capabilities in the kernel's largest attack surface, others' ones give their world. */
import type { Mechanism } from '../../sandbox/index.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;

const flags = `
NEW = {"user": 0x10000000, "mnt": 0x20000, "net": 0x40000000, "pid": 0x20000000, "ipc": 0x8000000, "uts": 0x4000000, "cgroup": 0x2000000, "time": 0x80}
`;

const own = 'it is a namespace of the kernel in user space, which gives nothing on the host';

export const namespaceTechniques: readonly Technique[] = [
  unshare('user', 'CVE-2022-0185, CVE-2023-32233, user_namespaces(7)'),
  unshare('mnt', 'mount_namespaces(7)'),
  unshare('net', 'network_namespaces(7)'),
  unshare('pid', 'pid_namespaces(7)'),
  unshare('ipc', 'ipc_namespaces(7)'),
  unshare('uts', 'uts_namespaces(7)'),
  unshare('cgroup', 'cgroup_namespaces(7), CVE-2022-0492'),
  unshare('time', 'time_namespaces(7)'),
  {
    ...head,
    name: 'clone-user-namespace',
    title: 'start a process in a user namespace of its own',
    reference: 'clone(2), CLONE_NEWUSER',
    expects: ['EPERM'],
    harmlessInGvisor: own,
    program: `${flags}
def start():
    if syscall("clone", NEW["user"] | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        os._exit(0)
refused(start, "a process runs in a new user namespace, with all capabilities there")
`,
  },
  {
    ...head,
    name: 'clone-namespaces',
    title: 'start a process in a namespace of any other kind',
    reference: 'clone(2)',
    expects: ['EPERM'],
    harmlessInGvisor: own,
    program: `${flags}
def start(flag):
    if syscall("clone", flag | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        os._exit(0)
# CLONE_NEWTIME lies in the bits of the exit signal, and only clone3 has it.
first_refusal([("a new " + kind + " namespace", lambda flag=flag: start(flag)) for kind, flag in NEW.items() if kind not in ("user", "time")])
`,
  },
  {
    ...head,
    name: 'clone-high-bits',
    title: 'hide clone’s namespace flags from the filter behind high bits',
    reference: 'seccomp(2), clone(2)',
    expects: ['EPERM'],
    harmlessInGvisor: own,
    program: `${flags}
def start():
    if syscall("clone", 1 << 40 | NEW["user"] | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        os._exit(0)
refused(start, "a process runs in a new user namespace")
`,
  },
  {
    ...head,
    name: 'clone3-namespaces',
    title: 'start a process in a new user namespace by the call whose flags no filter can see',
    reference: 'clone3(2), seccomp(2)',
    expects: ['ENOSYS', 'EPERM'],
    harmlessInGvisor: own,
    program: `${flags}
arguments = struct.pack("11Q", NEW["user"], 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, 0)
def start():
    if syscall("clone3", arguments, len(arguments)) == 0:
        os._exit(0)
refused(start, "a process runs in a new user namespace")
`,
  },
  {
    ...head,
    name: 'clone3-into-cgroup',
    title: 'start a process in another control group',
    reference: 'clone3(2), CLONE_INTO_CGROUP',
    expects: ['ENOSYS', 'EPERM'],
    harmlessInGvisor: own,
    program: `
folder = os.open("/", os.O_RDONLY)
arguments = struct.pack("11Q", 1 << 33, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, folder)
let_through(lambda: syscall("clone3", arguments, len(arguments)), ["EBADF", "EINVAL"], "clone3 is let through")
`,
  },
  {
    ...head,
    name: 'setns-init',
    title: 'enter the namespaces of process 1',
    reference: 'setns(2)',
    expects: ['killed', 'EPERM'],
    program: `${flags}
def enter(kind):
    descriptor = os.open("/proc/1/ns/" + kind, os.O_RDONLY)
    syscall("setns", descriptor, 0)
first_refusal([("entered the " + kind + " namespace of process 1", lambda kind=kind: enter(kind)) for kind in NEW])
`,
  },
  {
    ...head,
    name: 'setns-pidfd',
    title: 'enter all namespaces of a process at once',
    reference: 'setns(2), pidfd_open(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
    program: `${flags}
refused(lambda: syscall("setns", os.pidfd_open(1), NEW["mnt"] | NEW["net"] | NEW["uts"]), "entered the namespaces of process 1")
`,
  },
  host('mnt', 'mount-namespace', 'mount_namespaces(7)'),
  host('pid', 'pid-namespace', 'pid_namespaces(7)'),
  host('net', 'network-namespace', 'network_namespaces(7)'),
  host('ipc', 'ipc-namespace', 'ipc_namespaces(7)'),
  host('uts', 'uts-namespace', 'uts_namespaces(7)'),
  host('user', 'user-namespace', 'user_namespaces(7)'),
  host('cgroup', 'cgroup-namespace', 'cgroup_namespaces(7)'),
  host('time', 'time-namespace', 'time_namespaces(7)'),
];

function unshare(kind: string, reference: string): Technique {
  return {
    ...head,
    name: `unshare-${kind}`,
    title: `make a new ${kind} namespace`,
    reference: `unshare(2), ${reference}`,
    expects: ['killed', 'EPERM'],
    program: `${flags}
refused(lambda: syscall("unshare", NEW["${kind}"]), "in a ${kind} namespace of its own making")
`,
  };
}

/** Not an attempt but the evidence of one: whose namespace it is. */
function host(kind: string, control: Mechanism, reference: string): Technique {
  return {
    vector: 'escape',
    control,
    name: `host-namespace-${kind}`,
    title: `be in the host’s ${kind} namespace`,
    reference,
    expects: ['absent'],
    harmlessInGvisor: own,
    program: `
def mine():
    try:
        return os.readlink("/proc/self/ns/${kind}")
    except OSError as error:
        blocked("absent", "/proc/self/ns/${kind}: " + str(error.strerror))
if mine() == facts["namespaces"].get("${kind}"):
    escaped(mine() + " is the host’s")
blocked("absent", mine() + " is not the host’s " + str(facts["namespaces"].get("${kind}")))
`,
  };
}
