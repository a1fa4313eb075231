/** Ward's own suites on this host: the doctor, the attacks, and the end-to-end tests of sandboxes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type CommandResult, runCommand } from '../../../src/lib/index.ts';
import { strictPolicy } from '../../../src/sandbox/index.ts';
import type { Lsm } from '../boot.ts';
import { check, type Finding } from './report.ts';

const root = join(import.meta.dirname, '../../..');
const timeoutMs = 600_000;

const reportSchema = z.object({
  ok: z.boolean(),
  rows: z.array(z.object({ name: z.string(), proven: z.string(), evidence: z.string() })),
});
const proofSchema = z.object({ counts: z.record(z.string(), z.number()), milliseconds: z.number() });

export async function checkSuites(lsm: Lsm): Promise<void> {
  await check(`ward doctor proves ${lsm} and Landlock with all that is required`, () => doctor(lsm));
  await check(`ward prove ${attacks.join(', ')}: nothing escapes`, prove);
  for (const { file, names } of endToEnd[lsm]) await check(`${file} passes`, () => test(file, names));
}

/** Attacks that an LSM can affect, and one on memory that no cgroup of version 2 counts; all attacks take an emulated machine too long. */
const attacks = ['ptrace-*', 'mount-*', 'exec*', 'image-*-link', 'memory-netlink'];

interface Tests {
  readonly file: string;
  /** A pattern of the names of the tests to run. */
  readonly names?: string;
}

/** Under SELinux the machine's own /usr is no root for sandboxes, so there the images are used. */
const endToEnd: Readonly<Record<Lsm, readonly Tests[]>> = {
  apparmor: [{ file: 'src/sandbox/runtime/crun.test.ts' }],
  selinux: [{ file: 'test/sandbox-command.test.ts', names: 'passes stdin' }],
};

async function doctor(lsm: Lsm): Promise<Finding> {
  const config = '/run/doctor.yaml';
  const required = [...strictPolicy.required, 'landlock', lsm];
  await writeFile(config, JSON.stringify({ sandbox: { required } }));
  const { code, stdout, stderr } = await ward(['doctor', '-o', 'json', '--config', config]);
  if (stdout === '') throw new Error(stderr);
  const { ok, rows } = reportSchema.parse(JSON.parse(stdout));
  const told = rows.filter(
    ({ name, proven }) => name === lsm || (proven !== 'yes' && required.includes(name)),
  );
  return {
    ok: ok && code === 0 && rows.some(({ name, proven }) => name === lsm && proven === 'yes'),
    detail: told.map(({ name, proven, evidence }) => `${name} ${proven}: ${evidence}`).join('; '),
  };
}

async function prove(): Promise<Finding> {
  const only = attacks.flatMap((pattern) => ['--only', pattern]);
  const { code, stdout, stderr } = await ward(['prove', ...only, '-o', 'json']);
  if (stdout === '') throw new Error(stderr);
  const { counts, milliseconds } = proofSchema.parse(JSON.parse(stdout));
  const told = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
  return { ok: code === 0, detail: `${told.join(', ')} in ${milliseconds} ms ${stderr.slice(-1000)}`.trim() };
}

async function test(file: string, names: string | undefined): Promise<Finding> {
  const filter = names === undefined ? [] : ['--testNamePattern', names];
  const { code, stdout } = await run(['scripts/test.ts', file, ...filter]);
  const summary = /^\d+ passed, \d+ failed.*$/m.exec(stdout)?.[0] ?? 'no summary';
  return { ok: code === 0, detail: code === 0 ? summary : `${summary}\n${stdout.slice(-4000)}` };
}

function ward(args: readonly string[]): Promise<CommandResult> {
  return run(['bin/ward.mjs', ...args]);
}

function run(args: readonly string[]): Promise<CommandResult> {
  return runCommand([process.execPath, ...args], { cwd: root, timeoutMs });
}
