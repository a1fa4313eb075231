/** Opens the gate of a running Ward: advisories, scanner, policy, reports; and judges anew when one of them changed. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  createGate,
  type Gate,
  type GateEvent,
  type GateStore,
  openGateStore,
  readVexFolder,
} from '../../gate/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import { createInspectors, createScanner, openAdvisories, type Scanner } from '../../scanner/index.ts';
import { gatePaths } from '../gate-paths.ts';
import { policySource } from './policy-source.ts';

export interface OpenGateOptions {
  readonly dataDir: string;
  /** Signatures and bases are the images'. */
  readonly evidence: Pick<Parameters<typeof createGate>[0], 'signatures' | 'bases'>;
  readonly onChange: (event: GateEvent) => void;
  /** URL under which clients reach Ward. */
  readonly apiHost: () => string;
  readonly log: Log;
}

export interface OpenGate extends AsyncDisposable {
  readonly gate: Gate;
  readonly store: GateStore;
  readonly scanner: Scanner;
}

/** How often it is looked whether another process has updated the advisories. */
const lookMs = 30_000;

/** @throws Fault POLICY_INVALID, GATE_STORE_FAILED, GATE_STORE_CORRUPT, ADVISORIES_CORRUPT */
export async function openGate(options: OpenGateOptions): Promise<OpenGate> {
  const { dataDir, evidence, onChange, apiHost, log } = options;
  const paths = gatePaths(dataDir);
  await using stack = new AsyncDisposableStack();
  for (const path of [paths.database, paths.advisories]) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  }
  const advisories = stack.use(openAdvisories({ path: paths.advisories }));
  const { threads, config } = await createInspectors({
    rulesDir: existsSync(paths.rules) ? paths.rules : undefined,
  });
  const scanner = stack.use(
    createScanner({
      matcher: advisories,
      fileInspectors: threads,
      configInspectors: config,
      cacheDir: paths.layers,
      log,
    }),
  );
  const store = stack.use(openGateStore({ path: paths.database }));
  const policy = policySource(paths.policy, log);
  const gate = createGate({
    ...evidence,
    policy,
    store,
    scanner,
    vex: () => readVexFolder(paths.vex),
    reportAt: ({ digest }) => `${apiHost()}/ward/v1/reports/${digest}`,
    onChange,
    log,
  });
  stack.defer(() => gate.close());
  const ending = new AbortController();
  const watch = watchChanges({ advisories, policy, gate, signal: ending.signal, log });
  stack.defer(async () => {
    ending.abort();
    await watch.settled();
  });
  const opened = stack.move();
  return { gate, store, scanner, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

interface WatchOptions {
  readonly advisories: Pick<ReturnType<typeof openAdvisories>, 'refresh'>;
  readonly policy: () => { readonly revision: string };
  readonly gate: Pick<Gate, 'rejudgeAll'>;
  readonly signal: AbortSignal;
  readonly log: Log;
}

function watchChanges({ advisories, policy, gate, signal, log }: WatchOptions): { settled(): Promise<void> } {
  let revision = policy().revision;
  let working: Promise<void> = Promise.resolve();
  let isWorking = false;
  const look = async (): Promise<void> => {
    const hasNewAdvisories = advisories.refresh();
    const current = policy().revision;
    if (!hasNewAdvisories && current === revision) return;
    revision = current;
    const result = await gate.rejudgeAll({ signal });
    log.info(result, 'judged anew what was scanned');
  };
  const timer = setInterval(() => {
    if (isWorking) return;
    isWorking = true;
    working = look()
      .catch((error) => log.error({ reason: messageOf(error) }, 'could not judge anew'))
      .finally(() => {
        isWorking = false;
      });
  }, lookMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer));
  return { settled: () => working };
}
