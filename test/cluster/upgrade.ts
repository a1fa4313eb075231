/**
 * `npm run test:upgrade -- --from COMMIT`: a cluster of an older commit under load, whose nodes are replaced one after the
 * other by this checkout. Exit code 1 when a call failed or a promise was broken.
 */
import { messageOf } from '../../src/lib/index.ts';
import { enterIsolation, isIsolated } from '../../src/sandbox/index.ts';
import { judge } from '../chaos/check.ts';
import { keepNoConnections } from '../chaos/load.ts';
import { readFlags } from '../flags.ts';
import { missingForCluster } from './engines.ts';
import { checkOut } from './older-checkout.ts';
import { isStarved } from './spans.ts';
import { UpgradeSite } from './upgrade-site.ts';

const usage = `npm run test:upgrade -- --from COMMIT [--calls N]
  --from    the commit whose cluster is upgraded
  --calls   answers to wait for before, between and after the replacements; 300 by default`;
const shownLines = 20;

const options = readOptions();
if (process.getuid?.() === 0 && !isIsolated())
  enterIsolation([process.execPath, ...process.execArgv, import.meta.filename, ...process.argv.slice(2)]);
const missing = await missingForCluster();
if (missing !== undefined) refuse(missing);
keepNoConnections();
process.exit((await run()) ? 0 : 1);

async function run(): Promise<boolean> {
  await using older = await checkOut(options.from);
  say(`from ${older.commit.slice(0, 8)}: ${older.subject}`);
  await using site = await UpgradeSite.open(older.launcher);
  try {
    for (const node of site.cluster.nodes) {
      await site.untilAnswers(options.calls);
      say(`replacing ${node.name} after ${site.load.answers.length} answers`);
      await site.upgrade(node);
    }
    await site.untilAnswers(options.calls);
    const { counts, violations } = judge(await site.finish(), site.slots);
    const failed = site.failed();
    for (const { kind, status, text } of failed.slice(0, shownLines))
      say(`  FAILED ${kind}: ${status} ${text}`);
    for (const { rule, what } of violations.slice(0, shownLines)) say(`  VIOLATION ${rule}: ${what}`);
    const byStatus = Object.entries(counts.byStatus).map(([status, count]) => `${status}:${count}`);
    say(`${counts.answers} answers (${byStatus.join(' ')}), ${counts.runs} runs, ${counts.records} records`);
    const starved = failed.filter(isStarved).length;
    say(`at most ${site.busiest.toFixed(1)} processes for each processor`);
    say(
      `${failed.length} calls failed, ${starved} of them on a machine too busy; ${violations.length} violations`,
    );
    return failed.length - starved + violations.length === 0;
  } catch (error) {
    say(`${messageOf(error)}\n${site.output().split('\n').slice(-shownLines).join('\n')}`);
    return false;
  }
}

function readOptions() {
  const values = readFlags(
    {
      options: {
        from: { type: 'string' },
        calls: { type: 'string', default: '300' },
        help: { type: 'boolean' },
      },
    },
    usage,
  );
  const calls = Number(values.calls);
  if (values.help) {
    say(usage);
    process.exit(0);
  }
  const { from } = values;
  if (from === undefined || from.startsWith('-') || !(calls > 0)) return refuse(usage);
  return { from, calls };
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}

function say(line: string): void {
  console.log(line);
}
