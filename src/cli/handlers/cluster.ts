/** `ward cluster init`, `nats-config`, `nats-certificate`; `ward node token`, `tokens`, `revoke-token`, `remove`. */
import type { OpenToken } from '../../server/index.ts';
import type { Handler } from '../command-spec.ts';
import { timeText } from '../entity-fields.ts';
import { localOptions, openServer } from '../local.ts';

const usualTokenMs = 3_600_000;
const mostUses = 1000;

export const init: Handler = async (input, { io }) => {
  const { initCluster } = await openServer();
  const done = await initCluster(localOptions(input));
  io.ok(
    done.isNew
      ? `made the authority of cluster ${done.cluster}`
      : `cluster ${done.cluster} has its authority`,
  );
  io.note(`keep a copy of ${done.file}: it has the key that signs the certificates of nodes`);
  io.note('next: restart Ward on this node, so that nodes can join; ward node token makes a token for each');
  await io.record({
    fields: [
      ['cluster', done.cluster],
      ['file', done.file],
    ],
    name: done.cluster,
    data: done,
  });
  return 0;
};

export const natsConfig: Handler = async (input, { io }) => {
  const { writeNatsConfig } = await openServer();
  const text = await writeNatsConfig(localOptions(input), {
    listen: input.text('listen') ?? '0.0.0.0:4222',
    folder: input.text('folder') ?? '/etc/nats',
  });
  io.print(text);
  io.note('next: put it on each machine of NATS, and tell the server: nats-server --signal reload');
  return 0;
};

export const natsCertificate: Handler = async (input, { io }) => {
  const { newBusCertificate } = await openServer();
  const written = await newBusCertificate(localOptions(input), input.rest(0), input.text('out') ?? '.');
  io.ok(`wrote ${written.certificate}, ${written.key} and ${written.authority}`);
  await io.record({
    fields: [
      ['certificate', written.certificate],
      ['key', written.key],
      ['authority', written.authority],
      ['expires', timeText(written.expiresAt)],
    ],
    name: written.certificate,
    data: written,
  });
  return 0;
};

export const token: Handler = async (input, { io }) => {
  const { newNodeToken } = await openServer();
  const made = await newNodeToken(localOptions(input), {
    role: input.text('role') ?? 'invoker',
    name: input.text('name'),
    uses: input.integer('uses', { min: 1, max: mostUses }) ?? 1,
    lifeMs: input.periodMs('ttl') ?? usualTokenMs,
  });
  const nodes = made.uses === 1 ? 'one node' : `${made.uses} nodes`;
  io.ok(`made a token for ${nodes} of role ${made.role}; it is shown only now`);
  await io.record({
    fields: [
      ['token', made.token],
      ['id', made.id],
      ['role', made.role],
      ['name', made.name ?? 'any'],
      ['uses', `${made.uses}`],
      ['expires', timeText(made.expiresAt)],
    ],
    name: made.token,
    data: made,
  });
  return 0;
};

export const tokens: Handler = async (input, { io }) => {
  const { listTokens } = await openServer();
  const items = await listTokens(localOptions(input));
  await io.list<OpenToken>({
    items,
    data: items,
    columns: [
      { title: 'id', cell: ({ id }) => id, isWhole: true },
      { title: 'role', cell: ({ role }) => role },
      { title: 'name', cell: ({ name }) => name ?? 'any' },
      { title: 'used', cell: ({ uses, used }) => `${used} of ${uses}`, align: 'right' },
      { title: 'expires', cell: ({ expiresAt }) => timeText(expiresAt) },
    ],
    name: ({ id }) => id,
  });
  return 0;
};

export const revokeToken: Handler = async (input, { io }) => {
  const { revokeToken } = await openServer();
  const id = input.required(0);
  await revokeToken(localOptions(input), id);
  io.ok(`revoked token ${id}`);
  return 0;
};

export const remove: Handler = async (input, { io }) => {
  const { removeNode } = await openServer();
  const name = input.required(0);
  const revoked = await removeNode(localOptions(input), name);
  io.ok(`removed node ${name}`);
  for (const { id, uses, used } of revoked)
    io.note(
      `token ${id} is revoked, as ${name} knows it; ${uses - used} more nodes could have joined with it`,
    );
  io.note('next: give NATS its new configuration, which ends the connection: ward cluster nats-config');
  return 0;
};
