/**
 * The settings file of OpenWhisk's own client, `~/.wskprops` (or the file that WSK_CONFIG_FILE names): `NAME=value`
 * lines. Ward keeps lines that it does not know; only the owner can read the file.
 */
import { readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, messageOf } from '../lib/index.ts';
import { cliFault } from './faults.ts';

export type WskProperties = Readonly<Record<string, string>>;

const maxBytes = 64 * 1024;

export function wskpropsPath(env: NodeJS.ProcessEnv): string {
  return env['WSK_CONFIG_FILE'] || join(env['HOME'] || homedir(), '.wskprops');
}

/** The file of `ward login` beside the settings file. */
export function loginPath(wskprops: string): string {
  return `${wskprops}.login`;
}

/** Empty when the file does not exist. @throws Fault SETTING_INVALID when it can't be read */
export function readWskprops(path: string): WskProperties {
  return parseWskprops(readText(path));
}

export function parseWskprops(text: string): WskProperties {
  const entries = text.split('\n').flatMap((line) => {
    const name = nameOf(line);
    return name === undefined ? [] : [[name, line.slice(line.indexOf('=') + 1).trim()] as const];
  });
  return Object.fromEntries(entries);
}

/**
 * Sets the given names, or removes those with undefined. The caller has the lock (`settings-lock.ts`).
 * @throws Fault SETTING_INVALID, FILE_NOT_WRITTEN
 */
export async function updateWskprops(
  path: string,
  changes: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const kept = readText(path)
    .split('\n')
    .filter((line) => line.trim() !== '' && !Object.hasOwn(changes, nameOf(line) ?? ''));
  const added = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  await replacePrivateFile(path, [...kept, ...added, ''].join('\n'));
}

/**
 * Replaces a file atomically, readable by its owner only. Only one process at a time may do so: an interrupted one leaves
 * its draft to the next.
 * @throws Fault FILE_NOT_WRITTEN
 */
export async function replacePrivateFile(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  try {
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (cause) {
    throw cliFault('FILE_NOT_WRITTEN', `${path} can't be written: ${messageOf(cause)}`, { cause });
  }
}

function readText(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length <= maxBytes) return text;
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return '';
    throw cliFault('SETTING_INVALID', `${path} can't be read: ${messageOf(cause)}`, { cause });
  }
  throw cliFault('SETTING_INVALID', `${path} is larger than ${maxBytes} bytes`);
}

function nameOf(line: string): string | undefined {
  return /^\s*([A-Z_a-z]\w*)\s*=/.exec(line)?.[1]?.toUpperCase();
}
