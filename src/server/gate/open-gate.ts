/**
 * Opens the gate of a running Ward: advisories, scanner, policy, reports. Judges again after one of them has changed.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EditedPolicy, OperatorWaivers } from '../../api/index.ts';
import type { BlobStore } from '../../blobs/index.ts';
import type { JudgeRevisions } from '../../dispatch/index.ts';
import {
  createGate,
  type EvidenceSources,
  type Gate,
  type GateEvent,
  type GateStore,
} from '../../gate/index.ts';
import { type Log, messageOf, withTimeout } from '../../lib/index.ts';
import {
  type AdvisoryDatabase,
  createInspectors,
  createScanner,
  openAdvisories,
  type Scanner,
  type StartProgram,
} from '../../scanner/index.ts';
import { type AdvisoriesAge, advisoriesAge } from '../advisories/age.ts';
import { readLastUpdate } from '../advisories/last-update.ts';
import type { AdvisorySharing, AdvisorySharingOptions } from '../advisories/sharing.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import type { Stores } from '../stores/stores.ts';
import { createPolicyEditing } from './policy-editing.ts';
import { openPolicySource, type PolicySource } from './policy-source.ts';
import { stampOfOwnVex } from './vex-place.ts';
import { openVexSource, type VexSource } from './vex-source.ts';
import { createWaivers, takeOverWaivers } from './waivers.ts';

export interface OpenGateOptions {
  readonly dataDir: string;
  readonly stores: Pick<Stores, 'openGate' | 'engine'>;
  readonly evidence: Pick<EvidenceSources, 'companions' | 'indexesOf' | 'bases'>;
  readonly onChange: (event: GateEvent) => void;
  /** Lets other servers look at once for what they judge by. Must not throw; absent: there are none. */
  readonly tellOthers?: () => void;
  /** Present when all servers of the database go by the same advisories. */
  readonly sharing?: SharingParts | undefined;
  /** URL under which clients reach Ward. */
  readonly apiHost: () => string;
  /** Interval between checks for changed policy, advisories and VEX; ms. */
  readonly lookMs?: number;
  /** Starts a scan process; absent: the scanner starts it itself. */
  readonly startScan?: StartProgram | undefined;
  /** How long a scan process waits for work. */
  readonly scanIdleMs?: number | undefined;
  readonly log: Log;
}

export interface SharingParts extends Pick<AdvisorySharingOptions, 'leases' | 'node' | 'admitWrite'> {
  readonly openBlobs: () => Promise<BlobStore>;
}

export interface OpenGate extends AsyncDisposable {
  readonly gate: Gate;
  readonly store: GateStore;
  readonly scanner: Scanner;
  readonly waivers: OperatorWaivers;
  readonly policy: EditedPolicy;
  advisories(): AdvisoriesAge;
  revisions(): JudgeRevisions;
  /** The operator's. */
  readonly vex: Pick<VexSource, 'current' | 'source' | 'problem'>;
  /** Takes up what another server has changed in the database. Stored reports are judged again later. */
  changedElsewhere(): void;
  /** Removes snapshots of advisories that no server needs any more. */
  sweepAdvisories(): Promise<void>;
}

const defaultLookMs = 5000;
/** How long a start waits for the advisories that other nodes have; then it begins with its own. */
const firstAdvisoriesMs = 60_000;

/** @throws Fault POLICY_INVALID, GATE_STORE_FAILED, GATE_STORE_CORRUPT, ADVISORIES_CORRUPT */
export async function openGate(options: OpenGateOptions): Promise<OpenGate> {
  const { dataDir, stores, evidence, onChange, apiHost, lookMs = defaultLookMs, log } = options;
  const tellOthers = options.tellOthers ?? (() => {});
  const paths = gatePaths(dataDir);
  await using stack = new AsyncDisposableStack();
  for (const path of [paths.database, paths.advisories]) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  }
  const advisories = stack.use(openAdvisories({ path: paths.advisories }));
  const { elsewhere } = await createInspectors({
    rulesDir: existsSync(paths.rules) ? paths.rules : undefined,
  });
  const scanner = stack.use(
    createScanner({
      start: options.startScan,
      idleMs: options.scanIdleMs,
      matcher: advisories,
      inspectors: elsewhere,
      cacheDir: paths.layers,
      log,
    }),
  );
  const store = stack.use(await stores.openGate(true));
  await takeOverWaivers(paths.waivers, store);
  const policy = await openPolicySource({ path: paths.policy, store, log });
  const isShared = stores.engine === 'postgres';
  if (isShared && existsSync(paths.policy))
    log.warn(
      { path: paths.policy },
      'this node goes by its own policy: other nodes do not have this file, and the policy that they share does not count here',
    );
  const vex = await openVexSource({ folder: paths.vex, store, log });
  if (isShared && (await stampOfOwnVex(paths.vex)) !== '')
    log.warn(
      { path: paths.vex },
      'this node goes by its own VEX documents: other nodes do not have these files, and the documents that they share do not count here',
    );
  let onTaken = (): void => {};
  const sharing =
    options.sharing &&
    stack.use(
      await openSharing({
        ...{ parts: options.sharing, path: paths.advisories, advisories, store, tellOthers, log },
        onTaken: () => onTaken(),
      }),
    );
  const sources: EvidenceSources = { ...evidence, vex: async () => vex.current(), log };
  const revisions = () => ({
    policy: policy.current().revision,
    advisories: advisories.state()?.revision,
    vex: vex.current().revision,
  });
  const gate = createGate({
    ...sources,
    policy: policy.current,
    revisions,
    store,
    scanner,
    reportAt: ({ digest }) => `${apiHost()}/ward/v1/reports/${digest}`,
    onChange,
  });
  stack.defer(() => gate.close());
  const ending = new AbortController();
  const watch = watchChanges({ advisories, sharing, vex, policy, gate, lookMs, signal: ending.signal, log });
  stack.defer(async () => {
    ending.abort();
    await watch.settled();
  });
  onTaken = watch.look;
  const opened = stack.move();
  return {
    gate,
    store,
    scanner,
    waivers: createWaivers({ policy, gate, store, tellOthers, log }),
    policy: createPolicyEditing({
      place: { path: paths.policy, store, isShared },
      ...{ policy, gate, store, evidence: sources, tellOthers, log },
    }),
    changedElsewhere() {
      void sharing?.look();
      for (const source of [policy, vex])
        source.refresh().catch((error: unknown) => {
          // The next look of `watchChanges` tries again, and says more loudly what fails.
          log.debug({ reason: messageOf(error) }, 'a change in the database could not be read');
        });
    },
    vex,
    revisions,
    advisories: () =>
      advisoriesAge(advisories.state(), policy.current(), {
        last: readLastUpdate(paths.advisories),
        shared: sharing && { isBehind: sharing.isBehind(), problem: sharing.problem() },
      }),
    sweepAdvisories: async () => await sharing?.sweep(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

interface OpenSharing extends Omit<AdvisorySharingOptions, keyof SharingParts | 'blobs'> {
  readonly parts: SharingParts;
}

/** Resolves when this server has the advisories of the others, or can't get them now. */
async function openSharing({ parts, ...options }: OpenSharing): Promise<AdvisorySharing> {
  const { openAdvisorySharing } = await import('../advisories/sharing.ts');
  const { openBlobs, ...rest } = parts;
  const sharing = await openAdvisorySharing({ ...options, ...rest, blobs: await openBlobs() });
  await withTimeout(sharing.look(), firstAdvisoriesMs, () => undefined);
  return sharing;
}

interface WatchOptions {
  readonly sharing: Pick<AdvisorySharing, 'look'> | undefined;
  readonly advisories: Pick<AdvisoryDatabase, 'refresh'>;
  readonly vex: Pick<VexSource, 'refresh'>;
  readonly policy: Pick<PolicySource, 'refresh'>;
  readonly gate: Pick<Gate, 'catchUp'>;
  readonly lookMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** Looks at once for changes that were made while no Ward was running, and then at intervals. */
function watchChanges(options: WatchOptions): { look(): void; settled(): Promise<void> } {
  const { advisories, sharing, vex, policy, gate, lookMs, signal, log } = options;
  let working: Promise<void> | undefined;
  const judge = async (): Promise<void> => {
    advisories.refresh();
    await Promise.all([vex.refresh(), policy.refresh()]);
    const result = await gate.catchUp({ signal });
    if (result !== undefined) log.info(result, 'judged scanned images and code again');
  };
  const look = (): void => {
    if (signal.aborted) return;
    working ??= judge()
      .catch((error) =>
        log.error({ reason: messageOf(error) }, 'could not judge scanned images and code again'),
      )
      .finally(() => {
        working = undefined;
      });
  };
  const timer = setInterval(() => {
    // A long download keeps no one from judging.
    void sharing?.look();
    look();
  }, lookMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer));
  return { look, settled: async () => working };
}
