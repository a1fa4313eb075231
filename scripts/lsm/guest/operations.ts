/**
 * Operations that only the LSM refuses. Each is tried in two sandboxes that differ only in the LSM: it must work in one and
 * be refused in the other, and the kernel must log the refusal.
 */
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from '../../../src/lib/index.ts';
import { runProgram } from '../../../src/sandbox/doctor/program.ts';
import { type LocalSandboxHost, shareWithSandboxes, strictPolicy } from '../../../src/sandbox/index.ts';
import { openKernelLog } from '../../../src/sandbox/lsm/kernel-log.ts';
import type { Lsm } from '../boot.ts';
import { check } from './report.ts';

/** Operation → a part of the kernel's log line about it. */
const operations: Readonly<Record<Lsm, Readonly<Record<string, RegExp>>>> = {
  apparmor: {
    'read /proc/self/mem': /operation="open".* name="\/proc\/1\/mem"/,
    'open /proc/CHILD/mem': /operation="open".* name="\/proc\/(?!1\/)\d+\/mem"/,
    'read /proc/self/pagemap': /operation="open".* name="\/proc\/1\/pagemap"/,
    'read /proc/self/syscall': /operation="open".* name="\/proc\/1\/syscall"/,
    'read /proc/self/numa_maps': /operation="open".* name="\/proc\/1\/numa_maps"/,
    'read /proc/self/mountstats': /operation="open".* name="\/proc\/1\/mountstats"/,
    'flock a file of the image': /operation="file_lock".* requested_mask="wk"/,
    'lock a range of a file of the image': /operation="file_lock".* requested_mask="k"/,
  },
  selinux: {
    'open /proc/CHILD/mem': /\{ ptrace \}.* tclass=process/,
    'map a device': /\{ map \}.* path="\/dev\/zero"/,
    'read /fn/foreign': /\{ read \}.* name="foreign".*:c1022,c1023 tclass=file/,
    'read /fn/home': /\{ read \}.* name="home".*:user_home_t:s0 tclass=file/,
    'read /fn/shadow': /\{ read \}.* name="shadow".*:shadow_t:s0 tclass=file/,
    'run /fn/tool': /\{ execute(_no_trans)? \}.* (name|path)="[^"]*tool"/,
  },
};

export async function checkOperations(host: LocalSandboxHost, lsm: Lsm, rootDir: string): Promise<void> {
  const codeDir = await mkdtemp(join(tmpdir(), 'operations-'));
  const source = await readFile(join(import.meta.dirname, 'operations.py'), 'utf8');
  const names = Object.keys(operations[lsm]);
  using log = openKernelLog();
  const attempt = async (label: 'auto' | undefined): Promise<Record<string, string>> => {
    const policy = { ...strictPolicy, apparmorProfile: label, selinuxLabel: label };
    const ran = await runProgram({ host, rootDir, codeDir, policy, source, args: [JSON.stringify(names)] });
    if (ran.exit.code !== 0) throw new Error(`${JSON.stringify(ran.exit)} ${ran.stderr}`);
    return JSON.parse(ran.stdout);
  };
  try {
    await fill(codeDir, lsm);
    const free = await attempt(undefined);
    log?.read(10_000);
    const confined = await attempt('auto');
    const said = log?.read(10_000) ?? [];
    for (const [name, line] of Object.entries(operations[lsm])) {
      await check(`only ${lsm} refuses to ${name}`, async () => {
        const audit = said.find((text) => line.test(text));
        return {
          ok: free[name] === 'ok' && confined[name] === 'EACCES' && audit !== undefined,
          detail: `without: ${free[name]}; with, as ${confined['label']}: ${confined[name]}`,
          audit: audit ?? said.filter((text) => text.includes('type=1400')).join('\n'),
        };
      });
    }
  } finally {
    await rm(codeDir, { recursive: true });
  }
}

/** By their modes, all users can read and run all of it. */
async function fill(codeDir: string, lsm: Lsm): Promise<void> {
  await chmod(codeDir, 0o755);
  for (const name of ['foreign', 'shadow', 'home'])
    await writeFile(join(codeDir, name), 'text\n', { mode: 0o644 });
  await copyFile('/bin/busybox', join(codeDir, 'tool'));
  await chmod(join(codeDir, 'tool'), 0o755);
  await shareWithSandboxes(codeDir);
  if (lsm !== 'selinux') return;
  const label = (name: string, type: string, level = 's0') =>
    mustRun(['chcon', `system_u:object_r:${type}:${level}`, join(codeDir, name)]);
  await label('foreign', 'container_file_t', 's0:c1022,c1023');
  await label('shadow', 'shadow_t');
  await label('home', 'user_home_t');
  await label('tool', 'user_home_t');
}
