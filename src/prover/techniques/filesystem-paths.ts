/** Paths: what may be written, and names that lead out of the root. */
import type { Technique } from '../types.ts';

const head = { vector: 'escape' } as const;

export const pathTechniques: readonly Technique[] = [
  {
    ...head,
    control: 'read-only-root',
    name: 'root-write',
    title: 'make a file in the root, which other sandboxes of the image share',
    reference: 'mount(2), MS_RDONLY',
    expects: ['EROFS', 'EACCES', 'EPERM'],
    program: `
# A folder of a moment: it is taken away again at once.
def write(folder):
    os.mkdir(folder + "/ward-prove")
    os.rmdir(folder + "/ward-prove")
first_refusal([("made a folder in " + folder, lambda folder=folder: write(folder)) for folder in ("/", "/etc", "/usr/lib", "/var", "/root", "/home") if os.path.isdir(folder)])
`,
  },
  {
    ...head,
    control: 'read-only-root',
    name: 'root-change',
    title: 'change a file of the image',
    reference: 'open(2)',
    expects: ['EROFS', 'EACCES', 'EPERM'],
    program: `
refused(lambda: open_for_write(os.__file__), os.__file__ + " is open for writing")
`,
  },
  {
    ...head,
    control: 'read-only-root',
    name: 'root-attributes',
    title: 'change mode, owner or times of a file of the image',
    reference: 'chmod(2), utimensat(2)',
    expects: ['EROFS', 'EPERM', 'EACCES'],
    program: `
# To what they are already.
file = os.stat(os.__file__)
first_refusal([("the mode may be changed", lambda: os.chmod(os.__file__, file.st_mode & 0o7777)),
               ("the owner may be changed", lambda: os.chown(os.__file__, file.st_uid, file.st_gid)),
               ("the times may be changed", lambda: os.utime(os.__file__, ns=(file.st_atime_ns, file.st_mtime_ns)))])
`,
  },
  {
    ...head,
    control: 'read-only-root',
    name: 'preload',
    title: 'have a library loaded into every program',
    reference: 'ld.so(8), /etc/ld.so.preload',
    expects: ['EROFS', 'EACCES', 'EPERM'],
    program: `
# Another name than the list's, which is gone again at once.
def make():
    os.close(os.open("/etc/ward-prove", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    os.unlink("/etc/ward-prove")
refused(make, "/etc may be written")
`,
  },
  {
    ...head,
    control: 'read-only-root',
    name: 'code-write',
    title: 'change the code of the function for its next call',
    reference: 'mount(2), MS_RDONLY',
    expects: ['EROFS', 'EACCES', 'EPERM', 'absent'],
    program: `
def write():
    os.mkdir("/fn/ward-prove")
    os.rmdir("/fn/ward-prove")
if not os.path.isdir("/fn"):
    blocked("absent", "no /fn")
refused(write, "/fn may be written")
`,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'host-file',
    title: 'read a file of the host by its name',
    reference: 'mount_namespaces(7)',
    expects: ['ENOENT', 'EACCES'],
    program: `
def look():
    if read(facts["secretFile"]).decode() != facts["secret"]:
        raise OSError(errno.ENOENT, "another file of that name")
refused(look, "a file of the host was read")
`,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'climb-out',
    title: 'climb out of the root by its parents',
    reference: 'path_resolution(7), CVE-2024-21626',
    expects: ['ENOENT', 'EACCES'],
    program: `
def look(start):
    climb = os.open(start, os.O_PATH | os.O_DIRECTORY)
    for _ in range(64):
        climb = os.open("..", os.O_PATH | os.O_DIRECTORY, dir_fd=climb)
    descriptor = os.open(facts["secretFile"].lstrip("/"), os.O_RDONLY, dir_fd=climb)
    if os.read(descriptor, 64).decode() != facts["secret"]:
        raise OSError(errno.ENOENT, "another file of that name")
first_refusal([("climbed out from " + start, lambda start=start: look(start)) for start in ("/", "/tmp", "/proc/self/cwd", "/dev", "/fn") if os.path.isdir(start)])
`,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'symbolic-links',
    title: 'lead out of the root by symbolic links',
    reference: 'symlink(7), CVE-2018-15664',
    expects: ['ENOENT', 'EACCES'],
    program: `
def look(target):
    link = "/tmp/link-" + str(abs(hash(target)))
    os.symlink(target, link)
    if read(link).decode() != facts["secret"]:
        raise OSError(errno.ENOENT, "another file of that name")
targets = [facts["secretFile"], "../../../../../.." + facts["secretFile"], "/proc/1/root" + facts["secretFile"], "/proc/self/root/.." + facts["secretFile"]]
first_refusal([("a link to " + target + " was followed", lambda target=target: look(target)) for target in targets])
`,
  },
  {
    ...head,
    control: 'read-only-root',
    name: 'hard-links',
    title: 'give files of the image and devices another name',
    reference: 'link(2), proc_sys_fs(5) protected_hardlinks',
    expects: ['EXDEV', 'EPERM', 'EACCES', 'EROFS'],
    program: `
places = [path for path in ("/etc/passwd", os.__file__, "/dev/null", "/proc/self/exe") if os.path.exists(path)]
def beside():
    # The one place that is no other file system.
    other = os.path.dirname(os.__file__) + "/ward-prove"
    os.link(os.__file__, other)
    os.unlink(other)
first_refusal([("linked " + path, lambda path=path: os.link(path, "/tmp/link", follow_symlinks=True)) for path in places]
              + [("linked " + os.__file__ + " beside itself", beside)])
`,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'host-paths',
    title: 'learn paths of the host from the list of mounts',
    reference: 'proc_pid_mountinfo(5)',
    expects: ['absent', 'ENOENT', 'EACCES'],
    harmlessInGvisor: 'what is listed are mounts of its kernel',
    program: `
folder = os.path.dirname(facts["secretFile"]).rsplit("/", 1)[0]
try:
    mounts = read("/proc/self/mountinfo", 65536).decode()
except OSError as error:
    blocked(error)
for line in filter(None, mounts.split(chr(10))):
    fields, options = line.split(" - ")
    kind, source, settings = options.split(" ", 2)
    layers = [option for option in settings.split(",") if option.startswith(("lowerdir=/", "upperdir=/", "workdir=/"))]
    if kind == "overlay" and layers:
        escaped("layers of the image are named: " + layers[0][:120])
blocked("absent", "no path of the host is named")
`,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'control-sockets',
    title: 'talk to a service of the host by its socket',
    reference: 'unix(7), CVE-2020-15257',
    expects: ['absent'],
    program: `
named = ["/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/podman/podman.sock",
         "/run/dbus/system_bus_socket", "/run/systemd/private", "/run/systemd/notify", "/run/snapd.socket", "/run/ward.sock"]
def sockets(root):
    import stat
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if attempt(lambda: os.lstat(path)) == "ok" and stat.S_ISSOCK(os.lstat(path).st_mode):
                yield path
def talk(path):
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(path)
found(named + [path for root in ("/run", "/var", "/tmp", "/dev") for path in sockets(root)], talk, "connected")
`,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'host-secrets',
    title: 'read passwords and keys of the host',
    reference: 'shadow(5), machine-id(5)',
    expects: ['absent', 'EACCES', 'EPERM'],
    program: `
def look(path):
    content = read(path)
    # An image has a shadow file of its own, in which nobody has a password.
    if path.startswith("/etc/shadow") and b":$" not in content:
        raise OSError(errno.ENOENT, "no password in it")
found(["/etc/shadow", "/etc/shadow-", "/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key", "/root/.ssh/id_ed25519", "/root/.ward", "/var/lib/ward"], look, "can be read")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'mount-fuse',
    title: 'mount a file system that one serves oneself',
    reference: 'mount.fuse3(8)',
    expects: ['killed', 'EPERM', 'absent'],
    program: `
try:
    server = os.open("/dev/fuse", os.O_RDWR)
except OSError:
    server = 0
options = "fd=" + str(server) + ",rootmode=40000,user_id=0,group_id=0"
let_through(lambda: syscall("mount", "fuse", "/tmp", "fuse", 0, options), ["EINVAL"] if server else [], "FUSE is mounted")
`,
  },
];
