/**
 * The server's filter of system calls, as classic BPF (struct sock_filter: seccomp(2), linux/filter.h): calls that give
 * power over the machine or change it are refused with EPERM. A list of the calls that a JavaScript engine needs would
 * break with its next version.
 */

type Numbers = readonly [x64: number | undefined, arm64: number | undefined];

/** Numbers: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const refused: Readonly<Record<string, Numbers>> = {
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
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  name_to_handle_at: [303, 264],
  nfsservctl: [180, 42],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  perf_event_open: [298, 241],
  personality: [135, 92],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  process_madvise: [440, 440],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  quotactl: [179, 60],
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

/** AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 (linux/audit.h). */
const audited = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
/** Calls of the x32 ABI have this bit; the server is no such program. */
const x32Bit = 0x40000000;

/** Codes of BPF: a word of the data to the accumulator; a jump on it; an answer. */
const load = 0x20;
const jumpIfEqual = 0x15;
const jumpIfAtLeast = 0x35;
const jumpIfAny = 0x45;
const answer = 0x06;
const allow = 0x7fff0000;
/** SECCOMP_RET_ERRNO with EPERM. */
const refuse = 0x00050001;
/** With ENOSYS: the C library then uses the older call. */
const unknown = 0x00050026;
/** It may make processes and threads, and no namespaces. Their flags are in its first argument (sched.h). */
const clone = { x64: 56, arm64: 220 } as const;
const newNamespaces = 0x7e020080;
/** Its flags lie in memory, where a filter can't read them. */
const clone3 = 435;
/** Offsets in struct seccomp_data. */
const numberAt = 0;
const archAt = 4;
const firstArgumentAt = 16;

/** The program, as `setpriv --seccomp-filter` reads it. */
export function serverFilter(arch: 'x64' | 'arm64'): Buffer {
  const numbers = Object.values(refused).flatMap(([x64, arm64]) => (arch === 'x64' ? x64 : arm64) ?? []);
  const count = numbers.length;
  const steps: readonly (readonly [code: number, ifTrue: number, ifFalse: number, value: number])[] = [
    [load, 0, 0, archAt],
    // Another ABI than the native one: refused.
    [jumpIfEqual, 0, count + 7, audited[arch]],
    [load, 0, 0, numberAt],
    [jumpIfAtLeast, count + 5, 0, x32Bit],
    ...numbers.map((number, index) => [jumpIfEqual, count + 4 - index, 0, number] as const),
    [jumpIfEqual, 5, 0, clone3],
    [jumpIfEqual, 0, 2, clone[arch]],
    [load, 0, 0, firstArgumentAt],
    [jumpIfAny, 1, 0, newNamespaces],
    [answer, 0, 0, allow],
    [answer, 0, 0, refuse],
    [answer, 0, 0, unknown],
  ];
  const bytes = Buffer.alloc(steps.length * 8);
  for (const [index, [code, ifTrue, ifFalse, value]] of steps.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  }
  return bytes;
}
