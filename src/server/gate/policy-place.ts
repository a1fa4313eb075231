/**
 * Where the operator's policy is kept, and how Ward replaces it. A server with a database in its data folder has a file. Servers
 * of a cluster share one policy in their database. A server that has a file of its own goes by this file. Ward does not write it
 * then, because the other servers do not have it.
 *
 * Ward writes only a file of its own user: one that belongs to another, can't be written by its owner, or is a link is managed
 * elsewhere, and a new file could not be as the old one was.
 */
import type { Stats } from 'node:fs';
import { chmod, lstat } from 'node:fs/promises';
import { type Digest, digestOf, readRegularFile, writeFileAtomically } from '../../blobs/index.ts';
import type { AuditDraft, GateStore } from '../../gate/index.ts';
import { currentActor, errnoOf, isFault, messageOf } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import { sharedPolicy, textOf } from './policy-source.ts';

export interface PolicyPlace {
  /** Of the file on this machine. */
  readonly path: string;
  readonly store: Pick<GateStore, 'sharedFile' | 'write'>;
  /** Several servers can have the database. */
  readonly isShared: boolean;
}

export interface KeptPolicy {
  /** Undefined: there is none, and Ward's own policy is in force. */
  readonly text: string | undefined;
  readonly digest: Digest | null;
  /** Undefined: it is not in a file. */
  readonly mode?: number;
  /** Why Ward does not write it. */
  readonly readOnly?: string | undefined;
}

interface NewPolicy {
  /** Of a valid policy. */
  readonly text: string;
  readonly revision: string;
}

const longestPolicyBytes = 256 * 1024;

/** What the server of this machine judges by. */
export async function readKept({ path, store, isShared }: PolicyPlace): Promise<KeptPolicy> {
  const file = await readFile(path);
  if (file === undefined) return await readShared(store);
  const readOnly = isShared
    ? `this node goes by its own file ${path}: to share one policy, run ward policy set, and remove the file from all nodes`
    : file.readOnly;
  return { ...file, readOnly };
}

/** What servers share, also if this machine has a file of its own. */
export async function readShared(store: Pick<GateStore, 'sharedFile'>): Promise<KeptPolicy> {
  const shared = await store.sharedFile(sharedPolicy);
  return { text: textOf(shared), digest: shared?.digest ?? null };
}

/**
 * The audit log names the current actor.
 * @param kept what it replaces
 * @throws Fault POLICY_CHANGED, POLICY_READ_ONLY
 */
export async function replaceKept(
  { path, store, isShared }: PolicyPlace,
  kept: KeptPolicy,
  { text, revision }: NewPolicy,
): Promise<Digest> {
  if (kept.readOnly !== undefined) throw readOnlyFault(kept.readOnly);
  const bytes = Buffer.from(text);
  const digest = digestOf(bytes);
  const audit = [entryOf(kept.digest, digest, revision)];
  if (isShared) {
    const file = { name: sharedPolicy, digest, bytes, before: kept.digest };
    await store.write({ sharedFiles: [file], audit }).catch((error: unknown) => {
      throw isFault(error, 'GATE_FILE_CHANGED') ? changedMeanwhile() : error;
    });
  } else {
    await store.write({ audit });
    await replaceFile(path, text, kept.mode);
  }
  return digest;
}

export function changedMeanwhile() {
  return serverFault('POLICY_CHANGED', 'the policy was changed since you read it; nothing was written', {
    hint: 'read it again, and make your change in that one',
  });
}

async function replaceFile(path: string, text: string, mode = 0o600): Promise<void> {
  try {
    await writeFileAtomically(path, text, { mode: 0o600 });
    // Not when the file is made: the umask would take bits away.
    await chmod(path, mode);
  } catch (cause) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(cause) ?? '')) throw cause;
    throw readOnlyFault(`${path} can’t be replaced: ${messageOf(cause)}`, cause);
  }
}

function readOnlyFault(message: string, cause?: unknown) {
  return serverFault('POLICY_READ_ONLY', message, {
    hint: 'change the policy where it is managed, or give the file to the user of the server',
    ...(cause === undefined ? {} : { cause }),
  });
}

function entryOf(before: string | null, after: string, revision: string): AuditDraft {
  const { who, from, request } = currentActor();
  return {
    ...{ event: 'set-policy', time: new Date().toISOString(), actor: who, from, name: 'policy.yaml' },
    ...(request === undefined ? {} : { request }),
    ...(before === null ? {} : { before }),
    ...{ after, policyRevision: revision, summary: `the policy ${revision} is put in force` },
  };
}

async function readFile(path: string): Promise<KeptPolicy | undefined> {
  const stats = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  const bytes = await readRegularFile(path, longestPolicyBytes);
  if (stats === undefined || bytes === undefined) return undefined;
  const readOnly = whyReadOnly(path, stats);
  return { text: bytes.toString('utf8'), digest: digestOf(bytes), mode: stats.mode & 0o777, readOnly };
}

/** Undefined: Ward may replace it. */
export function whyReadOnly(path: string, stats: Stats): string | undefined {
  if (stats.isSymbolicLink()) return `${path} is a link, so Ward only reads it`;
  const isOurs = stats.uid === process.geteuid?.() && stats.gid === process.getegid?.();
  if (!isOurs) return `${path} belongs to another user or group than the server’s, so Ward only reads it`;
  if ((stats.mode & 0o200) === 0) return `${path} is read-only, so Ward only reads it`;
  return undefined;
}
