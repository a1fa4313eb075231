/** Runs one Python program in a sandbox and collects its output. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { sandboxFault } from '../faults.ts';
import type { SandboxPolicy } from '../policy.ts';
import type { LocalSandboxHost } from '../sandbox-host.ts';
import type { Sandbox, SandboxExit } from '../types.ts';

/** Places of an interpreter; the first that exists is used. */
const interpreters = ['/usr/bin/python3', '/usr/bin/python3.13', '/usr/local/bin/python3'];

export interface ProbeProgram {
  readonly host: LocalSandboxHost;
  readonly rootDir: string;
  readonly policy: SandboxPolicy;
  readonly source: string;
  readonly args?: readonly string[];
  readonly codeDir?: string;
}

interface ProgramResult {
  readonly exit: SandboxExit;
  readonly stdout: string;
  readonly stderr: string;
}

export async function startProgram(program: ProbeProgram): Promise<Sandbox> {
  return program.host.start({
    rootDir: program.rootDir,
    args: [await interpreterOf(program.rootDir), '-I', '-c', program.source, ...(program.args ?? [])],
    env: { PATH: '/usr/bin', HOME: '/tmp' },
    cwd: '/',
    policy: program.policy,
    channel: 'none',
    ...(program.codeDir === undefined ? {} : { codeDir: program.codeDir }),
  });
}

/** Runs the program to its end; ends a program that hangs after 20 seconds. */
export async function runProgram(program: ProbeProgram): Promise<ProgramResult> {
  await using sandbox = await startProgram(program);
  const timer = setTimeout(() => void sandbox.destroy(), 20_000);
  const [exit, stdout, stderr] = await Promise.all([
    sandbox.exited,
    textOf(sandbox.stdout),
    textOf(sandbox.stderr),
  ]);
  clearTimeout(timer);
  return { exit, stdout, stderr };
}

async function interpreterOf(rootDir: string): Promise<string> {
  for (const path of interpreters) {
    if (await lstat(join(rootDir, path)).catch(() => undefined)) return path;
  }
  throw sandboxFault('REQUEST_UNSAFE', `${rootDir} has no Python`);
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) if (text.length < 65_536) text += String(chunk);
  return text;
}
