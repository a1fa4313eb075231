/** Runs a whole Ward on this host: checks the labels of its functions, and its leftovers after a kill or a stop. */
import { readFile } from 'node:fs/promises';
import { mustRun } from '../../../src/lib/index.ts';
import { Ward } from '../../../test/ward.ts';
import type { Lsm } from '../boot.ts';
import { check, type Finding } from './report.ts';

const dataDir = '/var/lib/platform';
const code = 'def main(args): return {"label": open("/proc/self/attr/current").read().strip("\\0\\n")}';

export async function checkPlatform(lsm: Lsm): Promise<void> {
  await using ward = await Ward.start({}, dataDir);
  await check(`functions of Ward run under ${lsm}`, async () => {
    const labels = [await labelOf(ward, 'first'), await labelOf(ward, 'second')];
    return lsm === 'selinux' ? eachItsPair(labels) : allTheSame(labels);
  });
  if (lsm === 'apparmor')
    await check('Ward removes its profiles when it ends, and those of a killed one', () => leave(ward));
}

async function labelOf(ward: Ward, name: string): Promise<string> {
  const path = `/api/v1/namespaces/_/actions/${name}`;
  await ward.request('PUT', path, { body: { exec: { kind: 'python:3.13', code } } });
  const { status, body } = await ward.request('POST', `${path}?blocking=true&result=true`, { body: {} });
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body.label;
}

function eachItsPair(labels: readonly string[]): Finding {
  const isOwn = labels.every((label) => /^system_u:system_r:container_t:s0:c\d+,c\d+$/.test(label));
  return { ok: isOwn && new Set(labels).size === labels.length, detail: labels.join(' and ') };
}

function allTheSame(labels: readonly string[]): Finding {
  const isOwn = labels.every((label) => /^ward\.[a-z0-9-]+\.[0-9a-f]{12} \(enforce\)$/.test(label));
  return { ok: isOwn && new Set(labels).size === 1, detail: labels.join(' and ') };
}

async function profiles(): Promise<readonly string[]> {
  const text = await readFile('/sys/kernel/security/apparmor/profiles', 'utf8');
  return text.split('\n').filter((line) => line.startsWith('ward.'));
}

/** Leftovers of a kill: Ward's own profile, and one with other rules, like that of another version. */
async function leave(ward: Ward): Promise<Finding> {
  const [own = ''] = await profiles();
  const other = own.replace(/[0-9a-f]{12} \(enforce\)$/, '0123456789ab');
  await mustRun(['apparmor_parser', '--replace', '--skip-cache'], { input: `profile ${other} { / r, }\n` });
  await ward.kill();
  const left = await profiles();
  const next = await Ward.start({}, dataDir);
  const then = await profiles();
  await next[Symbol.asyncDispose]();
  const after = await profiles();
  return {
    ok: left.length === 2 && then.length === 1 && then[0] === own && after.length === 0,
    detail: `left: ${left.join(', ')}; while the next runs: ${then.join(', ')}; after it: ${after.length}`,
  };
}
