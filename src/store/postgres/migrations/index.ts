/** The migrations of PostgreSQL. The first has the result of all of SQLite's; later changes are in both lists. */
import * as members from '../../migrations/0016-members.ts';
import * as leases from '../../migrations/0018-leases.ts';
import * as codeMarks from '../../migrations/0019-code-marks.ts';
import * as clusterNodes from '../../migrations/0020-cluster-nodes.ts';
import * as sessions from '../../migrations/0021-sessions.ts';
import * as spentTokens from '../../migrations/0023-spent-tokens.ts';
import * as failedActivations from '../../migrations/0024-failed-activations.ts';
import * as usageDays from '../../migrations/0025-usage-days.ts';
import * as storedBytes from '../../migrations/0027-stored-bytes.ts';
import * as sentEntries from '../../migrations/0028-sent-entries.ts';
import * as persons from '../../migrations/0029-persons.ts';
import * as joinTokenUses from '../../migrations/0030-join-token-uses.ts';
import * as traffic from '../../migrations/0031-traffic.ts';
import * as acme from '../../migrations/0032-acme.ts';
import * as sessionPersons from '../../migrations/0033-session-persons.ts';
import * as namespaceMembers from '../../migrations/0034-namespace-members.ts';
import * as egressDays from '../../migrations/0035-egress-days.ts';
import * as usageSlots from '../../migrations/0036-usage-slots.ts';
import * as forwardingErrors from '../../migrations/0040-forwarding-errors.ts';
import type { Migrations } from '../../migrations/min-reader.ts';
import * as schema from './0001-schema.ts';
import * as facts from './0003-facts.ts';
import * as changes from './0004-changes.ts';
import * as unsealedEntries from './0009-unsealed-entries.ts';
import * as domains from './0013-domains.ts';
import * as minReader from './0023-min-reader.ts';
import * as startKinds from './0025-start-kinds.ts';
import * as earlierCode from './0026-earlier-code.ts';
import * as textsOfRecords from './0027-texts-of-records.ts';
import * as roomForClaims from './0028-room-for-claims.ts';
import * as writers from './0029-writers.ts';
import * as sessionEnds from './0030-session-ends.ts';

export const postgresMigrations: Migrations = {
  '0001-schema': schema,
  '0002-members': members,
  '0003-facts': facts,
  '0004-changes': changes,
  '0005-leases': leases,
  '0006-code-marks': codeMarks,
  '0007-cluster-nodes': clusterNodes,
  '0008-sessions': sessions,
  '0009-unsealed-entries': unsealedEntries,
  '0010-spent-tokens': spentTokens,
  '0011-failed-activations': failedActivations,
  '0012-usage-days': usageDays,
  '0013-domains': domains,
  '0014-stored-bytes': storedBytes,
  '0015-sent-entries': sentEntries,
  '0016-persons': persons,
  '0017-join-token-uses': joinTokenUses,
  '0018-traffic': traffic,
  '0019-acme': acme,
  '0020-session-persons': sessionPersons,
  '0021-namespace-members': namespaceMembers,
  '0022-egress-days': egressDays,
  '0023-min-reader': minReader,
  '0024-usage-slots': usageSlots,
  '0025-start-kinds': startKinds,
  '0026-earlier-code': earlierCode,
  '0027-texts-of-records': textsOfRecords,
  '0028-room-for-claims': roomForClaims,
  '0029-writers': writers,
  '0030-session-ends': sessionEnds,
  '0031-forwarding-errors': forwardingErrors,
};
