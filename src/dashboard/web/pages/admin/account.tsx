/** What this browser is logged in as, and the way out of all others. */
import { useState } from 'preact/hooks';
import { currentSession, logOut } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { Identifier } from '../../components/copy.tsx';
import { Facts } from '../../components/facts.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { Section } from '../../components/section.tsx';

export function Account() {
  const [isOpen, setOpen] = useState(false);
  const session = currentSession();
  if (session === undefined) return null;
  const { namespace, keyId, scope, rights, operator, login, version } = session;
  return (
    <>
      <PageHead title="Your login" about={`Ward ${version}`}>
        {login && (
          <Button kind="danger" onClick={() => setOpen(true)}>
            Log out everywhere…
          </Button>
        )}
      </PageHead>
      <Section title="Logged in as">
        <Facts
          facts={[
            namespace === null ? undefined : ['Namespace', namespace],
            keyId === null ? undefined : ['Key', <Identifier text={keyId} what="id of the key" />],
            scope === null ? undefined : ['Scope', `${scope}: ${rights.join(', ')}`],
            ['Operator', operator ? 'yes' : 'no'],
            ['From', login ? 'a login at an issuer' : 'a key, or ward console login'],
          ]}
        />
      </Section>
      {isOpen && (
        <Confirm
          title="Log out everywhere?"
          action="Log out everywhere"
          onClose={() => setOpen(false)}
          run={() => logOut(true)}
        >
          <p>
            Ends your logins in all browsers and of <code>ward login</code> on all machines. Keys that an
            operator made stay.
          </p>
        </Confirm>
      )}
    </>
  );
}
