/** Identity and capabilities: to become somebody who may more, or to shed what holds one in. */
import type { Technique } from '../types.ts';

const head = { vector: 'escape' } as const;

const status = `
def status(name):
    for line in read("/proc/self/status", 8192).decode().split(chr(10)):
        if line.startswith(name + ":"):
            return line.split(":", 1)[1].strip()
    return ""
`;

export const privilegeTechniques: readonly Technique[] = [
  {
    ...head,
    control: 'seccomp',
    name: 'setuid-root',
    title: 'become root',
    reference: 'setuid(2)',
    expects: ['EPERM'],
    program: `
refused(lambda: syscall("setuid", 0), "the process is root")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'setresuid-other',
    title: 'become another user',
    reference: 'setresuid(2)',
    expects: ['EPERM'],
    program: `
refused(lambda: syscall("setresuid", 12345, 12345, 12345), "the process is user 12345")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'setgid-root',
    title: 'become a member of the group root',
    reference: 'setgid(2)',
    expects: ['EPERM'],
    program: `
refused(lambda: syscall("setgid", 0), "the process is in the group root")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'setgroups-drop',
    title: 'leave groups, past rules that deny a group access',
    reference: 'setgroups(2), CVE-2014-8989',
    expects: ['EPERM'],
    program: `
refused(lambda: syscall("setgroups", 0, None), "all supplementary groups are left")
`,
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'capset-all',
    title: 'take all capabilities',
    reference: 'capset(2)',
    expects: ['EPERM'],
    program: `
VERSION_3 = 0x20080522
everything = struct.pack("IIIIII", 0xffffffff, 0xffffffff, 0, 0x1ff, 0x1ff, 0)
refused(lambda: syscall("capset", struct.pack("Ii", VERSION_3, 0), everything), "all capabilities are effective")
`,
  },
  {
    ...head,
    control: 'no-capabilities',
    name: 'capabilities-held',
    title: 'hold a capability in any set',
    reference: 'capabilities(7)',
    expects: ['absent'],
    program: `${status}
sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
held = [name + " " + status(name) for name in sets if int(status(name) or "0", 16) != 0]
if held:
    escaped(", ".join(held))
blocked("absent", "all sets are empty")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'capability-ambient',
    title: 'keep a capability over the start of a program',
    reference: 'prctl(2), PR_CAP_AMBIENT_RAISE',
    expects: ['EPERM', 'EINVAL'],
    program: `
PR_CAP_AMBIENT, RAISE, CAP_CHOWN = 47, 2, 0
refused(lambda: syscall("prctl", PR_CAP_AMBIENT, RAISE, CAP_CHOWN, 0, 0), "an ambient capability is raised")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'secure-bits',
    title: 'change how root gets capabilities',
    reference: 'prctl(2), PR_SET_SECUREBITS',
    expects: ['EPERM', 'EINVAL'],
    program: `
PR_SET_SECUREBITS = 28
refused(lambda: syscall("prctl", PR_SET_SECUREBITS, 0, 0, 0, 0), "the secure bits may be set")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'process-name-forge',
    title: 'change the kernel’s record of one’s own memory and program',
    reference: 'prctl(2), PR_SET_MM',
    expects: ['EPERM', 'EINVAL'],
    program: `
PR_SET_MM, PR_SET_MM_START_STACK, PR_SET_MM_MAP_SIZE = 35, 5, 15
size = buffer(4)
refused(lambda: syscall("prctl", PR_SET_MM, PR_SET_MM_MAP_SIZE, size, 0, 0), "PR_SET_MM is let through")
`,
  },
  {
    ...head,
    control: 'no-new-privileges',
    name: 'no-new-privileges-unset',
    title: 'allow new privileges again',
    reference: 'prctl(2), PR_SET_NO_NEW_PRIVS',
    expects: ['EINVAL', 'EPERM'],
    program: `
PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 38, 39
answer = attempt(lambda: syscall("prctl", PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0))
if syscall("prctl", PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0:
    escaped("programs may give new privileges")
blocked("EINVAL" if answer == "ok" else answer, "no_new_privs is still set")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'seccomp-disable',
    title: 'turn the filter of system calls off',
    reference: 'prctl(2), PR_SET_SECCOMP',
    expects: ['EPERM', 'EINVAL'],
    program: `${status}
PR_SET_SECCOMP = 22
answers = [attempt(lambda: syscall("prctl", PR_SET_SECCOMP, 0, 0, 0, 0)), attempt(lambda: syscall("seccomp", 0, 1, None))]
if status("Seccomp") != "2":
    escaped("no filter is active: Seccomp " + status("Seccomp"))
blocked(answers[0] if answers[0] != "ok" else "EINVAL", "the filter is still active")
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'seccomp-listener',
    title: 'answer one’s own system calls from outside of the filter',
    reference: 'seccomp(2), SECCOMP_FILTER_FLAG_NEW_LISTENER',
    expects: ['EPERM', 'EINVAL'],
    program: `
SET_MODE_FILTER, NEW_LISTENER, RET_ALLOW = 1, 8, 0x7fff0000
instruction = buffer(struct.pack("HBBI", 6, 0, 0, RET_ALLOW))
first_refusal([("a listener is open", lambda: syscall("seccomp", SET_MODE_FILTER, NEW_LISTENER, struct.pack("HxxxxxxP", 1, ctypes.addressof(instruction))))])
`,
  },
  {
    ...head,
    control: 'seccomp',
    name: 'personality',
    title: 'turn address randomisation off',
    reference: 'personality(2), ADDR_NO_RANDOMIZE',
    expects: ['EPERM', 'EINVAL'],
    program: `
ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC = 0x40000, 0x400000
refused(lambda: syscall("personality", ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC), "addresses are the same in each process, and what can be read can be run")
`,
  },
  {
    ...head,
    control: 'landlock',
    name: 'landlock-widen',
    title: 'widen what Landlock allows with a ruleset of one’s own',
    reference: 'landlock(7)',
    expects: ['EACCES', 'EPERM', 'EROFS'],
    harmlessInGvisor: 'there is no Landlock; what was opened is an own file of its kernel',
    program: `
WRITE_FILE, PATH_BENEATH = 2, 1
def widen():
    ruleset = syscall("landlock_create_ruleset", struct.pack("Q", WRITE_FILE), 8, 0)
    folder = os.open("/", os.O_PATH)
    syscall("landlock_add_rule", ruleset, PATH_BENEATH, struct.pack("=Qi", WRITE_FILE, folder), 0)
    syscall("landlock_restrict_self", ruleset, 0)
answer = attempt(widen)
refused(lambda: open_for_write("/proc/self/comm"), "a file of /proc was opened for writing; the ruleset: " + answer)
`,
  },
  {
    ...head,
    control: 'landlock',
    name: 'landlock-detour',
    title: 'go round Landlock by links of /proc',
    reference: 'landlock(7), proc_pid_root(5), proc_pid_cwd(5)',
    expects: ['EACCES', 'EPERM', 'EROFS'],
    harmlessInGvisor: 'there is no Landlock; what was opened is an own file of its kernel',
    program: `
root = os.open("/", os.O_PATH)
ways = ["/proc/self/root/proc/self/comm", "/proc/self/cwd/proc/self/comm", "/proc/self/fd/" + str(root) + "/proc/self/comm",
        "/tmp/../proc/self/comm"]
os.symlink("/proc/self/comm", "/tmp/link")
first_refusal([(way + " was opened for writing", lambda way=way: open_for_write(way)) for way in ways + ["/tmp/link"]])
`,
  },
];
