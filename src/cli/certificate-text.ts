/** A certificate in words, for `ward status` and `ward doctor`. */
import type { CertificateView } from '../server/index.ts';
import { timeText } from './entity-fields.ts';
import { printableText } from './printable.ts';

export function certificateState({ until, isUrgent, error }: CertificateView): string {
  if (until === null) return 'missing';
  if (isUrgent) return until < Date.now() ? 'expired' : 'ending';
  return error === null ? 'valid' : 'failing';
}

/** Its end, the last attempt to get another one, and what to do. The error is the authority's text. */
export function certificateText({ name, until, triedAt, failures, error, hint }: CertificateView): string {
  const parts = [
    until === null ? 'none that can be used' : `until ${timeText(until)}`,
    ...(triedAt === null ? [] : [`last tried at ${timeText(triedAt)}`]),
    ...(error === null ? [] : [`${failures === 0 ? '' : `${failures} × `}${printableText(error)}`]),
    ...(hint === null ? [] : [hint]),
  ];
  return `${printableText(name)}: ${parts.join('; ')}`;
}
