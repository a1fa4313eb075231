/**
 * Renders the AppArmor profile of a sandbox from the policy. Pure. The name contains the instance, so that two Wards of
 * a machine never replace each other's profile, and a digest of the text, so that a name always means the same rules.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxPolicy, TmpfsPolicy } from '../policy.ts';

interface AppArmorProfile {
  readonly name: string;
  readonly text: string;
}

interface ProfileContext {
  readonly instance: string;
  /** The version of the features that the rules are written for, as in `abi <abi/4.0>`. */
  readonly abi: '3.0' | '4.0';
}

export function apparmorProfile(policy: SandboxPolicy, { instance, abi }: ProfileContext): AppArmorProfile {
  const body = template
    .replaceAll('@ABI@', abi)
    .replaceAll('@PROC@', '/proc')
    .replace('@RULES@', rulesOf(policy).join('\n'));
  const digest = createHash('sha256').update(body).digest('hex').slice(0, 12);
  const name = `${prefixOf(instance)}${digest}`;
  return { name, text: body.replaceAll('@NAME@', name) };
}

/** Tells whether a Ward of this name made a loaded profile. */
export function isProfileOf(instance: string, name: string): boolean {
  return name.startsWith(prefixOf(instance)) && /^[0-9a-f]{12}$/.test(name.slice(prefixOf(instance).length));
}

const template = readFileSync(
  join(import.meta.dirname, '../../../policies/apparmor/sandbox.profile'),
  'utf8',
);

/** The name of an instance has no dot. */
function prefixOf(instance: string): string {
  return `ward.${instance}.`;
}

function rulesOf(policy: SandboxPolicy): string[] {
  return [
    ...policy.tmpfs.flatMap(tmpfsRules),
    ...policy.maskedPaths.map((path) => `  audit deny ${pattern(path)}{,/**} rwlk,`),
    ...policy.readonlyPaths.map((path) => `  audit deny ${pattern(path)}{,/**} wl,`),
    // The policy writes CAP_CHOWN, AppArmor chown.
    ...policy.capabilities.map((name) => `  capability ${name.slice('CAP_'.length).toLowerCase()},`),
  ];
}

function tmpfsRules({ path, exec }: TmpfsPolicy): string[] {
  const writable = [`  ${pattern(path)}/ rw,`, `  ${pattern(path)}/** rwkl,`];
  return exec ? writable : [...writable, `  audit deny ${pattern(path)}/** mx,`];
}

/** Writes a path as an AppArmor pattern: `?` replaces each character that has a meaning in patterns. */
function pattern(path: string): string {
  return Buffer.from(path, 'utf8')
    .toString('latin1')
    .replaceAll(/[^A-Za-z0-9/._+-]/g, '?');
}
