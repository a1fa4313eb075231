/** Ward's own commands on this host: the doctor, the attacks, and a sandbox that is started by hand. */
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
  await check(`ward sandbox run runs under ${lsm}`, () => runByHand(lsm));
}

/** Attacks that an LSM can affect, and one on memory that no cgroup of version 2 counts; all attacks take an emulated machine too long. */
const attacks = ['ptrace-*', 'mount-*', 'exec*', 'image-*-link', 'memory-netlink'];

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

async function runByHand(lsm: Lsm): Promise<Finding> {
  const label = 'open("/proc/self/attr/current").read().strip("\\0\\n")';
  const code = `import sys; print(sys.stdin.read(), ${label}); sys.exit(7)`;
  const argv = ['sandbox', 'run', 'python:3.13', '--', 'python3', '-c', code];
  const { code: exitCode, stdout, stderr } = await ward(argv, 'input');
  const expected = lsm === 'selinux' ? /^input \S+:container_t:\S+\n$/ : /^input ward\.\S+ \(enforce\)\n$/;
  return {
    ok: exitCode === 7 && expected.test(stdout),
    detail: `${stdout.trim()} ${stderr.slice(-1000)}`.trim(),
  };
}

function ward(args: readonly string[], input = ''): Promise<CommandResult> {
  return runCommand([process.execPath, 'bin/ward.mjs', ...args], { cwd: root, timeoutMs, input });
}
