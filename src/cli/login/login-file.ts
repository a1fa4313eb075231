/**
 * What `ward login` keeps beside the settings file, for one login at a time: whose key is in the settings, until when it
 * works, and how to get the next one. Only the owner can read it.
 */
import { readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';

const loginSchema = z.object({
  apihost: z.string(),
  /** Absent: the token came from a file. */
  client: z.object({ issuer: z.string(), clientId: z.string() }).optional(),
  namespace: z.string(),
  keyId: z.string(),
  /** Epoch milliseconds. */
  expiresAt: z.number(),
  /** Absent: the issuer gave none, so the next key needs another login. */
  refreshToken: z.string().optional(),
});

export type StoredLogin = z.infer<typeof loginSchema>;

/** Undefined if there is none, or if it is damaged. */
export function readLogin(path: string): StoredLogin | undefined {
  try {
    return loginSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

export async function writeLogin(path: string, login: StoredLogin): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(login)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(draft, path);
}

export async function removeLogin(path: string): Promise<void> {
  await rm(path, { force: true });
}
