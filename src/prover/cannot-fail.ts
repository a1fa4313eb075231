/** Reasons why this host stops an attack without any sandbox: then a blocked attack proves nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import type { HostFeatures } from '../sandbox/index.ts';

type Reason = (host: Pick<HostFeatures, 'kernel'>) => string | undefined;

/** The host has none of the paths that the attack opens. */
export function absentOnHost(paths: readonly string[]): Reason {
  return () =>
    paths.some((path) => existsSync(path)) ? undefined : `this host has no ${paths.join(' or ')}`;
}

/** The kernel was built without the option. Also undefined where the kernel doesn't publish its configuration. */
export function withoutOption(option: string): Reason {
  return () => {
    const config = kernelConfig();
    return config === undefined || config.includes(`\n${option}=`)
      ? undefined
      : `this kernel was built without ${option}`;
  };
}

/** The kernel no longer has the interface, or has the fix. */
export function kernelSince(version: string): Reason {
  return ({ kernel }) =>
    isSince(kernel, version) ? `the kernel is ${kernel}, which has the fix` : undefined;
}

/** @param kernel `6.18.44-arm64` @param version `6.8` */
export function isSince(kernel: string, version: string): boolean {
  const [have = 0, haveMinor = 0] = kernel.split(/[.-]/).map(Number);
  const [want = 0, wantMinor = 0] = version.split('.').map(Number);
  return have > want || (have === want && haveMinor >= wantMinor);
}

let known: string | undefined;
let isRead = false;

function kernelConfig(): string | undefined {
  if (isRead) return known;
  isRead = true;
  if (existsSync('/proc/config.gz')) known = gunzipSync(readFileSync('/proc/config.gz')).toString();
  const file = `/boot/config-${release()}`;
  if (known === undefined && existsSync(file)) known = readFileSync(file, 'utf8');
  return known;
}
