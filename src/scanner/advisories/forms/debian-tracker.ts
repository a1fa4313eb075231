/**
 * Reads the Debian security tracker (security-tracker.debian.org/tracker/data/json): by source package, CVE and release.
 * Each part of the document is one package.
 */
import { isJsonObject, type JsonObject } from '../../../lib/index.ts';
import { severityOfWord } from '../rating.ts';
import type { Affected, RangeEvent } from '../record.ts';
import { debianRelease } from '../releases.ts';
import { isAdvisoryId, isCve, isPlainWord, oneLine } from '../text.ts';
import { Flaw, type FormReader } from './form.ts';

export const debianTrackerReader: FormReader =
  ({ sink, asOf }) =>
  ({ path: [name], value }) => {
    if (!isPlainWord(name) || !isJsonObject(value)) throw new Flaw('it is not a package');
    for (const [id, issue] of Object.entries(value)) {
      const affected = isJsonObject(issue) ? readReleases(name, issue['releases']) : undefined;
      if (affected === undefined || !isJsonObject(issue) || !isAdvisoryId(id)) {
        sink.bad(`${name} ${id}`, 'it has no releases, or its id is invalid');
        continue;
      }
      // A vulnerability without a CVE has the tracker's own name (`TEMP-…`).
      const own = isCve(id) ? `DEBIAN-${id}` : id;
      const { description } = issue;
      sink.advisory({
        id: own,
        modified: asOf,
        withdrawn: false,
        aliases: [],
        upstream: own === id ? [] : [id],
        title: typeof description === 'string' && description !== '' ? oneLine(description, 200) : own,
        url: `https://security-tracker.debian.org/tracker/${id}`,
        malicious: false,
        ratings: [],
        affected,
      });
    }
  };

function readReleases(name: string, releases: unknown): readonly Affected[] | undefined {
  if (!isJsonObject(releases)) return undefined;
  return Object.entries(releases).flatMap(([codename, release]): readonly Affected[] => {
    const found = isJsonObject(release) ? readRelease(release) : undefined;
    if (found === undefined) return [];
    const severity = severityOfWord(isJsonObject(release) ? release['urgency'] : undefined);
    return [
      {
        ecosystem: 'Debian',
        release: debianRelease(codename),
        name,
        ranges: found.ranges,
        versions: [],
        status: found.status,
        ratings: severity === 'unknown' ? [] : [{ source: 'debian', severity, isDistribution: true }],
      },
    ];
  });
}

interface ReleaseState {
  readonly ranges: readonly (readonly RangeEvent[])[];
  readonly status: string | undefined;
}

/** Undefined while the tracker itself doesn't know whether the release is affected. */
function readRelease({
  status,
  fixed_version: fixed,
  urgency,
  nodsa,
  nodsa_reason: reason,
}: JsonObject): ReleaseState | undefined {
  if (status === 'resolved') {
    // `0` means never affected. It is kept, because other sources may not know that.
    if (!isPlainWord(fixed) || fixed === '0') return { ranges: [], status: 'not_affected' };
    return {
      ranges: [
        [
          ['introduced', '0'],
          ['fixed', fixed],
        ],
      ],
      status: undefined,
    };
  }
  if (status !== 'open') return undefined;
  return { ranges: [[['introduced', '0']]], status: openStatus(urgency, nodsa, reason) };
}

function openStatus(urgency: unknown, nodsa: unknown, reason: unknown): string {
  if (urgency === 'end-of-life' || /end.of.life/i.test(String(nodsa ?? ''))) return 'end_of_life';
  if (reason === 'ignored') return 'will_not_fix';
  return reason === 'postponed' ? 'fix_deferred' : 'affected';
}
