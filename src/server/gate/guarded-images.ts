/** Joins the registry and the gate, which judges images when they are pushed, and again when actions use them. */
import type { FastifyInstance } from 'fastify';
import type { ReportSource } from '../../api/index.ts';
import type { BlobStore } from '../../blobs/index.ts';
import type { RegistryStore } from '../../content/index.ts';
import type { JudgeRevisions } from '../../dispatch/index.ts';
import {
  type CodeGate,
  type Functions,
  hasRight,
  type Identity,
  systemNamespace,
} from '../../functions/index.ts';
import type { GateEvent, GateStore } from '../../gate/index.ts';
import type { ImageStore } from '../../images/index.ts';
import type { Log } from '../../lib/index.ts';
import { createRegistry, type TokenKeys } from '../../registry/index.ts';
import type { StartProgram } from '../../scanner/index.ts';
import type { AdvisoriesAge } from '../advisories/age.ts';
import { withoutUndefined } from '../config/config.ts';
import type { Stores } from '../stores/stores.ts';
import { createCodeGate } from './code-gate.ts';
import { createEvidence } from './evidence.ts';
import { createImageFinder } from './images.ts';
import { type OpenGate, openGate, type SharingParts } from './open-gate.ts';
import { createPushGate } from './push-gate.ts';
import { createReportSource } from './report-source.ts';

export interface GuardedImagesOptions {
  readonly dataDir: string;
  readonly stores: Stores;
  readonly imagesDir: string;
  readonly apiHost: () => string;
  /** Lets other servers look at once for what they judge by. Must not throw; absent: there are none. */
  readonly tellOthers?: () => void;
  /** Present when all servers of the database go by the same advisories. */
  readonly sharing?: SharingParts | undefined;
  /** Where clients of the registry reach it, if the operator has configured that. */
  readonly registryUrl?: () => string | undefined;
  readonly onChange: (event: GateEvent) => void;
  /** Undefined: the pushed blobs are in the data folder. */
  readonly pushedBlobs?: BlobStore | undefined;
  /** Called before this number of bytes of a push is written; throws when the disk has too little space. */
  readonly admitWrite?: (bytes: number) => void;
  /** Limit for the bytes of images that a namespace has pushed. */
  readonly registryQuota?: (namespace: string) => number | undefined | Promise<number | undefined>;
  /** Interval between checks for changed policy, advisories and VEX; ms. */
  readonly lookMs?: number;
  /** Starts a scan process; absent: the scanner starts it itself. */
  readonly startScan?: StartProgram | undefined;
  /** How long a scan process waits for work. */
  readonly scanIdleMs?: number | undefined;
  /** Cache of the registry's database in memory. */
  readonly databaseCacheKiB?: number | undefined;
  readonly log: Log;
}

export interface GuardedImages extends AsyncDisposable {
  /** The image store for sandboxes, including pushed images. */
  storeOver(images: ImageStore): ImageStore;
  readonly codeGate: CodeGate;
  readonly reports: ReportSource;
  readonly waivers: OpenGate['waivers'];
  /** To read, try and edit it. */
  readonly policy: OpenGate['policy'];
  readonly audit: Pick<GateStore, 'write' | 'searchAudit' | 'cutAudit'>;
  /** Entries of the audit log for pushes and deletions. */
  readonly unsealed: RegistryStore['unsealed'];
  advisories(): AdvisoriesAge;
  /** What it judges by now. */
  revisions(): JudgeRevisions;
  /** Takes up what another server has changed in the database. */
  changedElsewhere(): void;
  /** Another server changed what is attached to these images, or to any. */
  evidenceChangedElsewhere(images: ReadonlySet<string> | undefined): void;
  /** Bytes of images that a namespace has pushed. */
  registryBytes(namespace: string): Promise<number>;
  /** Removes content that is no longer needed. */
  sweep(functions: { readonly namespaces: Pick<Namespaces, 'createdAt'> }): Promise<unknown>;
  sweepAdvisories: OpenGate['sweepAdvisories'];
  /** The routes of the registry. */
  registry(parts: RegistryParts): (app: FastifyInstance) => void;
}

type Namespaces = Functions['namespaces'];
type KeyHolder = Pick<Identity, 'namespace' | 'keyId' | 'createdAt' | 'scope' | 'person'>;

interface RegistryParts {
  readonly namespaces: KeyCheck;
  /** Sign the registry's tokens. */
  readonly tokenKeys: () => TokenKeys;
}

interface KeyCheck {
  /** @throws Fault of the kind 'unauthenticated' */
  authenticate(header: string | undefined): KeyHolder | Promise<KeyHolder>;
  ownerOf(keyId: string): KeyHolder | undefined | Promise<KeyHolder | undefined>;
}

/** Namespaces whose repositories every key can pull. */
const publicNamespaces = [systemNamespace];

/** @throws Faults of the registry's store and of the gate */
export async function openGuardedImages(options: GuardedImagesOptions): Promise<GuardedImages> {
  const { stores, imagesDir, registryUrl, registryQuota, tellOthers, log } = options;
  await using stack = new AsyncDisposableStack();
  const pushed = stack.use(
    await stores.openRegistry({
      databaseCacheKiB: options.databaseCacheKiB,
      blobs: options.pushedBlobs,
      ...withoutUndefined({ bytesAllowed: registryQuota, admitWrite: options.admitWrite }),
    }),
  );
  const evidence = createEvidence({ imagesDir, registry: pushed, log });
  const opening = await openGate({ ...options, evidence });
  const { gate, store, scanner, waivers, policy, vex, advisories, revisions, ...rest } = stack.use(opening);
  const { changedElsewhere, sweepAdvisories } = rest;
  const finder = createImageFinder({ imagesDir, registry: pushed, publicNamespaces });
  const codeGate = createCodeGate({ gate, findImage: finder.source, log });
  const pushGate = stack.use(
    createPushGate({ gate, scanner, store: pushed, listedBy: evidence.listedBy, log }),
  );
  // First ends the waits for scans, so that none continues with a part that is closed.
  stack.defer(() => gate.close());
  const opened = stack.move();
  return {
    storeOver: finder.storeOver,
    codeGate,
    reports: createReportSource(gate, store, vex),
    ...{ waivers, policy },
    audit: store,
    unsealed: pushed.unsealed,
    advisories,
    revisions,
    changedElsewhere,
    evidenceChangedElsewhere: (images) => gate.evidenceChangedElsewhere(images),
    sweepAdvisories,
    registryBytes: pushed.usage,
    async sweep({ namespaces }) {
      await gate.forgetRefused();
      // Manifests without a tag stay, so a running image is never removed.
      return pushed.sweep({ namespaceSince: (name) => namespaces.createdAt(name), isInUse: () => true });
    },
    registry: ({ namespaces, tokenKeys }) =>
      createRegistry({
        store: pushed,
        tokenKeys,
        async authenticate(header) {
          const { scope, namespace, keyId, person, createdAt } = await namespaces.authenticate(header);
          const rights = { pull: 'read', push: 'deploy' } as const;
          return { namespace, keyId, person, createdAt, may: (right) => hasRight(scope, rights[right]) };
        },
        ownerOf: (keyId) => namespaces.ownerOf(keyId),
        gate: {
          ...pushGate,
          async manifestAccepted(push) {
            codeGate.changed(push.repository);
            tellOthers?.();
            await pushGate.manifestAccepted(push);
          },
          async manifestDeleted(repository, deleted) {
            codeGate.changed(repository);
            tellOthers?.();
            await pushGate.manifestDeleted(repository, deleted);
          },
        },
        publicPrefixes: publicNamespaces.map((name) => `${name}/`),
        publicUrl: () => registryUrl?.(),
        log,
      }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
