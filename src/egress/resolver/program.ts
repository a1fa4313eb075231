/**
 * The resolver's process: it reads what sandboxes and name servers send, and has access to nothing but the sockets that
 * it is given. Ward decides which addresses are opened (`resolver.ts`).
 */
import { Socket as UdpSocket } from 'node:dgram';
import { Server } from 'node:net';
import { type Answerer, createAnswerer } from './answers.ts';
import { mostAddresses, type Told } from './decision.ts';
import { type Listener, listen } from './listener.ts';
import type { ResolverOrder, ResolverReport } from './protocol.ts';
import { createRates } from './rates.ts';
import { openUpstream } from './upstream.ts';

const waiting = new Map<number, PromiseWithResolvers<Told>>();
let host: { readonly hasIpv6: boolean; readonly resolvers: readonly string[] } = {
  hasIpv6: false,
  resolvers: [],
};
const rates = createRates();
let asked = 0;
let udp: UdpSocket | undefined;
let listener: Listener | undefined;

process.on('disconnect', () => process.exit(0));
process.on('message', (message, handle) => {
  if (handle instanceof UdpSocket) udp = handle;
  else if (handle instanceof Server && udp) listener = listen({ udp, tcp: handle });
  else perform(message as ResolverOrder);
});

function perform(order: ResolverOrder): void {
  if (order.order === 'serve') listener?.serve(order.slot, answererFor(order));
  else if (order.order === 'leave') listener?.leave(order.slot);
  else if (order.order === 'mark') listener?.mark(order.port);
  else if (order.order === 'host') host = order;
  else if (order.order === 'told') settled(order.id)?.resolve(order);
  else settled(order.id)?.reject(new Error('not opened'));
}

function answererFor({
  slot,
  tenant,
  hosts,
  resolvers,
}: Extract<ResolverOrder, { order: 'serve' }>): Answerer {
  const answer = createAnswerer({
    hosts,
    upstream: openUpstream(() => resolvers ?? host.resolvers),
    hasIpv6: () => host.hasIpv6,
    decide(name, found) {
      const id = ++asked;
      const answer = Promise.withResolvers<Told>();
      waiting.set(id, answer);
      report({ report: 'found', id, slot, name, found: found.slice(0, mostAddresses) });
      return answer.promise;
    },
    onRefusal: (name) => report({ report: 'refused', slot, name }),
  });
  return async (message, transport) => (rates.take(tenant) ? answer(message, transport) : undefined);
}

function settled(id: number): PromiseWithResolvers<Told> | undefined {
  const answer = waiting.get(id);
  waiting.delete(id);
  return answer;
}

function report(what: ResolverReport): void {
  process.send?.(what);
}
