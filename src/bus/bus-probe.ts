/** One connection to the bus that tries things, and tells what the server refuses. For the attack suite. */
import { setImmediate as turn } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { messageOf } from '../lib/index.ts';
import type { BusAddresses } from './addresses.ts';
import { clientOptions } from './client-options.ts';
import type { BusIdentity, BusProbe } from './types.ts';

/** @throws Error when the server does not let it in */
export async function dialBus(
  addresses: BusAddresses,
  identity: BusIdentity,
  user?: string,
): Promise<BusProbe> {
  const connection = await connect({
    ...clientOptions(user === undefined ? addresses : { ...addresses, user }, identity),
    name: 'ward prove',
    reconnect: false,
    noAsyncTraces: true,
  });
  const refusals: string[] = [];
  void collect(connection, refusals);
  /** The server answers in order: what it refuses comes before the confirmation. */
  const refusalOf = async (subject: string) => {
    await connection.flush();
    await turn();
    return refusals.find((text) => text.includes(`"${subject}"`));
  };
  return {
    async hear(subject, onBytes = () => {}) {
      const subscription = connection.subscribe(subject, {
        callback(error, { subject: to, data }) {
          if (error === null) onBytes(Buffer.from(data), to);
        },
      });
      const refusal = await refusalOf(subject);
      if (refusal !== undefined && !subscription.isClosed()) subscription.unsubscribe();
      return refusal;
    },
    async say(subject, bytes) {
      connection.publish(subject, bytes);
      return refusalOf(subject);
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

async function collect(connection: NatsConnection, refusals: string[]): Promise<void> {
  for await (const status of connection.status())
    if (status.type === 'error') refusals.push(messageOf(status.error));
}
