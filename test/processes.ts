/** The two processes of a Ward, or of a command by hand: root's, and the one without rights. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { runCommand } from '../src/lib/index.ts';

export interface Process {
  readonly pid: number;
  readonly status: Readonly<Record<string, string>>;
}

/**
 * @param top the process that a user sees
 * @param word a word of the command line
 * @throws Error unless both processes exist
 */
export function processesBelow(top: number, word = 'up'): readonly [keeper: Process, server: Process] {
  const nodes = wardsBelow(top, word);
  const keeper = nodes.find(({ status }) => uidOf(status) === '0');
  const server = nodes.find(({ status }) => uidOf(status) !== '0');
  if (keeper === undefined || server === undefined) throw new Error('could not find both processes');
  return [keeper, server];
}

/** Ward's own processes below one, and itself: two, or one without sandboxes. */
export function wardsBelow(top: number, word = 'up'): readonly Process[] {
  const isWard = ({ pid }: Process) =>
    commandOf(pid).includes(`\0${word}\0`) && /^[^\0]*\/node\0/.test(commandOf(pid));
  return allBelow(top).filter(isWard);
}

/** The processes that scan for a Ward. */
export function scansBelow(top: number): readonly Process[] {
  return allBelow(top).filter(({ pid }) => commandOf(pid).includes('/scanner/processes/program.ts\0'));
}

/** A process and its descendants. */
function allBelow(top: number): readonly Process[] {
  const found = readdirSync('/proc').flatMap((name) => processAt(Number(name)));
  const isBelow = ({ status }: Process, pid: number): boolean => {
    const parent = Number(status['PPid']);
    const above = found.find((each) => each.pid === parent);
    return parent === pid || (above !== undefined && isBelow(above, pid));
  };
  return found.filter((each) => each.pid === top || isBelow(each, top));
}

/** Expects the user `ward`, only these capabilities, no new privileges and a filter of system calls. */
export async function expectNoRights({ status }: Process, capabilities = '0000000000000000'): Promise<void> {
  const { stdout } = await runCommand(['id', '--user', 'ward']);
  expect(status['Uid']?.split('\t')).toEqual(Array(4).fill(stdout.trim()));
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
    expect([set, status[set]]).toEqual([set, capabilities]);
  expect(status).toMatchObject({ NoNewPrivs: '1', Seccomp: '2', Groups: ' ' });
}

function processAt(pid: number): Process[] {
  try {
    const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
    const fields = lines.map((line) => line.split(':\t') as [string, string]);
    return [{ pid, status: Object.fromEntries(fields) }];
  } catch {
    return [];
  }
}

const uidOf = (status: Process['status']) => status['Uid']?.split('\t')[0];

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
