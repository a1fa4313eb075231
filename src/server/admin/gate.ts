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
import { loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { guest } from '../first-namespace.ts';
import { openStoredEvidence } from '../gate/evidence.ts';
import { readPolicy, readWaivers } from '../gate/policy-source.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { actAsOwner } from './act-as.ts';
import { openUsedGate, operatorStores } from './operator-stores.ts';

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

/** The operator's policy, else Ward's own, with the waivers. @throws Fault POLICY_INVALID, DATA_DIR_INVALID */
export async function policyInForce(options: GateAdminOptions): Promise<{
  readonly policy: Policy;
  readonly source: string;
  readonly isOwn: boolean;
  readonly waivers: readonly Waiver[];
}> {
  const { dataDir } = await loadConfig(options);
  const paths = gatePaths(dataDir);
  using _acting = actAsOwner(dataDir);
  try {
    const { policy, isOwn } = readPolicy(paths);
    return { policy, isOwn, source: isOwn ? own : paths.policy, waivers: readWaivers(paths.waivers) };
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw serverFault('DATA_DIR_INVALID', `${paths.policy} can't be read: ${messageOf(cause)}`, { cause });
  }
}

/** Builds the subject as a push would. */
function givenReport(report: Report): TestedReport {
  const { kind, digest } = report.target;
  const occasions = [{ stage: 'push', namespace: guest }] as const;
  return { kind: kind === 'code' || kind === 'artifact' ? kind : 'image', digest, report, occasions };
}
