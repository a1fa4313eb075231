/** Other doors to the same kernel: older call conventions, segments, and machine code that uses them. */
import { withoutOption } from '../cannot-fail.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;

/** Machine code of x86-64, run in a child whose end tells how it went. */
const machineCode = `
import mmap
if facts["arch"] != "x64":
    blocked("absent", "no second ABI is reached by these instructions")
def run(code):
    MAP_32BIT = 0x40
    memory = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_32BIT, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    memory.write(code(start))
    child = os.fork()
    if child == 0:
        value = ctypes.CFUNCTYPE(ctypes.c_long)(start)()
        os._exit(42 if value > 0 else min(-value, 41))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
def judge(code, evidence, let_through=42):
    end = run(code)
    if end in (42, let_through):
        escaped(evidence)
    if end < 0:
        blocked("killed" if -end == signal.SIGSYS else "signal", signal.Signals(-end).name)
    blocked(end if end in errno.errorcode else "refused", "answered " + str(end))
`;

export const abiTechniques: readonly Technique[] = [
  {
    ...head,
    name: 'abi-int80',
    title: 'make a 32-bit call, whose numbers mean something else',
    reference: 'seccomp(2), CVE-2009-0834',
    expects: ['killed', 'signal', 'absent', 'ENOSYS', 'EPERM'],
    makesCode: true,
    program: `${machineCode}
# mov eax, 20 (getpid of i386); int 0x80; movsxd rax, eax; ret
judge(lambda start: bytes.fromhex("b814000000" "cd80" "4863c0" "c3"), "getpid of the 32-bit ABI has answered")
`,
  },
  {
    ...head,
    name: 'abi-socketcall',
    title: 'open a socket by the call whose arguments no filter can see',
    reference: 'socketcall(2), CVE-2026-31431',
    expects: ['killed', 'signal', 'absent', 'ENOSYS', 'EPERM'],
    makesCode: true,
    program: `${machineCode}
# mov eax, 102 (socketcall); mov ebx, 1 (SOCKET); mov ecx, arguments; int 0x80; movsxd rax, eax; ret. rbx is kept in r12.
def code(start):
    # No socket has this type: the kernel says so after the filter, and before it loads a module.
    AF_VSOCK, NO_SUCH_TYPE = 40, 15
    begin = bytes.fromhex("4154" "4989dc" "b866000000" "bb01000000" "b9") + struct.pack("I", start + 256)
    end = bytes.fromhex("cd80" "4c89e3" "415c" "4863c0" "c3")
    return (begin + end).ljust(256, b"\\0") + struct.pack("III", AF_VSOCK, NO_SUCH_TYPE, 0)
judge(code, "sockets of the family VSOCK are let through", let_through=errno.EINVAL)
`,
  },
  {
    ...head,
    name: 'abi-far-jump',
    title: 'change to 32-bit mode and make calls there',
    reference: 'seccomp(2), Intel SDM volume 2, JMP',
    expects: ['killed', 'signal', 'absent'],
    makesCode: true,
    program: `${machineCode}
# jmp far [rip]: to the code segment 0x23; there: mov eax, 20; int 0x80; mov eax, 1; mov ebx, 42; int 0x80 (exit)
def code(start):
    jump = bytes.fromhex("ff2d00000000") + struct.pack("IH", start + 64, 0x23)
    return jump.ljust(64, b"\\x90") + bytes.fromhex("b814000000" "cd80" "bb2a000000" "b801000000" "cd80")
judge(code, "calls work in 32-bit mode")
`,
  },
  {
    ...head,
    name: 'abi-x32',
    cannotFail: withoutOption('CONFIG_X86_X32_ABI'),
    title: 'make calls of the x32 ABI',
    reference: 'syscall(2), __X32_SYSCALL_BIT',
    expects: ['killed', 'ENOSYS', 'EPERM', 'absent'],
    program: `
if facts["arch"] != "x64":
    blocked("absent", "there is no x32 here")
X32_BIT, GETPID = 0x40000000, 39
first_refusal([("getpid of the x32 ABI has answered", lambda: syscall(X32_BIT | GETPID))])
`,
  },
  {
    ...head,
    name: 'abi-x32-mount',
    cannotFail: withoutOption('CONFIG_X86_X32_ABI'),
    title: 'make a refused call by its x32 number',
    reference: 'seccomp(2), Caveats',
    expects: ['killed', 'ENOSYS', 'EPERM', 'absent'],
    program: `
if facts["arch"] != "x64":
    blocked("absent", "there is no x32 here")
X32_BIT = 0x40000000
first_refusal([("a tmpfs is mounted", lambda: syscall(X32_BIT | nr("mount"), "none", "/tmp", "tmpfs", 0, None))])
`,
  },
  {
    ...head,
    name: 'abi-negative-number',
    title: 'make calls with numbers that wrap around',
    reference: 'seccomp(2)',
    expects: ['EPERM', 'ENOSYS', 'killed'],
    program: `
numbers = [("mount plus 2^32", 1 << 32 | nr("mount")), ("-1", -1), ("2^31", 1 << 31)]
first_refusal([("call " + label + " has worked", lambda number=number: syscall(number, "none", "/tmp", "tmpfs", 0, None)) for label, number in numbers])
`,
  },
  {
    ...head,
    name: 'segment-descriptors',
    title: 'make segments of one’s own',
    reference: 'modify_ldt(2), CVE-2017-17053',
    expects: ['EPERM', 'ENOSYS', 'absent'],
    program: `
READ, WRITE = 0, 0x11
entry = struct.pack("IIII", 0, 0, 0xfffff, 1 << 0 | 1 << 4)
first_refusal([("the table of segments is read", lambda: syscall("modify_ldt", READ, buffer(64), 64)),
               ("a segment is made", lambda: syscall("modify_ldt", WRITE, entry, 16))])
`,
  },
  {
    ...head,
    name: 'map-page-zero',
    control: 'no-capabilities',
    title: 'map memory at address 0, where a null pointer of the kernel would lead',
    reference: 'proc_sys_vm(5), mmap_min_addr; CVE-2009-2692',
    expects: ['EPERM', 'EACCES', 'EINVAL', 'ENOMEM'],
    harmlessInGvisor: 'it is an address of the process only',
    program: `
PROT_READ, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS = 1, 2, 0x10, 0x20
refused(lambda: syscall("mmap", 0, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0), "page 0 is mapped")
`,
  },
  {
    ...head,
    name: 'terminal-inject',
    title: 'type into a terminal that others read',
    reference: 'ioctl_tty(2), TIOCSTI; CVE-2016-2568, CVE-2023-28339',
    expects: ['EPERM', 'EIO', 'ENOTTY'],
    harmlessInGvisor: 'only a terminal of its kernel’s own making was reached',
    program: `
TIOCSTI, TIOCSCTTY = 0x5412, 0x540e
def type_into(request):
    os.setsid()
    try:
        _, terminal = os.openpty()
    except OSError:
        # No terminal can be made: is the request itself let through?
        return syscall("ioctl", 0, request, b"x")
    attempt(lambda: syscall("ioctl", terminal, TIOCSCTTY, 0))
    syscall("ioctl", terminal, request, b"x")
first_refusal([("a character was typed into a terminal", lambda: type_into(TIOCSTI)),
               ("a character was typed by a request with high bits", lambda: type_into(1 << 32 | TIOCSTI))])
`,
  },
  {
    ...head,
    name: 'terminal-paste',
    title: 'paste into a console',
    reference: 'ioctl_console(2), TIOCLINUX; CVE-2023-1523',
    expects: ['EPERM'],
    harmlessInGvisor: 'its kernel has no console',
    program: `
TIOCLINUX = 0x541c
# ENOTTY is what anything but a console answers to a call that was let through.
let_through(lambda: syscall("ioctl", 0, TIOCLINUX, buffer(bytes([6]))), ["EINVAL", "ENOTTY"], "a console would have answered")
`,
  },
];
