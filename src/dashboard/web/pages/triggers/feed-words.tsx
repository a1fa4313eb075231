/** What fires a trigger, in words. */
import type { Alarm, Feed } from '../../../../answers/index.ts';
import { serverNow } from '../../api/server-clock.ts';
import type { TriggerSummary } from '../../api/trigger-types.ts';
import { Status } from '../../components/status.tsx';
import { Time } from '../../components/time.tsx';

/** A date that is this old and has not fired is late. */
const lateMs = 60_000;

export function FiredBy({
  feed,
  trigger,
}: {
  readonly feed: Feed | undefined;
  readonly trigger: TriggerSummary;
}) {
  if (feed?.alarm !== undefined) return <AlarmWords alarm={feed.alarm} />;
  if (feed?.webhook !== undefined)
    return <span>{feed.webhook.signature === 'none' ? 'webhook' : `webhook, signed`}</span>;
  const other = otherFeed(trigger);
  return other === undefined ? <span class="quiet">callers</span> : <code class="breaks">{other}</code>;
}

/** The feed of a trigger that is not Ward's own. */
function otherFeed({ annotations }: TriggerSummary): string | undefined {
  const value = annotations.find(({ key }) => key === 'feed')?.value;
  return typeof value === 'string' ? value : undefined;
}

function AlarmWords({ alarm }: { readonly alarm: Alarm }) {
  if (alarm.kind === 'alarm')
    return (
      <span class="breaks">
        <code>{alarm.cron}</code> <span class="quiet">{alarm.timezone ?? 'UTC'}</span>
      </span>
    );
  if (alarm.kind === 'interval')
    return <span>{alarm.minutes === 1 ? 'every minute' : `every ${alarm.minutes} minutes`}</span>;
  return (
    <span>
      once, <Time at={new Date(alarm.date).getTime()} />
    </span>
  );
}

export function FeedStatus({ feed }: { readonly feed: Feed }) {
  if (!feed.isActive) return <Status tone="idle" text={feed.reason === 'Paused' ? 'paused' : 'ended'} />;
  const isLate = feed.nextFire !== undefined && serverNow() - feed.nextFire > lateMs;
  return isLate ? <Status tone="warn" text="late" /> : <Status tone="good" text="active" />;
}

export function Missed({ missed }: { readonly missed: NonNullable<Feed['missed']> }) {
  return (
    <span>
      <Time at={missed.date} />{' '}
      <span class="quiet">{missed.isMadeUp ? 'made up for at' : 'given up at'}</span> <Time at={missed.at} />
    </span>
  );
}
