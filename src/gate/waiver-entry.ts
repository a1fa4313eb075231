/** What the audit log says about waivers. */
import { currentActor, hashOf } from '../lib/index.ts';
import { plainText } from './plain-text.ts';
import type { Waiver } from './policy/waivers.ts';
import type { AuditDraft } from './store/audit-entry.ts';

/** The entry of the audit log for a waiver that the current actor makes or ends. */
export function waiverEntry(
  event: 'create-waiver' | 'delete-waiver',
  waiver: Waiver,
  now: number,
): AuditDraft {
  const { who, from, request } = currentActor();
  const { finding, namespace, purl, path, reason, by, expires } = waiver;
  const where = [namespace, purl, path].filter((part) => part !== undefined).join(', ');
  const digest = hashOf({ ...waiver });
  return {
    ...{ event, time: new Date(now).toISOString(), actor: who, from, name: finding },
    ...(request === undefined ? {} : { request }),
    ...(namespace === undefined ? {} : { namespace }),
    summary: plainText(`until ${expires} by ${by}${where === '' ? '' : ` for ${where}`}: ${reason}`, 500),
    ...(event === 'create-waiver' ? { after: digest } : { before: digest }),
  };
}
