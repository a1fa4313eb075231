/**
 * Large parameters on their way to an invoker: as frames of a message, and as a blob that the one node puts into the shared store
 * and the other gets from there. Both ends are in this process, whose processor time it counts: without NATS and moto.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openSharedBlobs, parseBlobLocation } from '../../src/blobs/index.ts';
import { openBus } from '../../src/bus/index.ts';
import { Link } from '../../src/dispatch/wire/link.ts';
import { defaultMessageLimits } from '../../src/dispatch/wire/messages.ts';
import { silentLog } from '../../src/lib/index.ts';
import type { Engines } from '../../test/cluster/engines.ts';
import { median, ms, type Row } from '../table.ts';

const sizesKiB = [256, 1024];
const rounds = 5;
const transfers = 8;

type Send = (bytes: Buffer) => Promise<void>;

interface Sample {
  readonly ms: number;
  readonly cpuMs: number;
}

export async function payloadRows(engines: Engines, folder: string): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const ways = { frames: await byFrames(engines, stack), blob: await byBlob(engines, folder, stack) };
  const rows: Row[] = [];
  for (const sizeKiB of sizesKiB) {
    const samples = { frames: [] as Sample[], blob: [] as Sample[] };
    for (let round = -1; round < rounds; round++)
      for (const way of ['frames', 'blob'] as const) {
        const sample = await sampleOf(ways[way], sizeKiB * 1024);
        // The first round warms both up.
        if (round >= 0) samples[way].push(sample);
      }
    rows.push(...rowsOf(sizeKiB, samples));
  }
  return rows;
}

async function byFrames({ nats }: Engines, stack: AsyncDisposableStack): Promise<Send> {
  const open = async (name: string) => {
    const { frameBytes: messageBytes } = defaultMessageLimits;
    const bus = stack.use(await openBus({ addresses: nats.addresses, name, messageBytes, log: silentLog }));
    await bus.untilUp(10_000);
    return { bus, link: stack.use(new Link(bus, silentLog)) };
  };
  const [sender, receiver] = [await open('sender'), await open('receiver')];
  let arrived: (tail: Buffer) => void = () => {};
  stack.use(receiver.link.listen('payload.*', (_, { tail }) => arrived(tail)));
  await receiver.bus.flush();
  return async (tail) => {
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    arrived = resolve;
    sender.link.send('payload.sender', {
      type: 'run',
      activationId: '0'.repeat(32),
      attempt: 0,
      head: {},
      tail,
    });
    requireSame(await promise, tail);
  };
}

async function byBlob({ settings }: Engines, folder: string, stack: AsyncDisposableStack): Promise<Send> {
  const location = parseBlobLocation(settings.blobs.replace('/ward?', '/payloads?'));
  const open = async (name: string) => {
    const shared = stack.use(await openSharedBlobs(location, silentLog));
    return await shared.open({
      name: 'code',
      dir: join(folder, `payloads-${name}`),
      mode: 0o640,
      dirMode: 0o750,
    });
  };
  const [sender, receiver] = [await open('sender'), await open('receiver')];
  return async (bytes) => requireSame(await receiver.get(await sender.put(bytes)), bytes);
}

function requireSame(found: Buffer, sent: Buffer): void {
  if (!found.equals(sent)) throw new Error('other bytes arrived');
}

async function sampleOf(send: Send, bytes: number): Promise<Sample> {
  // Bytes that the store does not have yet.
  const payloads = Array.from({ length: transfers }, () =>
    Buffer.from(randomBytes(bytes / 2).toString('hex')),
  );
  const [begunAt, cpu] = [performance.now(), process.cpuUsage()];
  for (const payload of payloads) await send(payload);
  const { user, system } = process.cpuUsage(cpu);
  return { ms: (performance.now() - begunAt) / transfers, cpuMs: (user + system) / 1000 / transfers };
}

function rowsOf(
  sizeKiB: number,
  samples: Readonly<Record<'frames' | 'blob', readonly Sample[]>>,
): readonly Row[] {
  const row = (what: string, figure: (sample: Sample) => number): Row => {
    const [blob, frames] = [median(samples.blob.map(figure)), median(samples.frames.map(figure))];
    const isMet = frames <= blob;
    return {
      what,
      baseline: `as a blob by way of moto ${ms(blob)}`,
      ward: `as frames ${ms(frames)}`,
      ...{ result: `${(frames / blob).toFixed(2)} ×`, target: '≤ 1 ×', isMet },
    };
  };
  return [
    row(`parameters of ${sizeKiB} KiB to another node`, (sample) => sample.ms),
    row('processor time of both ends for them', (sample) => sample.cpuMs),
  ];
}
