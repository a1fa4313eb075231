/**
 * How long a thread may have a processor that others want, too (EEVDF, sched(7); `sched_runtime` of sched_setattr(2) since
 * Linux 6.12, which older kernels ignore). The kernel's own slice is some milliseconds. Whoever has a shorter one is let in
 * sooner when it wakes up, and makes way sooner when others do.
 */

const shortNs = 200_000;

/** The command that gives the short one to a thread. What it starts inherits it, unless `isReset`. */
export function shortSliceArgv(threadId: number, isReset: boolean): string[] {
  const flags = isReset ? ['--reset-on-fork'] : [];
  return [
    ...['/usr/bin/chrt', '--other', ...flags],
    ...['--sched-runtime', String(shortNs), '--pid', '0', String(threadId)],
  ];
}
