/** One namespace, for operators: its quotas, its limits, its keys, its members. Deletes it. */

import { useState } from 'preact/hooks';
import type { Member, NamespaceDetail, Retention } from '../../../../answers/index.ts';
import { call, send } from '../../api/client.ts';
import type { PageProps } from '../../app/pages.ts';
import { goTo, linkTo } from '../../app/router.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { Facts } from '../../components/facts.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { tell } from '../../components/messages.ts';
import { Meter } from '../../components/meter.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { Section } from '../../components/section.tsx';
import { Time } from '../../components/time.tsx';
import { countText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { CallsSection } from './calls-section.tsx';
import { KeysSection } from './keys-section.tsx';
import { LimitsSection } from './limits-section.tsx';
import { MembersSection } from './members-section.tsx';

/** Ward's own functions live there. */
const systemNamespace = 'whisk.system';

export function Namespace({ path: { name = '' } }: PageProps) {
  const [isOpen, setOpen] = useState(false);
  const root = `/ward/v1/operator/namespaces/${encodeURIComponent(name)}`;
  const loaded = useLoad(async (signal) => {
    const [detail, members, retention] = await Promise.all([
      call<NamespaceDetail>('GET', root, { signal }),
      call<readonly Member[]>('GET', `${root}/members`, { signal }),
      call<Retention>('GET', '/ward/v1/operator/retention', { signal }),
    ]);
    return { ...detail, members, retention };
  }, root);
  return (
    <>
      <PageHead title={name} about={<a href={linkTo(['namespaces'])}>Namespaces</a>}>
        {name !== systemNamespace && (
          <Button kind="danger" onClick={() => setOpen(true)}>
            Delete…
          </Button>
        )}
      </PageHead>
      <LoadView loaded={loaded}>
        {({ createdAt, usage: { code, records, registry }, limits, own, keys, members, retention }) => (
          <div class="stack sections">
            <Section title="Holds" actions={<a href={linkTo(['audit'], { namespace: name })}>Its changes</a>}>
              <Facts
                facts={[
                  ['Code', <Meter {...code} />],
                  ['Records', <Meter used={records.used} limit={records.limit} />],
                  ['Runs kept', countText(records.count)],
                  ['Images', <Meter {...registry} />],
                  ['Created', <Time at={createdAt} />],
                ]}
              />
            </Section>
            <CallsSection name={name} />
            <LimitsSection
              key={JSON.stringify(limits)}
              root={root}
              limits={limits}
              own={own}
              retention={retention}
              onChanged={loaded.reload}
            />
            <KeysSection root={root} name={name} keys={keys} onChanged={loaded.reload}>
              To replace the first key: <code>ward namespace rotate-key {name}</code>
            </KeysSection>
            <MembersSection root={root} members={members} onChanged={loaded.reload} />
          </div>
        )}
      </LoadView>
      {isOpen && (
        <Confirm
          title={`Delete ${name}?`}
          action="Delete the namespace"
          typed={name}
          onClose={() => setOpen(false)}
          run={async () => {
            await send('DELETE', root);
            tell(`Deleted ${name}.`);
            goTo(linkTo(['namespaces']));
          }}
        >
          <p>
            Its functions, triggers, records, images and keys go with it. Nothing brings them back but a
            backup.
          </p>
        </Confirm>
      )}
    </>
  );
}
