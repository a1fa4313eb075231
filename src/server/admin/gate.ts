/** The operator's view of the gate: its policy, whether or not a server is running. */
import {
  checkPolicyText,
  type Policy,
  type PolicyProblem,
  type PolicyTest,
  parsePolicy,
  policyTest,
  type Rules,
  rulesFor,
  type Stage,
  storedReports,
  type TestedReport,
  type Waiver,
} from '../../gate/index.ts';
import { createLog, isFault, messageOf } from '../../lib/index.ts';
import type { Report } from '../../scanner/index.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { guest } from '../first-namespace.ts';
import { openStoredEvidence } from '../gate/evidence.ts';
import { readPolicy, readWaiversFile } from '../gate/policy-source.ts';
import { addWaiver, endWaiver } from '../gate/waivers.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { actAsOwner } from './act-as.ts';
import { isPresent, openUsedGate, operatorStores } from './operator-stores.ts';

export interface GateAdminOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
}

export interface PolicyInForce {
  /** A path, or `Ward’s own`. */
  readonly source: string;
  readonly revision: string;
  readonly rules: Rules;
}

export interface PolicyTestOptions extends GateAdminOptions {
  /** Text of the policy to try; undefined: the current one. */
  readonly policy?: string | undefined;
  /** Text of the policy to compare it with; undefined: the current one. */
  readonly against?: string | undefined;
  /** Used instead of the stored reports. */
  readonly reports?: readonly Report[] | undefined;
}

const own = 'Ward’s own';

/**
 * The rules that apply to a namespace at a stage.
 * @param options.policy text of a policy; undefined: the current one
 * @throws Fault POLICY_INVALID, DATA_DIR_INVALID
 */
export async function showPolicy(
  options: GateAdminOptions & {
    readonly policy?: string | undefined;
    readonly namespace: string;
    readonly stage: Stage;
  },
): Promise<PolicyInForce> {
  const { policy, source } =
    options.policy === undefined
      ? await policyInForce(options)
      : { policy: parsePolicy(options.policy), source: 'the file' };
  return { source, revision: policy.revision, rules: rulesFor(policy, options.namespace, options.stage) };
}

export interface PolicyCheck {
  /** Undefined when there are problems. */
  readonly revision: string | undefined;
  readonly problems: readonly PolicyProblem[];
}

/** Lists all errors in the text of a policy, and its rules that can never apply. */
export function checkPolicy(text: string): PolicyCheck {
  const problems = checkPolicyText(text);
  return { problems, revision: problems.length === 0 ? parsePolicy(text).revision : undefined };
}

/**
 * Judges the same reports with another policy, and with the signatures, bases and VEX that the gate of this data
 * folder finds now. Stored reports are judged for each namespace and stage that they were judged for before.
 * @throws Fault POLICY_INVALID, DATA_DIR_EMPTY when there are no stored reports to test with, IMAGE_STORE_INVALID
 */
export async function testPolicy(options: PolicyTestOptions): Promise<PolicyTest> {
  const after = await policyOf(options.policy, options);
  const before = await policyOf(options.against, options);
  const now = Date.now();
  const config = await loadConfig(options);
  const stores = operatorStores(config);
  await using stack = new AsyncDisposableStack();
  stack.use(actAsOwner(config.dataDir));
  const store =
    options.reports === undefined ? stack.use(await openUsedGate(stores, config.dataDir)) : undefined;
  const sources = stack.use(await openStoredEvidence(config, stores, createLog('error')));
  const reports = store === undefined ? (options.reports ?? []).map(givenReport) : storedReports(store);
  return await policyTest(before, after, reports, sources, now);
}

/** A given policy counts with the waivers of this data folder, as it would when it came into force. */
async function policyOf(text: string | undefined, options: GateAdminOptions): Promise<Policy> {
  const { policy, waivers } = await policyInForce(options);
  return text === undefined ? policy : parsePolicy(text, waivers);
}

interface ReadPolicy {
  readonly policy: Policy;
  readonly source: string;
  readonly isOwn: boolean;
  /** They are in the policy. */
  readonly waivers: readonly Waiver[];
}

/** The operator's policy, else Ward's own, with the waivers. @throws Fault POLICY_INVALID, DATA_DIR_INVALID */
export async function policyInForce(options: GateAdminOptions): Promise<ReadPolicy> {
  return await readPolicyFile(options, await waiversInForce(await loadConfig(options)));
}

/** The same, by default without the waivers: it reads no database. @throws Fault POLICY_INVALID, DATA_DIR_INVALID */
export async function readPolicyFile(
  options: GateAdminOptions,
  waivers: readonly Waiver[] = [],
): Promise<ReadPolicy> {
  const { dataDir } = await loadConfig(options);
  const { policy: path } = gatePaths(dataDir);
  using _acting = actAsOwner(dataDir);
  try {
    const { policy, isOwn } = readPolicy(path, waivers);
    return { policy, isOwn, source: isOwn ? own : path, waivers };
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw serverFault('DATA_DIR_INVALID', `${path} can't be read: ${messageOf(cause)}`, { cause });
  }
}

/** None where the gate has stored nothing yet. @throws Faults of the gate's store, POLICY_INVALID */
export async function waiversInForce(config: Config): Promise<readonly Waiver[]> {
  const { database, waivers: file } = gatePaths(config.dataDir);
  const stores = operatorStores(config);
  await using stack = new AsyncDisposableStack();
  stack.use(actAsOwner(config.dataDir));
  // A server that has not been started since keeps them in a file.
  const ofFile = readWaiversFile(file) ?? [];
  if (stores.engine === 'sqlite' && !(await isPresent(database))) return ofFile;
  const store = stack.use(
    stores.engine === 'sqlite' ? await stores.openGate(false) : await stores.readGate(),
  );
  const stored = await store.waivers();
  const known = new Set(stored.map(({ id }) => id));
  return [...ofFile.filter(({ id }) => !known.has(id)), ...stored];
}

export interface WaiverAdmin extends AsyncDisposable {
  /** The oldest first, with those that are over. */
  list(): Promise<readonly Waiver[]>;
  /** @throws Fault WAIVER_INVALID, WAIVERS_TOO_MANY */
  create(asked: object): Promise<Waiver>;
  /** @throws Fault WAIVER_MISSING */
  delete(id: string): Promise<void>;
}

/** A running server takes up a change within seconds. @throws Fault DATA_DIR_EMPTY, and Faults of the gate's store */
export async function waiverAdmin(options: GateAdminOptions): Promise<WaiverAdmin> {
  const config = await loadConfig(options);
  const stores = operatorStores(config);
  await using stack = new AsyncDisposableStack();
  stack.use(actAsOwner(config.dataDir));
  const store = stack.use(await openUsedGate(stores, config.dataDir));
  const opened = stack.move();
  return {
    list: () => store.waivers(),
    create: (asked) => addWaiver(store, asked),
    async delete(id) {
      if (await endWaiver(store, id)) return;
      throw serverFault('WAIVER_MISSING', `there is no waiver ${id}`, { hint: 'ward waiver list' });
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Builds the subject as a push would. */
function givenReport(report: Report): TestedReport {
  const { kind, digest } = report.target;
  const occasions = [{ stage: 'push', namespace: guest }] as const;
  return { kind: kind === 'code' || kind === 'artifact' ? kind : 'image', digest, report, occasions };
}
