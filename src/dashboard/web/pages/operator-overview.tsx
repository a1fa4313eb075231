/** How this Ward does now, for its operators: each figure leads to what is behind it. */
import type { Backup, Isolation, Overview, ViolationsPage } from '../../../answers/index.ts';
import { call } from '../api/client.ts';
import { hourMs } from '../api/hours.ts';
import { serverNow } from '../api/server-clock.ts';
import { linkTo } from '../app/router.ts';
import { type Figure, Figures } from '../components/figures.tsx';
import { LoadView } from '../components/load-view.tsx';
import { Section } from '../components/section.tsx';
import { Status } from '../components/status.tsx';
import { ageText, countText, durationText, sizeText } from '../components/units.ts';
import { useLoad, useReload } from '../components/use-load.ts';
import { CallsOfNamespaces } from './calls-of-namespaces.tsx';

const root = '/ward/v1/operator';

async function loadWard(signal: AbortSignal) {
  const since = serverNow() - hourMs;
  const [overview, { doctor }, { total: violations }, backup] = await Promise.all([
    call<Overview>('GET', `${root}/overview`, { signal }),
    call<Isolation>('GET', `${root}/isolation`, { signal }),
    call<ViolationsPage>('GET', `${root}/violations?limit=1&since=${since}`, { signal }),
    call<Backup>('GET', `${root}/backup`, { signal }),
  ]);
  return { overview, doctor, violations, backup };
}

type Loaded = Awaited<ReturnType<typeof loadWard>>;

/** @param news change when there are new calls, and when something else of this Ward is new */
export function OperatorOverview({
  news,
}: {
  readonly news: { readonly calls: number; readonly ward: number };
}) {
  const loaded = useLoad(loadWard, '');
  useReload(loaded, news.ward);
  return (
    <>
      <Section title="This Ward">
        <LoadView loaded={loaded}>{(data) => <Figures figures={figuresOf(data)} />}</LoadView>
      </Section>
      <CallsOfNamespaces news={news.calls} />
    </>
  );
}

function figuresOf({ overview, doctor, violations, backup }: Loaded): readonly Figure[] {
  const { nodes, queue, disk, advisories, namespaces } = overview;
  const ready = nodes.filter(({ state }) => state === 'ready').length;
  const invokers = nodes.flatMap(({ figures }) => figures?.invoker ?? []);
  const sum = (of: (invoker: (typeof invokers)[number]) => number) =>
    invokers.reduce((total, each) => total + of(each), 0);
  const [promised, limit] = [sum(({ memoryMiB }) => memoryMiB), sum((each) => each.memoryLimitMiB)];
  const used = invokers.filter(({ memoryUsedMiB }) => memoryUsedMiB !== undefined);
  const busy = sum(({ sandboxes }) => sandboxes.busy + sandboxes.starting);
  const kept = sum(({ sandboxes }) => sandboxes.idle + sandboxes.prewarmed);
  const known = invokers.length > 0;
  const toNodes = linkTo(['nodes']);
  return [
    {
      name: 'Nodes',
      value: `${countText(ready)} of ${countText(nodes.length)}`,
      about:
        ready === nodes.length ? (
          <Status tone="good" text="all ready" />
        ) : (
          <Status tone="bad" text="not all ready" />
        ),
      link: toNodes,
    },
    {
      name: 'Calls that wait',
      value: countText(queue.waiting + sum(({ queued }) => queued)),
      about:
        queue.oldestWaitingMs === null
          ? `${countText(queue.begun)} accepted ones run`
          : `the oldest for ${durationText(queue.oldestWaitingMs)}`,
      link: toNodes,
    },
    {
      name: 'Sandboxes',
      value: known ? countText(busy) : 'not known',
      about: known ? `busy; ${countText(kept)} kept` : 'no node has told',
      link: toNodes,
    },
    {
      name: 'Memory promised',
      value: known ? sizeText(promised * mebibyte) : 'not known',
      about: known ? `of ${sizeText(limit * mebibyte)}` : 'no node has told',
      link: toNodes,
    },
    {
      name: 'Memory used',
      value: used.length > 0 ? sizeText(sum((each) => each.memoryUsedMiB ?? 0) * mebibyte) : 'not known',
      about: usedAbout(used.length, invokers.length),
      link: toNodes,
    },
    {
      name: 'Disk, free',
      value: sizeText(disk.freeBytes),
      about: disk.state === 'ample' ? undefined : <Status tone="bad" text={disk.state} />,
      link: linkTo(['usage']),
    },
    {
      name: 'Advisories',
      value: advisories.ageSeconds === undefined ? 'none' : ageText(advisories.ageSeconds * 1000),
      about:
        advisories.warning === undefined ? (
          `${countText(advisories.count)} of them`
        ) : (
          <span title={advisories.warning}>
            <Status tone="warn" text="need an update" />
          </span>
        ),
      link: linkTo(['gate', 'advisories']),
    },
    {
      name: 'Doctor',
      value:
        doctor === null ? (
          'never looked'
        ) : doctor.ok ? (
          <Status tone="good" text="well" />
        ) : (
          <Status tone="bad" text="something is missing" />
        ),
      about: doctor === null ? 'ward doctor' : `${ageText(serverNow() - doctor.at)} ago`,
      link: linkTo(['isolation']),
    },
    {
      name: 'Refused in sandboxes',
      value: countText(violations),
      about: 'in the last hour',
      link: linkTo(['isolation'], { since: 'hour' }),
    },
    {
      name: 'Last backup',
      value: backupText(backup),
      about: `Ward ${overview.version}`,
      link: linkTo(['upkeep']),
    },
    { name: 'Namespaces', value: countText(namespaces), link: linkTo(['namespaces']) },
  ];
}

function backupText({ isElsewhere, last }: Backup): string {
  if (last !== null) return `${ageText(serverNow() - Date.parse(last.takenAt))} ago`;
  return isElsewhere ? 'elsewhere' : 'none';
}

const mebibyte = 1024 * 1024;

function usedAbout(told: number, all: number): string {
  if (told === 0) return 'no node has told';
  return told === all ? 'by sandboxes' : `by sandboxes of ${countText(told)} of ${countText(all)} nodes`;
}
