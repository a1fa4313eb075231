/** The URL of a webhook, for those who ask: it is a secret, and the audit log names who has read it. */

import { useState } from 'preact/hooks';
import type { Feed } from '../../../../answers/index.ts';
import { call, inNamespace } from '../../api/client.ts';
import { Button } from '../../components/button.tsx';
import { Identifier } from '../../components/copy.tsx';
import { useAction } from '../../components/use-action.ts';

export function WebhookUrl({ trigger }: { readonly trigger: string }) {
  const [url, setUrl] = useState<string>();
  const { isBusy, run } = useAction();
  if (url !== undefined) return <Identifier text={url} what="URL" />;
  return (
    <Button
      isDisabled={isBusy}
      onClick={() =>
        run(async () => {
          const { webhook } = await call<Feed>('GET', inNamespace('/ward/v1', 'feeds', trigger));
          setUrl(webhook?.url);
        }, 'The audit log has an entry that you read the URL.')
      }
    >
      Show
    </Button>
  );
}
