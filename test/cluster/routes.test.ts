/** A split of the servers of NATS: what is published on one side is not heard on the other one, until it heals. */
import { expect, it } from 'vitest';
import { type Bus, openBus, parseBusAddresses } from '../../src/bus/index.ts';
import { missingForNats, startNats } from '../../src/bus/nats-server.fixture.ts';
import { silentLog } from '../../src/lib/index.ts';
import { Routes } from './routes.ts';

const missing = await missingForNats();
const patience = { timeout: 30_000, interval: 20 };

async function busAt(url: string): Promise<Bus> {
  const addresses = parseBusAddresses(url);
  const bus = await openBus({ addresses, name: 'test', messageBytes: 1024 * 1024, log: silentLog });
  expect(await bus.untilUp(30_000)).toBe(true);
  return bus;
}

/** The texts that arrive, as they do. */
function hear(bus: Bus): string[] {
  const heard: string[] = [];
  bus.subscribe('news', ({ bytes }) => heard.push(bytes.toString()));
  return heard;
}

it.skipIf(missing !== undefined)(`splits three servers, and joins them again${missing ?? ''}`, async () => {
  using routes = new Routes();
  await using nats = await startNats(3, [], { routesBetween: routes.open });
  const [first = '', second = '', third = ''] = nats.setting.split(',');
  await expect.poll(() => routes.areWhole, patience).toBe(true);
  await using one = await busAt(first);
  await using two = await busAt(second);
  await using three = await busAt(third);
  const [atOne, atThree] = [hear(one), hear(three)];
  const say = (text: string) => two.publish('news', Buffer.from(text));
  const isHeard = (text: string) => () => {
    say(text);
    return [atOne.includes(text), atThree.includes(text)];
  };
  await expect.poll(isHeard('together'), patience).toEqual([true, true]);
  // After the first time they could know ways of their own.
  for (const time of ['first', 'second']) {
    routes.set('refusing', [0]);
    await expect.poll(() => routes.areWhole, patience).toBe(false);
    await expect.poll(isHeard(`${time} apart`), patience).toEqual([false, true]);
    routes.set('open', [0]);
    await expect.poll(() => routes.areWhole, patience).toBe(true);
    await expect.poll(isHeard(`${time} joined`), patience).toEqual([true, true]);
  }
  expect(atOne.filter((text) => text.endsWith('apart'))).toEqual([]);
});
