/** The gate for the domain, which asks by actions, kinds and names of images instead of subjects and digests. */

import type { Digest } from '../../blobs/index.ts';
import { parsePushedReference } from '../../content/index.ts';
import type { CodeGate, Runnable, RunVerdict } from '../../functions/index.ts';
import { codeSubject, type Gate, imageSubject, type Subject, type Verdict } from '../../gate/index.ts';
import { BoundedMap, isFault, isTemporary, type Log, messageOf, outageTextOf } from '../../lib/index.ts';
import { createJudgedImages, type JudgedImagesOptions } from './judged-images.ts';

export interface CodeGateOptions extends JudgedImagesOptions {
  readonly gate: Pick<Gate, 'admitCode' | 'admitImage' | 'admitDeploy' | 'absentImage' | 'mayRun' | 'report'>;
  readonly log: Log;
}

export interface GuardedCode extends CodeGate {
  /** Called after a push to the repository, or a deletion in it. */
  changed(repository: string): void;
}

/** Limit of cached subjects of recently called code. */
const kept = 10_000;

export function createCodeGate(options: CodeGateOptions): GuardedCode {
  const { gate, findImage, log } = options;
  /** By digest, then by kind: every call looks up here, and would have to build a joint key each time. */
  const ofCode = new BoundedMap<Digest, Map<string, Subject>>(kept);
  const images = createJudgedImages(options);

  const subjectOfCode = ({ digest, kind }: Runnable): Subject => {
    const known = ofCode.get(digest)?.get(kind);
    if (known !== undefined) return known;
    const subject = codeSubject(digest, kind);
    const ofDigest = ofCode.get(digest) ?? new Map<string, Subject>();
    ofCode.set(digest, ofDigest.set(kind, subject));
    return subject;
  };
  const judged = (image: string, namespace: string, digest: Digest): RunVerdict | Promise<RunVerdict> => {
    const verdict = gate.mayRun(imageSubject(digest), namespace);
    return verdict instanceof Promise
      ? verdict.then(
          (settled) => pinned(settled, image, digest),
          () => unjudged,
        )
      : pinned(verdict, image, digest);
  };
  const lookedUp = async (image: string, namespace: string, digest: Promise<Digest>): Promise<RunVerdict> => {
    try {
      return await judged(image, namespace, await digest);
    } catch (error) {
      if (isAbsence(error)) return { outcome: 'absent', summary: absentText(image) };
      const reason = messageOf(error);
      log.warn({ image, namespace, reason }, 'an image could not be judged');
      if (isTemporary(error) || outageTextOf(error) !== undefined) return unjudged;
      return { outcome: 'deny', summary: `the image ${image} could not be judged: ${reason}` };
    }
  };

  return {
    admitCode: ({ namespace, actor, action, kind, code }) =>
      gate.admitCode({ namespace, actor, action, kind, code }),
    async admitImage({ namespace, actor, action, image }) {
      const source = await presentOnly(findImage(image, namespace));
      if (source === undefined) {
        const outcome = gate.absentImage(namespace);
        return { outcome: outcome === 'warn' ? 'absent' : outcome, summary: absentText(image) };
      }
      if ((await gate.report(source.digest)) === undefined) {
        const verdict = await gate.admitImage({ namespace, actor, image: source });
        if (verdict.outcome === 'deny') return verdict;
      }
      return gate.admitDeploy({ namespace, actor, action, digest: source.digest });
    },
    mayRun(runnable, namespace) {
      const { image, owner } = runnable;
      if (image === undefined) {
        const verdict = gate.mayRun(subjectOfCode(runnable), namespace);
        return verdict instanceof Promise ? verdict.catch(() => unjudged) : verdict;
      }
      const digest = images.digestOf(image, owner);
      return digest instanceof Promise
        ? lookedUp(image, namespace, digest)
        : judged(image, namespace, digest);
    },
    changed: (repository) => images.forget(repository),
  };
}

/** Its reason is for the operator, in the log. */
const unjudged: RunVerdict = { outcome: 'unjudged', summary: 'the gate can’t judge it' };

function pinned(verdict: Verdict, image: string, digest: Digest): RunVerdict {
  const pushed = parsePushedReference(image);
  return pushed === undefined ? verdict : { ...verdict, image: `${pushed.repository}@${digest}` };
}

/** For a namespace, an image that it must not use does not exist. */
const absences = ['IMAGE_NOT_FOUND', 'IMAGE_DENIED', 'MANIFEST_UNKNOWN'];

function isAbsence(error: unknown): boolean {
  return isFault(error) && absences.includes(error.code);
}

async function presentOnly<T>(finding: Promise<T>): Promise<T | undefined> {
  try {
    return await finding;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function absentText(image: string): string {
  return `there is no image ${image} here that the namespace can use; Ward pulls no images from elsewhere: push it to this Ward's registry`;
}
