/**
 * The policy as operators edit it while Ward runs: reads it, judges stored reports by a draft without changing anything, and
 * replaces it.
 */
import type { EditedPolicy } from '../../api/index.ts';
import { type Digest, isDigest } from '../../blobs/index.ts';
import {
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
import { isFault, type Log, Turns } from '../../lib/index.ts';
import { changedMeanwhile, type PolicyPlace, readKept, replaceKept } from './policy-place.ts';
import { type PolicySource, takeUp } from './policy-source.ts';

export interface PolicyEditingOptions {
  readonly place: PolicyPlace;
  readonly policy: PolicySource;
  readonly gate: Pick<Gate, 'catchUp'>;
  readonly store: Pick<GateStore, 'countReports' | 'report' | 'subjects' | 'verdicts'>;
  readonly evidence: EvidenceSources;
  /** Lets other servers look for the change at once. Must not throw. */
  readonly tellOthers: () => void;
  readonly log: Log;
}

/** One preview judges at most this many reports, and the next one goes on after them. */
const mostReports = 100;
const mostChanges = 200;

export function createPolicyEditing(options: PolicyEditingOptions): EditedPolicy {
  const { place, policy, store, evidence } = options;
  const previews = new Turns(1);
  const saves = new Turns(1);
  return {
    async read() {
      const [kept, reports] = await Promise.all([readKept(place), store.countReports()]);
      return {
        text: kept.text ?? '',
        digest: kept.digest,
        own: ownPolicyText(),
        revision: policy.current().revision,
        readOnly: kept.readOnly ?? null,
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
          changes: changes.slice(0, mostChanges).flatMap(({ name, before, after }) => {
            const { digest, stage, namespace } = after;
            // What is stored has one.
            if (digest === undefined) return [];
            return { name, digest, stage, namespace, before: inShort(before), after: inShort(after) };
          }),
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

async function save(options: PolicyEditingOptions, { text, before }: Asked) {
  const { place, policy, gate, tellOthers, log } = options;
  const { revision } = policy.given(text);
  const kept = await readKept(place);
  if (kept.digest !== before) throw changedMeanwhile();
  const digest = await replaceKept(place, kept, { text, revision });
  tellOthers();
  await takeUp(policy, gate, log);
  return { revision, digest };
}

function isDigestOrNone(text: string | undefined): Digest | undefined {
  return text !== undefined && isDigest(text) ? text : undefined;
}

/** Without the ids of findings, of which it can have thousands. */
function inShort({ outcome, reasons }: Verdict) {
  return { outcome, rules: reasons.map(({ rule, outcome, text }) => ({ rule, outcome, text })) };
}
