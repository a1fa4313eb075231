/** What fires a trigger: dates of an alarm, the URL of a webhook. Pauses it, and lets it go on. */
import type { Feed } from '../../../../answers/index.ts';
import { ApiError, call } from '../../api/client.ts';
import { alarmLine } from '../../api/command-lines.ts';
import type { Trigger } from '../../api/trigger-types.ts';
import { may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { CommandLine } from '../../components/command-line.tsx';
import { type Fact, Facts } from '../../components/facts.tsx';
import { Section } from '../../components/section.tsx';
import { Time } from '../../components/time.tsx';
import { countText } from '../../components/units.ts';
import { useAction } from '../../components/use-action.ts';
import { FeedStatus, FiredBy, Missed } from './feed-words.tsx';
import { RefusedRequests } from './refused-requests.tsx';
import { WebhookUrl } from './webhook-url.tsx';

interface FeedSectionProps {
  readonly trigger: Trigger;
  readonly feed: Feed | undefined;
  readonly onChanged: () => void;
}

export function FeedSection({ trigger, feed, onChanged }: FeedSectionProps) {
  const { isBusy, run } = useAction();
  // What has ended by itself begins anew only with other dates.
  const change = feed?.isActive ? 'PAUSE' : feed?.reason === 'Paused' ? 'UNPAUSE' : undefined;
  const canChange = feed !== undefined && change !== undefined && may('deploy') && may('invoke');
  return (
    <Section
      title="Fired by"
      actions={
        canChange && (
          <Button
            isDisabled={isBusy}
            onClick={() =>
              run(
                async () => {
                  await tellFeed(feed, change);
                  onChanged();
                },
                change === 'PAUSE' ? `Paused ${trigger.name}.` : `${trigger.name} goes on.`,
              )
            }
          >
            {change === 'PAUSE' ? 'Pause' : 'Go on'}
          </Button>
        )
      }
    >
      <Facts facts={factsOf(trigger, feed)} />
      {feed?.webhook?.refused !== undefined && <RefusedRequests refused={feed.webhook.refused} />}
      {feed === undefined && may('deploy') && (
        <>
          <p class="quiet">To fire it by the clock:</p>
          <CommandLine text={alarmLine(trigger.name)} />
        </>
      )}
    </Section>
  );
}

function factsOf(trigger: Trigger, feed: Feed | undefined): readonly Fact[] {
  const by: Fact = ['By', <FiredBy feed={feed} trigger={trigger} />];
  if (feed === undefined) return [by];
  const { alarm, webhook, nextFires = [], triggersLeft, missed, reason } = feed;
  const stopDate = alarm === undefined || alarm.kind === 'once' ? undefined : alarm.stopDate;
  return [
    by,
    ['State', <FeedStatus feed={feed} />],
    reason === undefined || reason === 'Paused' ? undefined : ['Why', reason],
    nextFires.length === 0 ? undefined : ['Next', <Dates dates={nextFires} />],
    stopDate === undefined ? undefined : ['Until', <Time at={new Date(stopDate).getTime()} />],
    triggersLeft === undefined ? undefined : ['Firings left', countText(triggersLeft)],
    missed === undefined ? undefined : ['Last missed', <Missed missed={missed} />],
    webhook !== undefined && (may('invoke') || may('deploy'))
      ? ['URL', <WebhookUrl key={trigger.name} trigger={trigger.name} />]
      : undefined,
    webhook === undefined
      ? undefined
      : [
          'Requests',
          webhook.signature === 'none' ? 'anyone who knows the URL' : `signed (${webhook.signature})`,
        ],
    ['Since', <Time at={feed.dateChanged} />],
  ];
}

function Dates({ dates }: { readonly dates: readonly number[] }) {
  return (
    <span class="row">
      {dates.map((at) => (
        <Time key={at} at={at} />
      ))}
    </span>
  );
}

/** @throws ApiError also when the feed refuses */
async function tellFeed({ feed, trigger }: Feed, lifecycleEvent: 'PAUSE' | 'UNPAUSE'): Promise<void> {
  const [, namespace = '', ...name] = feed.split('/');
  const action = name.map(encodeURIComponent).join('/');
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/actions/${action}?blocking=true&result=true`;
  const answer = await call<{ readonly error?: unknown }>('POST', path, {
    body: { lifecycleEvent, triggerName: `/_/${trigger}` },
  });
  if (answer.error !== undefined) throw new ApiError(String(answer.error), {});
}
