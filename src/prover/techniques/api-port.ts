/** Attacks the port for the API in a sandbox whose action has a key: tries to get past the API of its own namespace. */
import { setTimeout as delay } from 'node:timers/promises';
import { isJsonObject } from '../../lib/index.ts';
import { programText } from '../programs.ts';
import type { AttackAnswer, Expectation, HostContext, HostTechnique } from '../types.ts';

interface Attack {
  readonly name: string;
  readonly title: string;
  readonly reference: string;
  readonly expects: Expectation;
}

const attacks: readonly Attack[] = [
  {
    name: 'api-no-key',
    title: 'call the API from a sandbox without a key',
    reference: 'docs/api.md, Calling the platform',
    expects: 'refused',
  },
  {
    name: 'api-forged-key',
    title: 'call it with keys made up from parts of others',
    reference: 'CWE-290, CWE-287',
    expects: 'refused',
  },
  {
    name: 'api-foreign-key',
    title: 'use another tenant’s key, which is valid elsewhere',
    reference: 'CWE-441 (confused deputy)',
    expects: 'refused',
  },
  {
    name: 'api-foreign-entities',
    title: 'reach another tenant’s entities with its own key',
    reference: 'CWE-639',
    expects: 'refused',
  },
  {
    name: 'api-lesser-key',
    title: 'write with a key that may only read',
    reference: 'docs/api.md, Keys',
    expects: 'refused',
  },
  {
    name: 'api-other-routes',
    title: 'reach the operator’s metrics, the registry and public routes',
    reference: 'CWE-552, CWE-1327',
    expects: 'refused',
  },
  {
    name: 'api-path-tricks',
    title: 'climb out of the API through the path',
    reference: 'CWE-22, CWE-436, RFC 9112 (forms of the request target)',
    expects: 'refused',
  },
  {
    name: 'api-headers',
    title: 'pose as another caller with headers that proxies set',
    reference: 'CWE-345, CWE-348 (X-Forwarded-For, X-Original-URL)',
    expects: 'refused',
  },
  {
    name: 'api-smuggling',
    title: 'hide a request behind another, from a reader that parses differently',
    reference: 'CWE-444, RFC 9112 section 11.2',
    expects: 'refused',
  },
  {
    name: 'api-large-head',
    title: 'fill the host’s memory with an endless head',
    reference: 'CWE-770, CVE-2018-12121',
    expects: 'limit',
  },
  {
    name: 'api-relay-end',
    title: 'find, trace or end the process that carries the calls',
    reference: 'pid_namespaces(7), ptrace(2)',
    expects: 'absent',
  },
  {
    name: 'api-other-sockets',
    title: 'find the sockets that identify sandboxes',
    reference: 'unix(7), CVE-2020-15257',
    expects: 'absent',
  },
];

const control = 'api-entrance';

export const apiTechniques: readonly HostTechnique[] = [
  ...attacks.map(
    ({ expects, ...head }): HostTechnique => ({
      ...head,
      ...{ vector: 'application', control, expects: expects === 'absent' ? ['absent'] : [expects, 'absent'] },
      run: async (context) =>
        answerOf(await (await context.deployCaller(programText(`application/${head.name}`))).call()),
    }),
  ),
  {
    name: 'api-connections',
    title: 'hold hundreds of connections to the API open',
    reference: 'CWE-400, CWE-770',
    ...{ vector: 'application', control, expects: ['limit', 'absent'] },
    async run(context) {
      const caller = await context.deployCaller(programText('application/api-connections'));
      const answer = answerOf(await caller.call());
      // The host knows how many connections were open at once.
      const { most } = caller.connections();
      if (answer.outcome === 'BLOCKED' && most > 200)
        return { outcome: 'ESCAPED', detail: `${most} at once` };
      return answer.outcome === 'BLOCKED' ? { ...answer, detail: `${most} of 400 at once` } : answer;
    },
  },
  {
    name: 'api-frozen',
    title: 'keep calling the API while the sandbox should be frozen',
    reference: 'docs/api.md, Calling the platform',
    ...{ vector: 'application', control, expects: ['frozen', 'absent'] },
    timeoutMs: 40_000,
    run: callWhileFrozen,
  },
];

/** The program sends requests endlessly, from before its answer until long after it. */
async function callWhileFrozen(context: HostContext): Promise<AttackAnswer> {
  const caller = await context.deployCaller(programText('application/api-frozen'));
  const first = await caller.call();
  if (first['outcome'] === 'BLOCKED') return answerOf(first);
  // A busy machine may take a while to freeze it.
  for (const patienceMs of [500, 3000, 10_000]) {
    await delay(patienceMs);
    const before = caller.connections();
    await delay(400);
    const after = caller.connections();
    if (after.all !== before.all || after.open > 0) continue;
    const again = await caller.call({ again: true });
    return {
      outcome: 'BLOCKED',
      answer: 'frozen',
      detail: `asked ${String(again['asked'])} times, none of them while it was frozen`,
    };
  }
  return { outcome: 'ESCAPED', detail: 'it asks while it should be frozen' };
}

function answerOf(value: unknown): AttackAnswer {
  if (!isJsonObject(value)) throw new Error('no answer');
  const { outcome, answer, detail } = value;
  if (outcome === 'BLOCKED' && typeof answer === 'string') return { outcome, answer, detail: String(detail) };
  if (outcome === 'ESCAPED') return { outcome, detail: String(detail) };
  throw new Error(JSON.stringify(value).slice(0, 500));
}
