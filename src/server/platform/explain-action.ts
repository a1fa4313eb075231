/** What would decide about a call of an action now: the gate's verdict, and the policy of its sandboxes in words. */
import type { ExplainAction } from '../../api/index.ts';
import { sandboxPolicy } from '../../dispatch/index.ts';
import { type CodeGate, effectiveAsk, type Functions, type Runnable } from '../../functions/index.ts';
import { codeSubject } from '../../gate/index.ts';
import { explainPolicy, operatorPolicy } from '../../sandbox/index.ts';
import type { Config } from '../config/config.ts';

interface ExplainParts {
  readonly actions: Pick<Functions['actions'], 'resolve'>;
  readonly codeGate: Pick<CodeGate, 'mayRun'>;
  readonly sandbox: Config['sandbox'];
}

export function createExplainer({ actions, codeGate, sandbox: setting }: ExplainParts): ExplainAction {
  const operator = operatorPolicy(setting);
  return async (ref, { namespace, limits }) => {
    const { action, fullName, plan } = await actions.resolve(ref, namespace);
    const { kind } = action.exec;
    if (plan.type !== 'code') return { action: fullName, kind, gate: null, policy: [] };
    const { image, code, runLimits, sandbox } = plan;
    const runnable = { kind: plan.kind, image, digest: code.digest, owner: action.ref.namespace };
    const target = { limits: runLimits, sandbox: effectiveAsk(sandbox, limits.sandbox) };
    return {
      action: fullName,
      kind,
      /** The kind that runs it. */
      runs: plan.kind,
      gate: await gateAnswer(codeGate, runnable, namespace),
      policy: explainPolicy({ policy: sandboxPolicy(target, operator).policy }),
    };
  };
}

/** The gate's verdict on a call now, with the digest of its report. */
export async function gateAnswer(
  codeGate: Pick<CodeGate, 'mayRun'>,
  runnable: Runnable,
  namespace: string,
): Promise<{ readonly outcome: string; readonly summary: string; readonly digest: string | null }> {
  const { outcome, summary, image } = await codeGate.mayRun(runnable, namespace);
  const digest =
    runnable.image === undefined
      ? codeSubject(runnable.digest, runnable.kind).digest
      : (image?.split('@')[1] ?? null);
  return { outcome, summary, digest };
}
