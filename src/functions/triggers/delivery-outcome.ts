/** How the activation of a try ended. Read from its record, so that it is also known after a restart. */
import { isJsonObject, type JsonValue } from '../../lib/index.ts';
import type { ActivationRow, Store } from '../../store/index.ts';
import type { Delivery } from './delivery.ts';

type TryOutcome =
  | { readonly type: 'delivered' }
  | { readonly type: 'running' }
  | { readonly type: 'failed'; readonly error: string };

const maxErrorLength = 1000;

export async function outcomeOfTry(
  { activations, accepted }: Pick<Store, 'activations' | 'accepted'>,
  { rule, activationId }: Pick<Delivery, 'rule' | 'activationId'>,
): Promise<TryOutcome> {
  const record = await activations.get(rule.namespace, activationId);
  if (record !== undefined) return judge(record);
  if ((await accepted.get(rule.namespace, activationId)) !== undefined) return { type: 'running' };
  // The record replaces the accepted row in one step, which may have happened between the two reads.
  const late = await activations.get(rule.namespace, activationId);
  return late === undefined ? { type: 'failed', error: 'The activation left no record.' } : judge(late);
}

function judge({ statusCode, document }: ActivationRow): TryOutcome {
  return statusCode === 0
    ? { type: 'delivered' }
    : { type: 'failed', error: errorText(document['response'] ?? null) };
}

/** The `error` of the result, if it has one, otherwise the status. */
function errorText(response: JsonValue): string {
  if (!isJsonObject(response)) return '';
  const { result, status } = response;
  const error = isJsonObject(result) ? result['error'] : undefined;
  const text = error === undefined ? status : error;
  return (typeof text === 'string' ? text : JSON.stringify(text ?? '')).slice(0, maxErrorLength);
}
