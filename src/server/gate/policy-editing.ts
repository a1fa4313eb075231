/**
 * The policy as operators edit it while Ward runs: reads the file, judges stored reports by a draft without changing anything,
 * and replaces the file. Ward writes only a file of its own user: one that belongs to another, can't be written by its
 * owner, or is a link is managed elsewhere, and a new file could not be as the old one was.
 */
import type { Stats } from 'node:fs';
import { chmod, lstat } from 'node:fs/promises';
import type { EditedPolicy } from '../../api/index.ts';
import { type Digest, digestOf, isDigest, readRegularFile, writeFileAtomically } from '../../blobs/index.ts';
import {
  type AuditDraft,
  checkPolicyText,
  type EvidenceSources,
  type Gate,
  type GateStore,
  ownPolicyText,
  type Policy,
  policyTest,
  reportsOf,
  type Verdict,
} from '../../gate/index.ts';
import { currentActor, errnoOf, isFault, type Log, messageOf, Turns } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import { type PolicySource, takeUp } from './policy-source.ts';

export interface PolicyEditingOptions {
  readonly path: string;
  readonly policy: PolicySource;
  readonly gate: Pick<Gate, 'catchUp'>;
  readonly store: Pick<GateStore, 'countReports' | 'report' | 'subjects' | 'verdicts' | 'write'>;
  readonly evidence: EvidenceSources;
  readonly log: Log;
}

/** One preview judges at most this many reports, and the next one goes on after them. */
const mostReports = 100;
const mostChanges = 200;
const longestPolicyBytes = 256 * 1024;

export function createPolicyEditing(options: PolicyEditingOptions): EditedPolicy {
  const { path, policy, store, evidence } = options;
  const previews = new Turns(1);
  const saves = new Turns(1);
  return {
    async read() {
      const [file, reports] = await Promise.all([readFile(path), store.countReports()]);
      return {
        text: file.text ?? '',
        digest: file.digest,
        own: ownPolicyText(),
        revision: policy.current().revision,
        readOnly: file.readOnly ?? null,
        reports,
      };
    },
    preview: ({ text, after }) =>
      previews.take(async () => {
        const problems = checkPolicyText(text);
        const before = policy.current();
        const draft = draftOf(policy, text);
        if (draft === undefined) return { revision: null, problems, ...nothing };
        const subjects = await store.subjects(isDigestOrNone(after), mostReports);
        const tested = await policyTest(before, draft, reportsOf(store, subjects), evidence, Date.now());
        const isDenied = ({ outcome }: Verdict) => outcome === 'deny';
        const { changes } = tested;
        return {
          revision: draft.revision,
          problems,
          reportsRead: subjects.length,
          judged: tested.judged,
          changed: changes.length,
          denied: changes.filter((each) => !isDenied(each.before) && isDenied(each.after)).length,
          admitted: changes.filter((each) => isDenied(each.before) && !isDenied(each.after)).length,
          changes: changes.slice(0, mostChanges).map(({ name, before, after }) => ({
            ...{ name, digest: after.digest, stage: after.stage, namespace: after.namespace },
            ...{ before: inShort(before), after: inShort(after) },
          })),
          next: subjects.length < mostReports ? null : (subjects.at(-1)?.digest ?? null),
        };
      }),
    save: (asked) => saves.take(() => save(options, asked)),
  };
}

const nothing = { reportsRead: 0, judged: 0, changed: 0, denied: 0, admitted: 0, changes: [], next: null };

/** Undefined when the text is not a policy. */
function draftOf(policy: PolicySource, text: string): Policy | undefined {
  try {
    return policy.given(text);
  } catch (error) {
    if (isFault(error, 'POLICY_INVALID')) return undefined;
    throw error;
  }
}

type Asked = Parameters<EditedPolicy['save']>[0];

async function save({ path, policy, gate, store, log }: PolicyEditingOptions, { text, before }: Asked) {
  const { revision } = policy.given(text);
  const file = await readFile(path);
  if (file.digest !== before) throw changedMeanwhile();
  if (file.readOnly !== undefined) throw readOnlyFault(file.readOnly);
  const digest = digestOf(Buffer.from(text));
  await store.write({ audit: [entryOf(file.digest, digest, revision)] });
  await replaceFile(path, text, file.mode);
  await takeUp(policy, gate, log);
  return { revision, digest };
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

interface PolicyFile {
  /** Undefined: there is none, and Ward's own policy is in force. */
  readonly text: string | undefined;
  readonly digest: Digest | null;
  readonly mode: number | undefined;
  /** Why Ward does not write it. */
  readonly readOnly: string | undefined;
}

async function readFile(path: string): Promise<PolicyFile> {
  const stats = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  const bytes = await readRegularFile(path, longestPolicyBytes);
  if (stats === undefined || bytes === undefined)
    return { text: undefined, digest: null, mode: undefined, readOnly: undefined };
  const readOnly = whyReadOnly(path, stats);
  return { text: bytes.toString('utf8'), digest: digestOf(bytes), mode: stats.mode & 0o777, readOnly };
}

function whyReadOnly(path: string, stats: Stats): string | undefined {
  if (stats.isSymbolicLink()) return `${path} is a link, so Ward only reads it`;
  const isOurs = stats.uid === process.geteuid?.() && stats.gid === process.getegid?.();
  if (!isOurs) return `${path} belongs to another user or group than the server’s, so Ward only reads it`;
  if ((stats.mode & 0o200) === 0) return `${path} is read-only, so Ward only reads it`;
  return undefined;
}

function changedMeanwhile() {
  return serverFault('POLICY_CHANGED', 'the policy was changed since you read it; nothing was written', {
    hint: 'read it again, and make your change in that one',
  });
}

function isDigestOrNone(text: string | undefined): Digest | undefined {
  return text !== undefined && isDigest(text) ? text : undefined;
}

/** Without the ids of findings, of which it can have thousands. */
function inShort({ outcome, reasons }: Verdict) {
  return { outcome, rules: reasons.map(({ rule, outcome, text }) => ({ rule, outcome, text })) };
}
