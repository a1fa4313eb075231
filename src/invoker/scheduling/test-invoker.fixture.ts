/** The scheduler over fake slots, for the suite of dispatchers. */
import type { MakeInvoker } from '../../dispatch/dispatch.suite.ts';
import { requireAble } from '../../dispatch/index.ts';
import { operatorPolicy } from '../../sandbox/index.ts';
import { fakeScheduler } from './scheduler.fixture.ts';

export const makeInvoker: MakeInvoker = ({
  abilities = { operator: operatorPolicy(), gvisorObstacle: undefined },
  ...options
}) => {
  const { scheduler, runners, world, sweep } = fakeScheduler(options);
  const runnerOf = (activationId: string) => {
    const runner = runners.find(({ open }) => open.includes(activationId));
    if (runner === undefined) throw new Error(`${activationId} does not run`);
    return runner;
  };
  return {
    dispatcher: {
      run: (job, handover) => scheduler.submit(job, handover),
      cancel: (activationId) => scheduler.cancel(activationId),
      warm: (target) => scheduler.warm(target),
      prefetch() {},
      follow: (activationId, signal) => scheduler.follow(activationId, signal),
      checkTarget: async (target) => requireAble(target, abilities),
      kept: () => scheduler.kept(),
      grant: (grants, forMs) => scheduler.grant(grants, forMs),
      status: () => scheduler.status(),
      retire: (action) => scheduler.retire(action),
      namespaces: () => scheduler.namespaces(),
      expel: (namespace) => scheduler.expel(namespace),
    },
    abilities: async () => abilities,
    sweep: () => sweep({ endsIdle: true }),
    running: () =>
      new Map(runners.flatMap(({ open, values }) => open.map((id) => [id, values.get(id) ?? {}] as const))),
    answer(activationId, value, log) {
      runnerOf(activationId).answer({ kind: 'value', value, json: JSON.stringify(value) }, undefined, log);
    },
    refuse: (activationId, error) => runnerOf(activationId).answer({ kind: 'refused', error }),
    refuseInits(error) {
      world.initOutcome = () => ({ kind: 'refused', error });
    },
    exit: (activationId) => runnerOf(activationId).answer({ kind: 'failed', failure: 'exited' }),
    say: (activationId, line) => runnerOf(activationId).say(activationId, line),
    followers: (activationId) =>
      runners.reduce((count, runner) => count + runner.followersOf(activationId), 0),
    failStarts(fault) {
      world.startFault = fault;
    },
    close: () => scheduler.close(),
  };
};
