/**
 * An invoker that was taken over attacks the other nodes of its cluster, with its own certificate. Each technique first
 * does what the node may: a bus or an API node that refuses everything proves nothing.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  joinCluster,
  keyId,
  makeAuthority,
  newNodeKey,
  newToken,
  parseToken,
  proofOf,
  renewIdentity,
} from '../../cluster/index.ts';
import { isFault, messageOf, newActivationId, randomHex } from '../../lib/index.ts';
import { openTakenBus, type TakenBus, type TakenNode, type TakenWay } from '../taken-node.ts';
import type { AttackAnswer, HostTechnique, Technique } from '../types.ts';

const head = { vector: 'cluster', expects: ['refused'] } as const;
const hourMs = 3_600_000;

type Subject = (bus: TakenBus) => string;
type Control = 'bus-rights' | 'job-check' | 'node-check';

interface Attack {
  readonly name: string;
  readonly title: string;
  readonly control: Control;
  readonly reference: string;
}

function onNode(attack: Attack, run: (node: TakenNode) => Promise<AttackAnswer>): HostTechnique {
  return {
    ...{ ...head, ...attack, name: `node-${attack.name}`, title: `in an invoker: ${attack.title}` },
    run: async ({ node }) => (typeof node === 'string' ? { outcome: 'NOTHING', detail: node } : run(node)),
  };
}

/** An attack on the bus, with words that the server of the bus must refuse. */
function onBus(
  name: string,
  title: string,
  attempt: (bus: TakenBus) => readonly (readonly ['hear' | 'say', string])[],
): HostTechnique {
  const attack = { name, title, control: 'bus-rights', reference: 'src/cluster/bus-rights.ts' } as const;
  return onNode(attack, async (node) => {
    await using bus = await openTakenBus(node);
    await bus.mayBegin(newActivationId());
    let refusal = '';
    for (const [how, subject] of attempt(bus)) {
      const { probe } = bus;
      // Empty: no node could use it, if it got through.
      const said = how === 'hear' ? await probe.hear(subject) : await probe.say(subject, Buffer.alloc(0));
      if (said === undefined) return escaped(`the bus lets it ${how} ${subject}`);
      refusal = said;
    }
    return refused(refusal);
  });
}

const hears =
  (...subjects: readonly Subject[]) =>
  (bus: TakenBus) =>
    subjects.map((subject) => ['hear', subject(bus)] as const);
const says =
  (...subjects: readonly Subject[]) =>
  (bus: TakenBus) =>
    subjects.map((subject) => ['say', subject(bus)] as const);

/** An attack on an API node over HTTP. */
function onApi(
  attack: Omit<Attack, 'control' | 'reference'>,
  run: (node: TakenNode, way: TakenWay) => Promise<AttackAnswer>,
) {
  const whole = { ...attack, control: 'node-check', reference: 'src/cluster/service.ts' } as const;
  return onNode(whole, async (node) => {
    const { api } = node;
    if (api === undefined)
      return { outcome: 'NOTHING', detail: 'give the address of an API node: ward prove --join URL' };
    await api.door.describe();
    return run(node, api);
  });
}

export const takenInvokerTechniques: readonly Technique[] = [
  onBus(
    'hear-jobs',
    'hear the jobs of another invoker',
    hears(
      ({ subjects, other }) => subjects.invoker(other, '*'),
      ({ subjects }) => subjects.invoker('*', '*'),
    ),
  ),
  onBus(
    'hear-answers',
    'hear the results and logs of other invokers',
    hears(
      ({ subjects, api }) => subjects.api(api, '*'),
      ({ subjects }) => subjects.api('*', '*'),
    ),
  ),
  onBus(
    'hear-everything',
    'hear everything on the bus, and what its server says about itself',
    hears(
      () => '>',
      () => '$SYS.>',
    ),
  ),
  onBus(
    'answer-for-another',
    'answer the job of another invoker in its name',
    says(({ subjects, api, other }) => subjects.api(api, other)),
  ),
  onBus(
    'report-for-another',
    'report in the name of another invoker',
    says(({ subjects, other }) => subjects.report('invoker', other)),
  ),
  onBus(
    'report-as-api',
    'report as a node that serves the API',
    says(
      ({ subjects, self }) => subjects.report('api', self),
      ({ subjects, api }) => subjects.report('api', api),
    ),
  ),
  onBus(
    'give-jobs',
    'give jobs to another invoker, in its own name and in that of an API node',
    says(
      ({ subjects, other, self }) => subjects.invoker(other, self),
      ({ subjects, other, api }) => subjects.invoker(other, api),
    ),
  ),
  onBus(
    'speak-to-all',
    'tell all nodes what only API nodes may tell',
    says(
      ({ subjects, self }) => subjects.all(self),
      ({ subjects, api }) => subjects.all(api),
    ),
  ),
  onNode(
    {
      name: 'claim-other-name',
      title: 'claim the name of an API node beside its own certificate',
      control: 'bus-rights',
      reference: 'src/cluster/bus-rights.ts',
    },
    async (node) => {
      await using own = await openTakenBus(node);
      const subject = own.subjects.all(own.api);
      let claimed: TakenBus;
      try {
        claimed = await openTakenBus(node, `CN=${own.api},O=api`);
      } catch (error) {
        return refused(messageOf(error));
      }
      await using _ = claimed;
      const said = await claimed.probe.say(subject, Buffer.alloc(0));
      return said === undefined ? escaped(`it speaks as ${own.api}`) : refused(said);
    },
  ),
  onNode(
    {
      name: 'begin-unsent-job',
      title: 'get leave for a job that it was not given',
      control: 'job-check',
      reference: 'src/dispatch/remote/remote-jobs.ts',
    },
    async (node) => {
      await using bus = await openTakenBus(node);
      const mayBegin = await bus.mayBegin(newActivationId());
      return mayBegin ? escaped(`${bus.api} lets it begin`) : refused(`${bus.api} says no`);
    },
  ),
  onNode(
    {
      name: 'follow-log',
      title: 'follow the log of an activation, as API nodes do among each other',
      control: 'job-check',
      reference: 'src/dispatch/cluster/relayed-calls.ts',
    },
    async (node) => {
      await using bus = await openTakenBus(node);
      const activationId = newActivationId();
      const question = randomHex(8);
      await bus.tellApi({ type: 'where', activationId, head: { question, namespace: 'guest' } });
      await bus.tellApi({
        ...{ type: 'follow', activationId },
        head: { follower: 1, piece: 0, namespace: 'guest' },
      });
      // It answers in order, and this it does answer.
      await bus.mayBegin(activationId);
      const answers = bus.heardAbout(activationId).filter((type) => type !== 'begin');
      return answers.length > 0 ? escaped(`${bus.api} answers: ${answers}`) : refused('no answer');
    },
  ),
  onApi(
    { name: 'list-blobs', title: 'list code and images, or get some by a guess' },
    async ({ identity }, way) => {
      const get = (path: string) => way.get(path, proofOf(identity, `GET ${path}`));
      if ((await get('/ward/v1/cluster/images')) !== 200) throw new Error('its own requests are refused');
      const root = '/ward/v1/cluster/blobs';
      const paths = [
        ...[root, `${root}/code`, `${root}/code/`, `${root}/registry/`],
        `${root}/code/sha256:${randomBytes(32).toString('hex')}`,
        `${root}/code/..%2f..%2fcluster%2fauthority.pem`,
      ];
      return allRefused(paths, get);
    },
  ),
  onApi({ name: 'open-api', title: 'use its certificate as a key of the API' }, async ({ identity }, way) =>
    allRefused(
      ['/api/v1/namespaces', '/api/v1/namespaces/_/actions', '/ward/v1/namespaces', '/ward/v1/nodes'],
      (path) => way.get(path, proofOf(identity, `GET ${path}`)),
    ),
  ),
  onApi(
    { name: 'reuse-proof', title: 'use a proof for another request, or an old one again' },
    async ({ identity }, way) => {
      const [path, other] = [
        '/ward/v1/cluster/images',
        `/ward/v1/cluster/blobs/code/sha256:${'0'.repeat(64)}`,
      ];
      if ((await way.get(path, proofOf(identity, `GET ${path}`))) !== 200)
        throw new Error('its own requests are refused');
      const statuses = [
        await way.get(other, proofOf(identity, `GET ${path}`)),
        await way.get(path, proofOf(identity, `GET ${path}`, Date.now() - hourMs)),
      ];
      // 404 would mean that it was let in, and the blob is not there.
      const isLetIn = statuses.some((status) => status < 400 || status === 404);
      return isLetIn ? escaped(`status ${statuses}`) : refused(`status ${statuses}`);
    },
  ),
  onApi({ name: 'join-again', title: 'join again with the token that it has used' }, async (node, way) => {
    if (node.token === undefined)
      return { outcome: 'NOTHING', detail: 'give the token with which the node has joined: WARD_JOIN_TOKEN' };
    const { role, name = `ward-prove-${randomHex(4)}` } = parseToken(node.token);
    return joinAs(way, { role, name, token: node.token });
  }),
  onApi(
    { name: 'forge-token', title: 'join as an API node with a token of its own making' },
    async (node, way) => {
      const { cluster, authority } = node.identity;
      const name = `ward-prove-${randomHex(4)}`;
      const { text } = newToken({
        cluster,
        role: 'api',
        name,
        pin: keyId(new X509Certificate(authority).publicKey),
      });
      return joinAs(way, { role: 'api', name, token: text });
    },
  ),
  onApi(
    { name: 'forge-certificate', title: 'renew a certificate of an API node that it made itself' },
    async (node, way) =>
      inFolder(async (folder) => {
        const { authority } = await makeAuthority(folder);
        const { identity } = node;
        const name = `ward-prove-${randomHex(4)}`;
        const key = newNodeKey();
        const now = Date.now();
        const certificate = await authority.issue({
          ...{ subject: { commonName: name, organization: 'api' }, key, use: 'node' },
          ...{ from: now - hourMs, until: now + hourMs },
        });
        return faultOf(() =>
          renewIdentity(way.door, folder, { ...identity, name, role: 'api', key, certificate }),
        );
      }),
  ),
];

async function joinAs(
  { door }: TakenWay,
  { role, name, token }: { readonly role: 'api' | 'invoker'; readonly name: string; readonly token: string },
): Promise<AttackAnswer> {
  return inFolder((folder) => faultOf(() => joinCluster({ door, folder, role, name, token })));
}

async function inFolder(work: (folder: string) => Promise<AttackAnswer>): Promise<AttackAnswer> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-prove-node-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Only a fault of the cluster is a refusal: one of the network proves nothing. */
async function faultOf(
  act: () => Promise<{ readonly name: string; readonly role: string }>,
): Promise<AttackAnswer> {
  try {
    const { name, role } = await act();
    return escaped(`it has a certificate as ${role} ${name}: ward node remove ${name}`);
  } catch (error) {
    if (!isFault(error) || error.code === 'CLUSTER_UNREACHABLE') throw error;
    return refused(`${error.code}: ${error.message}`);
  }
}

async function allRefused(
  paths: readonly string[],
  get: (path: string) => Promise<number>,
): Promise<AttackAnswer> {
  const told: string[] = [];
  for (const path of paths) {
    const status = await get(path);
    if (status < 400) return escaped(`${path}: status ${status}`);
    if (status >= 500) throw new Error(`${path}: status ${status}`);
    told.push(`${status}`);
  }
  return refused(`status ${[...new Set(told)].join(', ')}`);
}

function refused(detail: string): AttackAnswer {
  return { outcome: 'BLOCKED', answer: 'refused', detail };
}

function escaped(detail: string): AttackAnswer {
  return { outcome: 'ESCAPED', detail };
}
