/**
 * What `ward login` keeps beside the settings file, for one login at a time: whose key is in the settings, until when it
 * works, and how to get the next one. Only the owner can read it.
 */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { z } from 'zod';
import type { Settings } from '../settings.ts';
import { loginPath, readWskprops, replacePrivateFile } from '../wskprops.ts';

const loginSchema = z.object({
  apihost: z.string(),
  /** Absent: the token came from a file. */
  client: z.object({ issuer: z.string(), clientId: z.string() }).optional(),
  namespace: z.string(),
  keyId: z.string(),
  /** The key that `keyId` replaced: the settings still have it if their change was interrupted. */
  earlierKeyId: z.string().optional(),
  /** Epoch milliseconds. */
  expiresAt: z.number(),
  /** Absent: the issuer gave none, so the next key needs another login. */
  refreshToken: z.string().optional(),
});

export type StoredLogin = z.infer<typeof loginSchema>;

export interface LoginInUse {
  readonly login: StoredLogin;
  /** The key in the settings file now. */
  readonly key: string;
}

/**
 * Returns the login whose key is in the settings file now; undefined if the settings have another key or server, or if
 * there is no login.
 * @param wskprops the settings file
 */
export function loginInUse({ auth, apihost }: Settings, wskprops: string): LoginInUse | undefined {
  if (auth?.source !== wskprops) return undefined;
  // The login is written before the settings, so it is read after them.
  const key = readWskprops(wskprops)['AUTH'] ?? '';
  const login = storedLogin(wskprops);
  if (login?.apihost !== apihost.value) return undefined;
  return [login.keyId, login.earlierKeyId].includes(keyIdOf(key)) ? { login, key } : undefined;
}

/** The public half of a key. */
export function keyIdOf(key: string): string {
  return key.slice(0, key.indexOf(':'));
}

/** The caller has the lock of the settings. @throws Fault FILE_NOT_WRITTEN */
export async function writeLogin(path: string, login: StoredLogin): Promise<void> {
  await replacePrivateFile(path, `${JSON.stringify(login)}\n`);
}

export async function removeLogin(path: string): Promise<void> {
  await rm(path, { force: true });
}

/**
 * Reads the login whether or not it is in use. Returns undefined if there is none, or if it is damaged.
 * @param wskprops the settings file
 */
export function storedLogin(wskprops: string): StoredLogin | undefined {
  try {
    return loginSchema.safeParse(JSON.parse(readFileSync(loginPath(wskprops), 'utf8'))).data;
  } catch {
    return undefined;
  }
}
