/**
 * Ward's filters of system calls for its own processes, as classic BPF (struct sock_filter: seccomp(2),
 * linux/filter.h). Calls that control or change the machine are refused to all processes with EPERM; calls that a
 * process does not need are refused to that process. An allow list of a JavaScript engine's calls would break with
 * its next version.
 */
import { mkdtempSync, openSync, readlinkSync, rmSync, writeSync } from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Rights that a process needs besides reading and computing. */
export interface CallRights {
  /**
   * Can start processes. Without it a process has only threads, though a filter can't prevent it from executing
   * another program.
   */
  readonly startsProcesses: boolean;
  /** Can create sockets. Without it a process has only inherited ones, and pairs if it starts processes. */
  readonly opensSockets: boolean;
}

type Numbers = readonly [x64: number | undefined, arm64: number | undefined];

/** Numbers: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const power: Readonly<Record<string, Numbers>> = {
  acct: [163, 89],
  add_key: [248, 217],
  adjtimex: [159, 171],
  bpf: [321, 280],
  chroot: [161, 51],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  delete_module: [176, 106],
  fanotify_init: [300, 262],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  init_module: [175, 105],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  ioperm: [173, undefined],
  iopl: [172, undefined],
  kcmp: [312, 272],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  lookup_dcookie: [212, 18],
  migrate_pages: [256, 238],
  modify_ldt: [154, undefined],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  move_pages: [279, 239],
  name_to_handle_at: [303, 264],
  nfsservctl: [180, 42],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  open_tree_attr: [467, 467],
  perf_event_open: [298, 241],
  personality: [135, 92],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  process_madvise: [440, 440],
  process_mrelease: [448, 448],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  request_key: [249, 218],
  setdomainname: [171, 162],
  sethostname: [170, 161],
  setns: [308, 268],
  settimeofday: [164, 170],
  swapoff: [168, 225],
  swapon: [167, 224],
  syslog: [103, 116],
  umount2: [166, 39],
  unshare: [272, 97],
  userfaultfd: [323, 282],
  vhangup: [153, 58],
};

/**
 * Refused to every process that reads one input and answers: kinds of memory, queues and signals that it does not
 * need.
 */
const needless: Readonly<Record<string, Numbers>> = {
  execveat: [322, 281],
  io_cancel: [210, 3],
  io_destroy: [207, 1],
  io_getevents: [208, 4],
  io_pgetevents: [333, 292],
  io_setup: [206, 0],
  io_submit: [209, 2],
  memfd_create: [319, 279],
  memfd_secret: [447, 447],
  mq_getsetattr: [245, 185],
  mq_notify: [244, 184],
  mq_open: [240, 180],
  mq_timedreceive: [243, 183],
  mq_timedsend: [242, 182],
  mq_unlink: [241, 181],
  msgctl: [71, 187],
  msgget: [68, 186],
  msgrcv: [70, 188],
  msgsnd: [69, 189],
  pidfd_open: [434, 434],
  pidfd_send_signal: [424, 424],
  rt_sigqueueinfo: [129, 138],
  rt_tgsigqueueinfo: [297, 240],
  semctl: [66, 191],
  semget: [64, 190],
  semop: [65, 193],
  semtimedop: [220, 192],
  shmat: [30, 196],
  shmctl: [31, 195],
  shmdt: [67, 197],
  shmget: [29, 194],
  splice: [275, 76],
  tee: [276, 77],
  vmsplice: [278, 75],
};

const making: Readonly<Record<string, Numbers>> = {
  fork: [57, undefined],
  vfork: [58, undefined],
};

const sockets: Readonly<Record<string, Numbers>> = {
  accept: [43, 202],
  accept4: [288, 242],
  bind: [49, 200],
  connect: [42, 203],
  listen: [50, 201],
  socket: [41, 198],
};

/** Calls that are decided by their arguments. */
const clone = [56, 220] as const;
const clone3 = [435, 435] as const;
const ioctl = [16, 29] as const;
const socketpair = [53, 199] as const;

/** Flags of clone, its first argument (sched.h): every CLONE_NEW…, and CLONE_THREAD. */
const newNamespaces = 0x7e020080;
const thread = 0x00010000;
/**
 * TIOCSTI and TIOCLINUX type into a terminal; TIOCSETD makes the kernel load a line discipline
 * (asm-generic/ioctls.h).
 */
const terminalRequests = [0x5412, 0x541c, 0x5423];
const afUnix = 1;

/** AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 (linux/audit.h). */
const audited = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
/** Calls of the x32 ABI, which Ward does not use, have this bit. */
const x32Bit = 0x40000000;

/** Codes of BPF: load a word of the data; jump on it; return. */
const load = 0x20;
const jumpIfEqual = 0x15;
const jumpIfAtLeast = 0x35;
const jumpIfAny = 0x45;
const answer = 0x06;
/** SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EPERM; with ENOSYS, so that the C library uses the older call. */
const answers = { allow: 0x7fff0000, refuse: 0x00050001, unknown: 0x00050026 } as const;
/** Offsets in struct seccomp_data; of an argument only the lower word, which is enough for these calls. */
const numberAt = 0;
const archAt = 4;
const argumentAt = (index: number) => 16 + 8 * index;

/** The target of a jump: a number of steps ahead, or an answer. */
type Target = number | keyof typeof answers;
type Instruction = readonly [code: number, value: number, ifTrue: Target, ifFalse: Target];
type Arch = keyof typeof audited;

/**
 * The program in the format of `setpriv --seccomp-filter`. @param rights undefined: those of the server, which has
 * all
 */
export function systemCallFilter(of: Arch, rights?: CallRights): Buffer {
  const column = of === 'x64' ? 0 : 1;
  const { startsProcesses, opensSockets } = rights ?? { startsProcesses: true, opensSockets: true };
  const refused = [
    ...Object.values(power),
    ...(rights === undefined ? [] : Object.values(needless)),
    ...(startsProcesses ? [] : Object.values(making)),
    ...(opensSockets ? [] : Object.values(sockets)),
    ...(opensSockets || startsProcesses ? [] : [socketpair]),
  ];
  const when = (
    call: readonly [x64: number, arm64: number],
    argument: number,
    tests: readonly Instruction[],
  ): readonly Instruction[] => [
    [jumpIfEqual, call[column], 0, tests.length + 2],
    [load, argumentAt(argument), 0, 0],
    ...tests,
    [answer, answers.allow, 0, 0],
  ];
  return assemble([
    [load, archAt, 0, 0],
    // Refuses any ABI but the native one.
    [jumpIfEqual, audited[of], 0, 'refuse'],
    [load, numberAt, 0, 0],
    [jumpIfAtLeast, x32Bit, 'refuse', 0],
    ...refused.flatMap((numbers): readonly Instruction[] => {
      const number = numbers[column];
      return number === undefined ? [] : [[jumpIfEqual, number, 'refuse', 0]];
    }),
    // Its flags are in memory, where a filter can't read them.
    [jumpIfEqual, clone3[column], 'unknown', 0],
    ...when(clone, 0, [
      [jumpIfAny, newNamespaces, 'refuse', 0],
      ...(startsProcesses ? [] : [[jumpIfAny, thread, 0, 'refuse'] as const]),
    ]),
    ...when(
      ioctl,
      1,
      terminalRequests.map((request) => [jumpIfEqual, request, 'refuse', 0]),
    ),
    ...(opensSockets ? [] : when(socketpair, 0, [[jumpIfEqual, afUnix, 0, 'refuse']])),
  ]);
}

function assemble(steps: readonly Instruction[]): Buffer {
  const ends = Object.keys(answers);
  const bytes = Buffer.alloc((steps.length + ends.length) * 8);
  const put = (index: number, code: number, value: number, ifTrue = 0, ifFalse = 0) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  };
  for (const [index, [code, value, ...targets]] of steps.entries()) {
    const distance = (target: Target) =>
      typeof target === 'number' ? target : steps.length + ends.indexOf(target) - index - 1;
    put(index, code, value, ...targets.map(distance));
  }
  for (const [index, value] of Object.values(answers).entries()) put(steps.length + index, answer, value);
  return bytes;
}

/** The filter for this machine. */
export function systemCallFilterHere(rights?: CallRights): Buffer {
  return systemCallFilter(arch() === 'arm64' ? 'arm64' : 'x64', rights);
}

const held = new Map<string, string>();

/**
 * A path to the filter that a child of this process can open while it still runs as the same user. The file has no
 * name in any folder, so it disappears with this process.
 */
export function systemCallFilterPath(rights: CallRights): string {
  const key = JSON.stringify([rights.startsProcesses, rights.opensSockets]);
  const path = held.get(key) ?? hold(systemCallFilterHere(rights));
  held.set(key, path);
  return path;
}

function hold(bytes: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'ward-filter-'));
  try {
    const descriptor = openSync(join(folder, 'filter'), 'wx+', 0o600);
    writeSync(descriptor, bytes);
    // The id of this process in /proc, which can belong to another pid namespace.
    return `/proc/${readlinkSync('/proc/self')}/fd/${descriptor}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
