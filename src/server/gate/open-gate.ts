/**
 * Opens the gate of a running Ward: advisories, scanner, policy, reports. Judges again after one of them has changed.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EditedPolicy, OperatorWaivers } from '../../api/index.ts';
import type { JudgeRevisions } from '../../dispatch/index.ts';
import {
  createGate,
  type EvidenceSources,
  type Gate,
  type GateEvent,
  type GateStore,
} from '../../gate/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
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
}

const defaultLookMs = 5000;

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
  const watch = watchChanges({ advisories, vex, policy, gate, lookMs, signal: ending.signal, log });
  stack.defer(async () => {
    ending.abort();
    await watch.settled();
  });
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
      for (const source of [policy, vex])
        source.refresh().catch((error: unknown) => {
          // The next look of `watchChanges` tries again, and says more loudly what fails.
          log.debug({ reason: messageOf(error) }, 'a change in the database could not be read');
        });
    },
    vex,
    revisions,
    advisories: () => advisoriesAge(advisories.state(), policy.current(), readLastUpdate(paths.advisories)),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

interface WatchOptions {
  readonly advisories: Pick<AdvisoryDatabase, 'refresh'>;
  readonly vex: Pick<VexSource, 'refresh'>;
  readonly policy: Pick<PolicySource, 'refresh'>;
  readonly gate: Pick<Gate, 'catchUp'>;
  readonly lookMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** Looks at once for changes that were made while no Ward was running, and then at intervals. */
function watchChanges(options: WatchOptions): { settled(): Promise<void> } {
  const { advisories, vex, policy, gate, lookMs, signal, log } = options;
  let working: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    advisories.refresh();
    await Promise.all([vex.refresh(), policy.refresh()]);
    const result = await gate.catchUp({ signal });
    if (result !== undefined) log.info(result, 'judged scanned images and code again');
  };
  const timer = setInterval(() => {
    working ??= look()
      .catch((error) =>
        log.error({ reason: messageOf(error) }, 'could not judge scanned images and code again'),
      )
      .finally(() => {
        working = undefined;
      });
  }, lookMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer));
  return { settled: async () => working };
}
