/**
 * Finds in the kernel's trace the system calls of processes under a seccomp filter. A process is under one from its own
 * `seccomp(SECCOMP_SET_MODE_FILTER)` on, and so are its children: calls of the OCI runtime before that don't belong to
 * the program. Programs choose the names of processes in the lines; a forged line could only keep a call in the profile
 * that the strict list allows anyway.
 */
const entered = /-(\d+)\s+\[\d+\] .*?: sys_enter: NR (-?\d+) \(([0-9a-f]+)/;
const forked = /-\d+\s+\[\d+\] .*: sched_process_fork: .*\bpid=(\d+) .*\bchild_pid=(\d+)\s*$/;
const lost = /LOST (\d+) EVENTS/;

const filterCalls = { x64: 317, arm64: 277 } as const;
const prctlCalls = { x64: 157, arm64: 167 } as const;
const setModeFilter = '1';
/** PR_SET_SECCOMP, in hexadecimal. */
const setSeccomp = '16';

export class TraceReader {
  readonly numbers = new Set<number>();
  /** The number of events that the kernel had no room for. */
  lost = 0;
  readonly #filtered = new Set<string>();
  readonly #arch: 'x64' | 'arm64';
  #rest = '';

  constructor(arch: 'x64' | 'arm64') {
    this.#arch = arch;
  }

  /** @param text the next piece of the trace, which may end in the middle of a line */
  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    const call = entered.exec(line);
    if (call) {
      this.#call(call[1] ?? '', Number(call[2]), call[3] ?? '');
      return;
    }
    const fork = forked.exec(line);
    if (fork && this.#filtered.has(fork[1] ?? '')) this.#filtered.add(fork[2] ?? '');
    else this.lost += Number(lost.exec(line)?.[1] ?? 0);
  }

  #call(pid: string, number: number, first: string): void {
    if (this.#filtered.has(pid)) {
      if (number >= 0) this.numbers.add(number);
      return;
    }
    const isFilter =
      (number === filterCalls[this.#arch] && first === setModeFilter) ||
      (number === prctlCalls[this.#arch] && first === setSeccomp);
    if (isFilter) this.#filtered.add(pid);
  }
}
