/**
 * What a process that reads hostile things is started by, so that whoever takes it over has as little as can be: no
 * capability and no way to one, no network, and nothing to write to but its own compile cache. What the starter may not
 * take away, or the host can't, stays: whoever has no privileges has none to give up.
 * Sources: capabilities(7), landlock(7), setpriv(1), unshare(1).
 */
import { readFileSync } from 'node:fs';
import { runCommand } from '../../lib/index.ts';

/** The words before the program's, which keep the process id. */
export type Confinement = (writable: string | undefined) => readonly string[];

const setpriv = '/usr/bin/setpriv';
const setPcap = 8;
const sysAdmin = 21;
const readOnly = ['--landlock-access', 'fs', '--landlock-rule', 'path-beneath:execute,read-file,read-dir:/'];
const writing = 'write-file,truncate,make-reg,make-dir,remove-file';

/** Finds out what can be taken away here. Never throws. */
export async function findConfinement(): Promise<Confinement> {
  const held = heldCapabilities();
  const knowsLandlock = await works([setpriv, ...readOnly, '--', '/bin/true']);
  return (writable) => [
    ...(held.has(sysAdmin) ? ['/usr/bin/unshare', '--net', '--'] : []),
    ...[setpriv, '--pdeathsig', 'KILL', '--no-new-privs'],
    ...(held.has(setPcap) ? ['--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'] : []),
    ...(knowsLandlock ? readOnly : []),
    ...(knowsLandlock && writable !== undefined
      ? ['--landlock-rule', `path-beneath:${writing}:${writable}`]
      : []),
    '--',
  ];
}

/** By number. */
function heldCapabilities(): ReadonlySet<number> {
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const bits = BigInt(`0x${effective}`);
  return new Set([setPcap, sysAdmin].filter((number) => (bits >> BigInt(number)) & 1n));
}

async function works(argv: readonly string[]): Promise<boolean> {
  const result = await runCommand(argv).catch(() => undefined);
  return result?.code === 0;
}
