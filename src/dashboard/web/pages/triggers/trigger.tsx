/** One trigger: its feed, its rules, its last firings. Fires and deletes it. */

import { useState } from 'preact/hooks';
import type { Feed } from '../../../../answers/index.ts';
import { call, inNamespace } from '../../api/client.ts';
import { listAll } from '../../api/list-all.ts';
import type { Trigger as TriggerEntity } from '../../api/trigger-types.ts';
import type { PageProps } from '../../app/pages.ts';
import { goTo, linkTo } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { tell } from '../../components/messages.ts';
import { PageHead } from '../../components/page-head.tsx';
import { useLoad } from '../../components/use-load.ts';
import { useRecords } from '../use-records.ts';
import { FeedSection } from './feed-section.tsx';
import { FireDialog } from './fire-dialog.tsx';
import { Firings } from './firings.tsx';
import { RulesSection } from './rules-section.tsx';

export function Trigger({ path: { name = '' } }: PageProps) {
  const [open, setOpen] = useState<'fire' | 'delete'>();
  const [firings, setFirings] = useState(0);
  const loaded = useLoad(async (signal) => {
    const [trigger, feeds] = await Promise.all([
      call<TriggerEntity>('GET', inNamespace('/api/v1', 'triggers', name), { signal }),
      listAll<Feed>(inNamespace('/ward/v1', 'feeds'), signal),
    ]);
    const listed = feeds.find(({ trigger }) => trigger === name);
    // The audit log names those who read one with a URL, so only an alarm is read to be shown.
    const feed =
      listed?.alarm === undefined
        ? listed
        : await call<Feed>('GET', inNamespace('/ward/v1', 'feeds', name), { signal });
    return { trigger, feed };
  }, name);
  const hear = () => {
    setFirings((before) => before + 1);
    // The next date of an alarm moves, and a feed can end.
    loaded.reload();
  };
  useRecords(hear);
  const close = () => setOpen(undefined);
  return (
    <>
      <PageHead title={name} about={<a href={linkTo(['triggers'])}>Triggers</a>}>
        {may('invoke') && (
          <Button kind="primary" onClick={() => setOpen('fire')}>
            Fire…
          </Button>
        )}
        {may('deploy') && (
          <Button kind="danger" onClick={() => setOpen('delete')}>
            Delete…
          </Button>
        )}
      </PageHead>
      <LoadView loaded={loaded}>
        {({ trigger, feed }) => (
          <div class="stack sections">
            <FeedSection trigger={trigger} feed={feed} onChanged={loaded.reload} />
            <RulesSection trigger={trigger} onChanged={loaded.reload} />
            <Firings name={name} round={firings} />
          </div>
        )}
      </LoadView>
      {open === 'fire' && <FireDialog name={name} onClose={close} onFired={hear} />}
      {open === 'delete' && (
        <Confirm
          title={`Delete ${name}?`}
          action="Delete the trigger"
          typed={name}
          onClose={close}
          run={async () => {
            await call('DELETE', inNamespace('/api/v1', 'triggers', name));
            tell(`Deleted ${name}.`);
            goTo(linkTo(['triggers']));
          }}
        >
          <p>Its feed and its URL go with it. Its rules stay, but call nothing any more.</p>
        </Confirm>
      )}
    </>
  );
}
