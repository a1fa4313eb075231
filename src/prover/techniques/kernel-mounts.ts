/** Mounts: the way to every file that a mount namespace hides. */
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;

export const mountTechniques: readonly Technique[] = [
  {
    ...head,
    name: 'mount-tmpfs',
    title: 'mount a file system',
    reference: 'mount(2)',
    expects: ['killed', 'EPERM'],
    program: `
refused(lambda: syscall("mount", "none", "/tmp", "tmpfs", 0, None), "a tmpfs of its own is mounted over /tmp")
`,
  },
  {
    ...head,
    name: 'mount-proc',
    title: 'mount a /proc without its masks',
    reference: 'mount_namespaces(7)',
    expects: ['killed', 'EPERM'],
    program: `
os.mkdir("/tmp/proc")
refused(lambda: syscall("mount", "proc", "/tmp/proc", "proc", 0, None), "a fresh /proc shows " + str(len(os.listdir("/proc"))) + " entries")
`,
  },
  {
    ...head,
    name: 'mount-remount-root',
    title: 'make the root writable by remounting it',
    reference: 'mount(2), MS_REMOUNT',
    expects: ['killed', 'EPERM'],
    program: `
MS_REMOUNT, MS_BIND = 32, 4096
refused(lambda: syscall("mount", None, "/", None, MS_REMOUNT | MS_BIND, None), "the root is mounted anew, writable")
`,
  },
  {
    ...head,
    name: 'mount-remount-exec',
    title: 'let programs run from /tmp by remounting it',
    reference: 'mount(2), MS_NOEXEC',
    expects: ['killed', 'EPERM'],
    program: `
MS_REMOUNT, MS_BIND = 32, 4096
refused(lambda: syscall("mount", None, "/tmp", None, MS_REMOUNT | MS_BIND, None), "/tmp is mounted anew without noexec, nosuid and nodev")
`,
  },
  {
    ...head,
    name: 'mount-bind',
    title: 'bind a device to another place',
    reference: 'mount(2), MS_BIND',
    expects: ['killed', 'EPERM'],
    program: `
open("/tmp/device", "w").close()
refused(lambda: syscall("mount", "/dev/zero", "/tmp/device", None, 4096, None), "/dev/zero is bound to /tmp/device")
`,
  },
  {
    ...head,
    name: 'mount-propagation',
    title: 'share mounts with the host again',
    reference: 'mount_namespaces(7), MS_SHARED',
    expects: ['killed', 'EPERM'],
    program: `
MS_REC, MS_SHARED = 16384, 1 << 20
refused(lambda: syscall("mount", None, "/", None, MS_REC | MS_SHARED, None), "the mounts propagate")
`,
  },
  {
    ...head,
    name: 'mount-cgroup',
    title: 'mount the control groups, for their release_agent',
    reference: 'CVE-2022-0492',
    expects: ['killed', 'EPERM'],
    program: `
os.mkdir("/tmp/groups")
first_refusal([(kind + " is mounted", lambda kind=kind, data=data: syscall("mount", "none", "/tmp/groups", kind, 0, data))
               for kind, data in (("cgroup2", None), ("cgroup", "rdma"), ("cgroup", "memory"))])
`,
  },
  {
    ...head,
    name: 'mount-overlay',
    title: 'mount an overlay, whose copies keep file capabilities',
    reference: 'CVE-2021-3493, CVE-2023-0386',
    expects: ['killed', 'EPERM'],
    program: `
for name in ("lower", "upper", "work", "merged"):
    os.mkdir("/tmp/" + name)
options = "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work"
refused(lambda: syscall("mount", "overlay", "/tmp/merged", "overlay", 0, options), "an overlay is mounted")
`,
  },
  {
    ...head,
    name: 'umount-proc',
    title: 'take away the mounts that hide parts of /proc',
    reference: 'umount(2), MNT_DETACH',
    expects: ['killed', 'EPERM'],
    program: `
refused(lambda: syscall("umount2", "/dev/shm", 2), "/dev/shm is unmounted, and /proc would be")
`,
  },
  {
    ...head,
    name: 'pivot-root',
    title: 'change the root of the mount namespace',
    reference: 'pivot_root(2)',
    expects: ['killed', 'EPERM'],
    program: `
refused(lambda: syscall("pivot_root", "/tmp", "/tmp"), "/tmp is the root now")
`,
  },
  {
    ...head,
    name: 'chroot',
    title: 'change the root, the first step of climbing out of one',
    reference: 'chroot(2)',
    expects: ['EPERM'],
    program: `
refused(lambda: syscall("chroot", "/tmp"), "/tmp is the root now")
`,
  },
  {
    ...head,
    name: 'mount-api-fsopen',
    title: 'make a file system with the new mount calls',
    reference: 'fsopen(2), CVE-2022-0185',
    expects: ['killed', 'EPERM'],
    program: `
refused(lambda: syscall("fsopen", "tmpfs", 0), "a file system context is open")
`,
  },
  {
    ...head,
    name: 'mount-api-fsconfig',
    title: 'configure a file system context',
    reference: 'fsconfig(2), CVE-2022-0185',
    expects: ['EPERM'],
    program: `
let_through(lambda: syscall("fsconfig", 0, 0, "source", None, 0), ["EINVAL", "EBADF", "EOPNOTSUPP"], "fsconfig is let through")
`,
  },
  {
    ...head,
    name: 'mount-api-fsmount',
    title: 'mount a file system context',
    reference: 'fsmount(2)',
    expects: ['EPERM'],
    program: `
let_through(lambda: syscall("fsmount", 0, 0, 0), ["EINVAL", "EBADF"], "fsmount is let through")
`,
  },
  {
    ...head,
    name: 'mount-api-fspick',
    title: 'reconfigure the root’s file system',
    reference: 'fspick(2)',
    expects: ['EPERM'],
    program: `
refused(lambda: syscall("fspick", -100, "/tmp", 0), "the file system of /tmp can be reconfigured")
`,
  },
  {
    ...head,
    name: 'mount-api-move',
    title: 'move a mount to another place',
    reference: 'move_mount(2)',
    expects: ['killed', 'EPERM'],
    program: `
os.mkdir("/tmp/there")
refused(lambda: syscall("move_mount", -100, "/dev/shm", -100, "/tmp/there", 0), "/dev/shm is at /tmp/there now")
`,
  },
  {
    ...head,
    name: 'mount-api-open-tree',
    title: 'copy a tree of mounts',
    reference: 'open_tree(2), OPEN_TREE_CLONE',
    expects: ['killed', 'EPERM'],
    program: `
OPEN_TREE_CLONE, AT_RECURSIVE = 1, 0x8000
refused(lambda: syscall("open_tree", -100, "/", OPEN_TREE_CLONE | AT_RECURSIVE), "a copy of all mounts is open")
`,
  },
  {
    ...head,
    name: 'mount-api-setattr',
    title: 'clear the read-only flag of the root',
    reference: 'mount_setattr(2)',
    expects: ['EPERM', 'ENOSYS'],
    program: `
MOUNT_ATTR_RDONLY = 1
attributes = struct.pack("QQQQ", 0, MOUNT_ATTR_RDONLY, 0, 0)
refused(lambda: syscall("mount_setattr", -100, "/", 0, attributes, len(attributes)), "the root’s mount is writable")
`,
  },
];
