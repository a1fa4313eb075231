/** Names of the namespace's own at which Ward serves its web actions or an API: claims, proves, and gives them up. */
import { useState } from 'preact/hooks';
import type { Domain } from '../../../../answers/index.ts';
import { call, send } from '../../api/client.ts';
import { may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { Identifier } from '../../components/copy.tsx';
import { Empty } from '../../components/empty.tsx';
import { type Fact, Facts } from '../../components/facts.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { tell } from '../../components/messages.ts';
import { PageHead } from '../../components/page-head.tsx';
import { Section } from '../../components/section.tsx';
import { Status } from '../../components/status.tsx';
import { Time } from '../../components/time.tsx';
import { useAction } from '../../components/use-action.ts';
import { useLoad } from '../../components/use-load.ts';
import { ClaimDomain } from './claim-domain.tsx';

const domainsPath = '/ward/v1/domains';

export function Domains() {
  const loaded = useLoad((signal) => call<readonly Domain[]>('GET', domainsPath, { signal }), '');
  const [isClaiming, setClaiming] = useState(false);
  return (
    <>
      <PageHead title="Domains" about="Names of your own for web actions and APIs.">
        {may('deploy') && <Button onClick={() => setClaiming(true)}>Claim a domain…</Button>}
      </PageHead>
      <LoadView loaded={loaded}>
        {(domains) =>
          domains.length === 0 ? (
            <Empty title="No domains yet" command="ward domain create shop.example.com --package shop">
              Claim a name that leads to Ward, and prove with a DNS record that it is yours:
            </Empty>
          ) : (
            <div class="stack sections">
              {domains.map((domain) => (
                <DomainSection key={domain.name} domain={domain} onChanged={loaded.reload} />
              ))}
            </div>
          )
        }
      </LoadView>
      {isClaiming && <ClaimDomain onClose={() => setClaiming(false)} onClaimed={loaded.reload} />}
    </>
  );
}

interface DomainSectionProps {
  readonly domain: Domain;
  readonly onChanged: () => void;
}

function DomainSection({ domain, onChanged }: DomainSectionProps) {
  const { name, isProved, createdAt, provedAt, challenge, certificate } = domain;
  const [isOpen, setOpen] = useState(false);
  const { isBusy, run } = useAction();
  const path = `${domainsPath}/${encodeURIComponent(name)}`;
  const verify = async () => {
    await send('POST', `${path}/verify`);
    onChanged();
  };
  const actions = may('deploy') && (
    <span class="row">
      {!isProved && (
        <Button
          isDisabled={isBusy}
          label={`Look for the record of ${name}`}
          onClick={() => run(verify, `Ward serves ${name} now.`)}
        >
          Look for the record
        </Button>
      )}
      <Button kind="danger" label={`Give up ${name}`} onClick={() => setOpen(true)}>
        Give up…
      </Button>
    </span>
  );
  return (
    <Section title={name} actions={actions}>
      <Facts
        facts={[
          [
            'State',
            isProved ? (
              <Status tone="good" text="served" />
            ) : (
              <Status tone="warn" text="waits for its DNS record" />
            ),
          ],
          ['Serves', domain.api === undefined ? `the package ${domain.package}` : `the API ${domain.api}`],
          ['Claimed', <Time key="claimed" at={createdAt} />],
          provedAt === null ? undefined : ['Proved', <Time key="proved" at={provedAt} />],
          ...(certificate === null ? [] : certificateFacts(certificate)),
          [
            `${challenge.type} record`,
            <Identifier key="name" text={challenge.name} what="name of the record" />,
          ],
          ['Its text', <Identifier key="value" text={challenge.value} what="text of the record" />],
        ]}
      />
      {isOpen && (
        <Confirm
          title={`Give ${name} up?`}
          action="Give the domain up"
          typed={name}
          onClose={() => setOpen(false)}
          run={async () => {
            await send('DELETE', path);
            tell(`Gave ${name} up.`);
            onChanged();
          }}
        >
          <p>
            Ward stops serving it at once. Remove its A, AAAA or CNAME record first, so that it does not lead
            here any more.
          </p>
        </Confirm>
      )}
    </Section>
  );
}

function certificateFacts({
  issuer,
  until,
  triedAt,
  error,
  nextTryAt,
}: NonNullable<Domain['certificate']>): readonly Fact[] {
  const shown =
    until === null ? (
      <Status tone="warn" text="none yet" />
    ) : (
      <span>
        until <Time at={until} /> {issuer !== null && `by ${issuer}`}
      </span>
    );
  if (error === null) return [['Certificate', shown]];
  const failure = (
    <span>
      <Status tone="bad" text={error} /> {triedAt !== null && <Time at={triedAt} />}
    </span>
  );
  return [
    ['Certificate', shown],
    ['Last order', failure],
    ...(nextTryAt === null ? [] : [['Next order', <Time key="next" at={nextTryAt} />] as const]),
  ];
}
