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
  type SharedFile,
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
import { readKept, readShared, replaceKept } from '../gate/policy-place.ts';
import { readPolicy, readWaiversFile, sharedPolicy } from '../gate/policy-source.ts';
import { addWaiver, endWaiver } from '../gate/waivers.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { actAsOwner } from './act-as.ts';
import { isPresent, openUsedGate, operatorStores, readStoredGate } from './operator-stores.ts';
import { vexInForce } from './vex.ts';

export interface GateAdminOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
}

export interface PolicyInForce {
  /** A path, `the database`, or `Ward’s own`. */
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

export interface PolicyTextInForce extends Omit<PolicyInForce, 'rules'> {
  /** As operators gave it; empty where only Ward's own rules count. */
  readonly text: string;
}

/** @throws Fault POLICY_INVALID, DATA_DIR_INVALID */
export async function policyTextInForce(options: GateAdminOptions): Promise<PolicyTextInForce> {
  const { policy, source, text } = await policyInForce(options);
  return { source, revision: policy.revision, text };
}

export interface PolicyCheck {
  /** Undefined when there are problems. */
  readonly revision: string | undefined;
  readonly problems: readonly PolicyProblem[];
}

/**
 * Puts a policy in force: on this machine, or on all servers of a cluster. A running server takes it up within seconds.
 * @throws Fault POLICY_INVALID, POLICY_CHANGED, POLICY_READ_ONLY, DATA_DIR_EMPTY
 */
export async function setPolicy(options: GateAdminOptions, text: string): Promise<SetPolicy> {
  const config = await loadConfig(options);
  const stores = operatorStores(config);
  const { policy: path } = gatePaths(config.dataDir);
  await using stack = new AsyncDisposableStack();
  stack.use(actAsOwner(config.dataDir));
  const store = stack.use(await openUsedGate(stores, config.dataDir));
  const isShared = stores.engine === 'postgres';
  const { revision } = parsePolicy(text, await store.waivers());
  const place = { path, store, isShared };
  const kept = await (isShared ? readShared(store) : readKept(place));
  await replaceKept(place, kept, { text, revision });
  const overriddenBy = isShared && (await isPresent(path)) ? path : undefined;
  return { revision, place: isShared ? stores.where : path, overriddenBy };
}

export interface SetPolicy {
  readonly revision: string;
  /** A path, or a database. */
  readonly place: string;
  /** A file of this machine, by which its server judges all the same. */
  readonly overriddenBy: string | undefined;
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
  const { vex } = await vexInForce(options);
  const after = await policyOf(options.policy, options);
  const before = await policyOf(options.against, options);
  const now = Date.now();
  const config = await loadConfig(options);
  const stores = operatorStores(config);
  await using stack = new AsyncDisposableStack();
  stack.use(actAsOwner(config.dataDir));
  const store =
    options.reports === undefined ? stack.use(await openUsedGate(stores, config.dataDir)) : undefined;
  const { imagesDir } = config;
  const sources = stack.use(await openStoredEvidence({ imagesDir, vex }, stores, createLog('error')));
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
  /** Of the operator's policy; empty for Ward's own. */
  readonly text: string;
  readonly isOwn: boolean;
  /** They are in the policy. */
  readonly waivers: readonly Waiver[];
}

/** What a server here judges by. @throws Fault POLICY_INVALID, DATA_DIR_INVALID, and those of the gate's store */
export async function policyInForce(options: GateAdminOptions): Promise<ReadPolicy> {
  const config = await loadConfig(options);
  const { waivers, shared } = await storedPolicy(config);
  const { policy: path } = gatePaths(config.dataDir);
  using _acting = actAsOwner(config.dataDir);
  try {
    const { policy, source, text } = readPolicy(path, waivers, shared);
    const named = { file: path, database: 'the database', own };
    return { policy, isOwn: source === 'own', source: named[source], text, waivers };
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw serverFault('DATA_DIR_INVALID', `${path} can't be read: ${messageOf(cause)}`, { cause });
  }
}

interface StoredPolicy {
  readonly waivers: readonly Waiver[];
  readonly shared?: SharedFile | undefined;
}

/** Nothing where the gate has stored nothing yet. @throws Faults of the gate's store, POLICY_INVALID */
async function storedPolicy(config: Config): Promise<StoredPolicy> {
  const { waivers: file } = gatePaths(config.dataDir);
  const stores = operatorStores(config);
  await using stack = new AsyncDisposableStack();
  stack.use(actAsOwner(config.dataDir));
  // A server that has not been started since keeps them in a file.
  const ofFile = readWaiversFile(file) ?? [];
  const store = stack.use(await readStoredGate(stores, config.dataDir));
  if (store === undefined) return { waivers: ofFile };
  const [stored, shared] = await Promise.all([store.waivers(), store.sharedFile(sharedPolicy)]);
  const known = new Set(stored.map(({ id }) => id));
  return { waivers: [...ofFile.filter(({ id }) => !known.has(id)), ...stored], shared };
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
