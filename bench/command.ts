/** Start of the command line: the `ward` that set-up puts on the path, against a bare Node that does nothing. */
import { mustRun } from '../src/lib/index.ts';
import { makeLinkedCommand } from '../test/linked-command.ts';
import { outsideEnv } from '../test/ward.ts';
import { median, ms, type Row } from './table.ts';

const rounds = 60;
const mostTimes = 2.5;

export async function benchCommand(): Promise<readonly Row[]> {
  await using command = await makeLinkedCommand();
  const bare = () => timeOf([process.execPath, '-e', '0']);
  const ward = () => timeOf([command.path, 'property', 'get']);
  // The first run of each compiles the code and caches it.
  for (const run of [bare, ward]) await run();
  const taken = { bare: [] as number[], ward: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    taken.bare.push(await bare());
    taken.ward.push(await ward());
  }
  const [bareMs, wardMs] = [median(taken.bare), median(taken.ward)];
  return [
    {
      what: '`ward property get`, from the shell to its end',
      baseline: `node -e 0 ${ms(bareMs)}`,
      ward: ms(wardMs),
      result: `${(wardMs / bareMs).toFixed(2)} ×`,
      target: `≤ ${mostTimes} ×`,
      isMet: wardMs / bareMs <= mostTimes,
    },
  ];
}

async function timeOf(argv: readonly string[]): Promise<number> {
  const from = performance.now();
  await mustRun(argv, { env: outsideEnv() });
  return performance.now() - from;
}
