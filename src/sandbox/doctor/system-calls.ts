/** Numbers of the system calls that the doctor makes directly: the calls that libc refuses to make. */

type Numbers = Readonly<Record<string, readonly [x64: number, arm64: number | undefined]>>;

const numbers: Numbers = {
  io_uring_setup: [425, 425],
  clone3: [435, 435],
  memfd_create: [319, 279],
  clone: [56, 220],
  socket: [41, 198],
  ioctl: [16, 29],
  sethostname: [170, 161],
  mknodat: [259, 33],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  bpf: [321, 280],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  setns: [308, 268],
  unshare: [272, 97],
  open_by_handle_at: [304, 265],
  ptrace: [101, 117],
  process_vm_writev: [311, 271],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  userfaultfd: [323, 282],
  perf_event_open: [298, 241],
  fsopen: [430, 430],
  move_mount: [429, 429],
  open_tree: [428, 428],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  acct: [163, 89],
  quotactl: [179, 60],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  syslog: [103, 116],
};

/** Maps names to numbers on this architecture, without the calls that it doesn't have. */
export function systemCalls(arch: 'x64' | 'arm64'): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(numbers).flatMap(([name, [x64, arm64]]) => {
      const number = arch === 'x64' ? x64 : arm64;
      return number === undefined ? [] : [[name, number]];
    }),
  );
}
