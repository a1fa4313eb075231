/** Who gets into the namespace: its keys, which an admin of it makes and deletes, and the members who have logged in. */
import type { Key, Member } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { linkTo } from '../../app/router.ts';
import { currentSession } from '../../app/session.ts';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { useLoad } from '../../components/use-load.ts';
import { KeysSection } from './keys-section.tsx';
import { MembersSection } from './members-section.tsx';

const root = '/ward/v1';

export function Access() {
  const keys = useLoad((signal) => call<readonly Key[]>('GET', `${root}/keys`, { signal }), '');
  const members = useLoad((signal) => call<readonly Member[]>('GET', `${root}/members`, { signal }), '');
  const name = currentSession()?.namespace ?? '';
  return (
    <>
      <PageHead title="Keys and members" about={<a href={linkTo(['audit'])}>Who changed what</a>} />
      <div class="stack sections">
        <LoadView loaded={keys}>
          {(all) => (
            <KeysSection root={root} name={name} keys={all} onChanged={keys.reload}>
              Keys stay when their maker has no rights any more. Only the operator replaces the first key.
            </KeysSection>
          )}
        </LoadView>
        <LoadView loaded={members}>
          {(all) => (
            <MembersSection
              root={root}
              members={all}
              onChanged={() => {
                members.reload();
                keys.reload();
              }}
            />
          )}
        </LoadView>
      </div>
    </>
  );
}
