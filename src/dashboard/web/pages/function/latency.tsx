/** How a function did in the last day, hour by hour: its calls, and how long they took. */
import { byHour, durationsOf, firstHour, quantile } from '../../api/hours.ts';
import { countRuns, listRuns, longestPage, type RunSummary } from '../../api/runs.ts';
import { serverNow } from '../../api/server-clock.ts';
import { linkTo } from '../../app/router.ts';
import { Bars } from '../../components/bars.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { Section } from '../../components/section.tsx';
import { countText, durationText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';

/** Of so many pages of runs, the last ones. */
const mostPages = 5;

async function loadDay(name: string, signal: AbortSignal) {
  const now = serverNow();
  const filter = { name, failed: false, since: firstHour(now) };
  const count = await countRuns(filter, signal);
  const runs: RunSummary[] = [];
  while (runs.length < Math.min(count, mostPages * longestPage)) {
    const page = await listRuns(filter, { skip: runs.length, limit: longestPage }, signal);
    if (page.length === 0) break;
    runs.push(...page);
  }
  return { now, count, runs };
}

export function Latency({ path }: { readonly path: string }) {
  const loaded = useLoad((signal) => loadDay(path, signal), path);
  return (
    <Section title="The last 24 hours">
      <LoadView loaded={loaded}>{({ now, count, runs }) => <Day {...{ path, now, count, runs }} />}</LoadView>
    </Section>
  );
}

interface DayProps {
  readonly path: string;
  readonly now: number;
  readonly count: number;
  readonly runs: readonly RunSummary[];
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

function Day({ path, now, count, runs }: DayProps) {
  if (runs.length === 0) return <p class="quiet">It was not called.</p>;
  const hours = byHour(runs, now);
  const durations = durationsOf(runs);
  const failed = hours.reduce((sum, hour) => sum + hour.failed, 0);
  const link = linkTo(['runs'], { name: path, since: 'day' });
  return (
    <>
      <div class="charts">
        <figure>
          <figcaption class="quiet">
            Calls an hour: <a href={link}>{countText(count)}</a> in all, {countText(failed)} failed
          </figcaption>
          <Bars
            label={`Calls an hour; ${countText(count)} in all, ${countText(failed)} failed`}
            {...size}
            bars={hours.map(({ at, calls, failed }) => ({
              ...{ name: String(at), value: calls, part: failed },
              text: `${clock.format(at)}: ${countText(calls)} calls, ${countText(failed)} failed`,
            }))}
          />
        </figure>
        <figure>
          <figcaption class="quiet">
            Duration, p99: <b>{durationText(quantile(durations, 0.99))}</b>, p50{' '}
            {durationText(quantile(durations, 0.5))}
          </figcaption>
          <Bars
            label={`Duration by hour, p99; ${durationText(quantile(durations, 0.99))} over the day`}
            {...size}
            bars={hours.map(({ at, p50, p99 }) => ({
              ...{ name: String(at), value: p99 },
              text: `${clock.format(at)}: p99 ${durationText(p99)}, p50 ${durationText(p50)}`,
            }))}
          />
        </figure>
      </div>
      {runs.length < count && <p class="quiet">The bars are of the last {countText(runs.length)} calls.</p>}
    </>
  );
}

const size = { width: 360, height: 48 };
