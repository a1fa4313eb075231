/** The runtime itself, which is root on the host: the descriptors it leaves open, and where and what it starts. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../lib/index.ts';
import type { Sandbox } from '../../sandbox/index.ts';
import { endOf } from '../program.ts';
import { programText } from '../programs.ts';
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = { vector: 'escape' } as const;

export const runtimeTechniques: readonly Technique[] = [
  {
    ...head,
    control: 'mount-namespace',
    name: 'leaked-descriptors',
    title: 'find files that the runtime left open',
    reference: 'CVE-2024-21626 (Leaky Vessels), CVE-2016-9962',
    expects: ['absent'],
  },
  {
    ...head,
    control: 'request-check',
    name: 'working-directory',
    title: 'start in a folder of the host, through a descriptor that the runtime has open',
    reference: 'CVE-2024-21626 (Leaky Vessels)',
    expects: ['refused', 'ENOENT', 'EACCES', 'ENOTDIR'],
    run: startInDescriptor,
  },
  {
    ...head,
    control: 'mount-namespace',
    name: 'working-directory-link',
    title: 'the same, through a link in the image',
    reference: 'CVE-2024-21626 (Leaky Vessels)',
    expects: ['refused', 'ENOENT', 'EACCES', 'ENOTDIR'],
    run: startBehindLink,
  },
  {
    ...head,
    control: 'landlock',
    name: 'runtime-as-program',
    title: 'make the runtime start itself, so that its file can be overwritten',
    reference: 'CVE-2019-5736',
    expects: ['refused'],
    run: startRuntime,
  },
];

/** Descriptors that runtimes have left open: of the control groups, the bundle and the root. */
const descriptors = [3, 6, 7, 8] as const;

async function startInDescriptor({ run }: HostContext): Promise<AttackAnswer> {
  return await firstEscape(
    descriptors.map(
      (number) => () => run(programText('escape/working-directory'), { cwd: `/proc/self/fd/${number}` }),
    ),
  );
}

/** Does the same through a link in the image, which no request shows. */
async function startBehindLink({ run, rootWith }: HostContext): Promise<AttackAnswer> {
  const rootDir = await rootWith(async (layer) => {
    for (const number of descriptors) await symlink(`/proc/self/fd/${number}`, join(layer, `cwd-${number}`));
  });
  return await firstEscape(
    descriptors.map(
      (number) => () => run(programText('escape/working-directory'), { rootDir, cwd: `/cwd-${number}` }),
    ),
  );
}

/** The first escape, or the answer of the last attempt. A sandbox that doesn't start is a refusal. */
async function firstEscape(attempts: readonly (() => Promise<AttackAnswer>)[]): Promise<AttackAnswer> {
  let last: AttackAnswer = { outcome: 'BLOCKED', answer: 'refused', detail: '' };
  for (const attempt of attempts) {
    last = await attempt().catch((error: unknown) => ({
      outcome: 'BLOCKED',
      answer: 'refused',
      detail: messageOf(error),
    }));
    if (last.outcome === 'ESCAPED') return last;
  }
  return last;
}

async function startRuntime({ host, policy, rootDir, signal }: HostContext): Promise<AttackAnswer> {
  let sandbox: Sandbox;
  try {
    const args = ['/proc/self/exe', '--version'];
    sandbox = await host.start({ rootDir, args, env: {}, cwd: '/', policy, channel: 'none' });
  } catch (error) {
    return { outcome: 'BLOCKED', answer: 'refused', detail: messageOf(error) };
  }
  await using started = sandbox;
  let said = '';
  started.stdout.on('data', (chunk: Buffer) => {
    said += String(chunk).slice(0, 4096);
  });
  const programResult = await endOf(started, signal);
  if (/crun|runc|runsc/.test(said)) return { outcome: 'ESCAPED', detail: `it ran: ${said.slice(0, 100)}` };
  return { outcome: 'BLOCKED', answer: 'refused', detail: said.slice(0, 100) || programResult.detail };
}
