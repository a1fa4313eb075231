/** The gate as the domain asks it: by actions, kinds and names of images instead of subjects and digests. */
import type { CodeGate, GateVerdict, Runnable } from '../../functions/index.ts';
import { codeSubject, type Gate, imageSubject, type Subject } from '../../gate/index.ts';
import type { Digest } from '../../images/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import type { ImageSource } from '../../scanner/index.ts';

export interface CodeGateOptions {
  readonly gate: Pick<Gate, 'admitCode' | 'admitImage' | 'admitDeploy' | 'mayRun' | 'report'>;
  /** An image that a namespace may use. @throws Fault IMAGE_NOT_FOUND and those of the registry */
  readonly findImage: (name: string, namespace: string) => Promise<ImageSource>;
  readonly log: Log;
}

/** Subjects of code and images that were called lately. */
const kept = 10_000;
const allowed: GateVerdict = { outcome: 'allow', summary: '' };

export function createCodeGate({ gate, findImage, log }: CodeGateOptions): CodeGate {
  const ofCode = new Map<string, Subject>();
  const ofImages = new Map<string, Digest>();
  const looking = new Set<string>();

  const subjectOfCode = ({ digest, kind }: Runnable): Subject => {
    const key = `${kind} ${digest}`;
    const known = ofCode.get(key);
    if (known !== undefined) return known;
    if (ofCode.size >= kept) ofCode.clear();
    const subject = codeSubject(digest, kind);
    ofCode.set(key, subject);
    return subject;
  };
  const lookUp = (image: string, namespace: string): void => {
    const key = `${namespace} ${image}`;
    if (looking.has(key)) return;
    looking.add(key);
    findImage(image, namespace)
      .then(({ digest }) => ofImages.set(key, digest))
      .catch((error) =>
        log.warn({ image, namespace, reason: messageOf(error) }, 'an image could not be judged'),
      )
      .finally(() => looking.delete(key));
  };

  return {
    admitCode: ({ namespace, actor, action, kind, code }) =>
      gate.admitCode({ namespace, actor, action, kind, code }),
    async admitImage({ namespace, actor, action, image }) {
      const source = await findImage(image, namespace);
      ofImages.set(`${namespace} ${image}`, source.digest);
      if ((await gate.report(source.digest)) === undefined) {
        const verdict = await gate.admitImage({ namespace, actor, image: source });
        if (verdict.outcome === 'deny') return verdict;
      }
      return gate.admitDeploy({ namespace, actor, action, digest: source.digest });
    },
    mayRun(runnable, namespace) {
      const { image } = runnable;
      if (image === undefined) return gate.mayRun(subjectOfCode(runnable), namespace);
      const digest = ofImages.get(`${namespace} ${image}`);
      // It was judged when it was deployed. After a restart its digest has to be looked up first.
      if (digest === undefined) lookUp(image, namespace);
      return digest === undefined ? allowed : gate.mayRun(imageSubject(digest), namespace);
    },
  };
}
