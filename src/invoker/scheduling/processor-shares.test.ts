import { expect, test } from 'vitest';
import { createProcessorShares } from './processor-shares.ts';

class FakeWorker {
  usec = 0;
  isBehind = false;
  readonly share: number;

  /** @param share processors that it uses all the time */
  constructor(share: number) {
    this.share = share;
  }

  cpuUsec = () => this.usec;
  standBack(isBehind: boolean) {
    this.isBehind = isBehind;
  }
}

function during(ms: number, shares: ReturnType<typeof createProcessorShares>, workers: FakeWorker[]): void {
  for (let at = 0; at <= ms; at += 50) {
    shares.update(clock);
    clock += 50;
    for (const worker of workers) worker.usec += worker.share * 50_000;
  }
}

let clock = 0;

test('a namespace that uses more than its share stands back, and one that uses little does not', () => {
  const shares = createProcessorShares();
  const spinners = [new FakeWorker(0.98), new FakeWorker(0.98)];
  const victim = new FakeWorker(0.01);
  for (const spinner of spinners) shares.join('noisy', spinner, true);
  shares.join('quiet', victim, true);
  during(1000, shares, [...spinners, victim]);
  expect(spinners.map(({ isBehind }) => isBehind)).toEqual([true, true]);
  expect(victim.isBehind).toBe(false);
});

test('the use of all sandboxes of a namespace is added up', () => {
  const shares = createProcessorShares();
  const many = Array.from({ length: 10 }, () => new FakeWorker(0.15));
  for (const each of many) shares.join('noisy', each, true);
  during(1000, shares, many);
  expect(many.every(({ isBehind }) => isBehind)).toBe(true);
});

test('a worker whose time cannot be read can still leave', () => {
  const shares = createProcessorShares();
  const worker = new FakeWorker(1);
  const leave = shares.join('noisy', worker, true);
  worker.cpuUsec = () => {
    throw new Error('too many open files');
  };
  expect(leave).not.toThrow();
  expect(() => shares.update(clock + 50)).not.toThrow();
});

test('a short burst does not count beside lasting use', () => {
  const shares = createProcessorShares();
  const [steady, burst] = [new FakeWorker(1), new FakeWorker(2)];
  shares.join('steady', steady, true);
  during(1000, shares, [steady]);
  shares.join('bursting', burst, true);
  during(50, shares, [steady, burst]);
  expect([steady, burst].map(({ isBehind }) => isBehind)).toEqual([true, false]);
});

test('shares divide what is available, also on a host with other work', () => {
  const shares = createProcessorShares();
  const [heavy, light] = [new FakeWorker(0.2), new FakeWorker(0.06)];
  shares.join('heavy', heavy, true);
  shares.join('light', light, true);
  during(1000, shares, [heavy, light]);
  expect([heavy, light].map(({ isBehind }) => isBehind)).toEqual([true, false]);
});

test('a namespace with no more than its share stops standing back', () => {
  const shares = createProcessorShares();
  const worker = new FakeWorker(1.9);
  shares.join('heavy', worker, true);
  during(1000, shares, [worker]);
  expect(worker.isBehind).toBe(true);
  during(1000, shares, []);
  expect(worker.isBehind).toBe(false);
});

test('of many that want everything, those with more than the others stand back', () => {
  const shares = createProcessorShares();
  const [first, second, third] = [new FakeWorker(1), new FakeWorker(0.5), new FakeWorker(0.5)];
  for (const [at, each] of [first, second, third].entries()) shares.join(`ns${at}`, each, true);
  during(2000, shares, [first, second, third]);
  expect([first, second, third].map(({ isBehind }) => isBehind)).toEqual([true, false, false]);
});

test('sandboxes that come and go are counted to their end, and new ones stand back from the start', () => {
  const shares = createProcessorShares();
  for (let at = 0; at < 40; at++) {
    const brief = new FakeWorker(0);
    const leave = shares.join('storm', brief, true);
    brief.usec = 90_000;
    leave();
    clock += 50;
    shares.update(clock);
  }
  const next = new FakeWorker(0);
  shares.join('storm', next, true);
  expect(next.isBehind).toBe(true);
});

test('what a blank sandbox used before it joined the namespace is not counted', () => {
  const shares = createProcessorShares();
  const blank = new FakeWorker(0);
  blank.usec = 60_000_000;
  shares.update(clock);
  shares.join('new', blank, false);
  during(100, shares, [blank]);
  expect(blank.isBehind).toBe(false);
});
