/** Reads Alpine's secdb (secdb.alpinelinux.org): the fixed version of each id, by branch and repository. */
import { isJsonObject } from '../../../lib/index.ts';
import type { Advisory, RangeEvent } from '../record.ts';
import { spellRelease } from '../releases.ts';
import { isCve, isPlainWord } from '../text.ts';
import { Flaw, type FormReader } from './form.ts';

export const alpineSecdbReader: FormReader =
  ({ sink, asOf }) =>
  ({ value }) => {
    if (!isJsonObject(value) || !isPlainWord(value['distroversion']))
      throw new Flaw('it has no distroversion');
    const release = spellRelease('Alpine', value['distroversion']);
    const packages: readonly unknown[] = Array.isArray(value['packages']) ? value['packages'] : [];
    for (const entry of packages) {
      const found = isJsonObject(entry) ? entry['pkg'] : undefined;
      if (!isJsonObject(found) || !isPlainWord(found['name'])) {
        sink.bad(`a package of ${release}`, 'it has no name');
        continue;
      }
      const { name, secfixes } = found;
      for (const [version, entries] of Object.entries(isJsonObject(secfixes) ? secfixes : {})) {
        const ids = idsOf(entries);
        if (ids.length === 0 || !isPlainWord(version))
          sink.bad(`${name} ${version}`, 'it names no vulnerability');
        else for (const id of ids) sink.advisory(toAdvisory(id, version, name, release, asOf));
      }
    }
  };

function toAdvisory(id: string, version: string, name: string, release: string, asOf: string): Advisory {
  // `0` means never affected. It is kept, because other sources may not know that.
  const isSafe = version === '0';
  return {
    id: `ALPINE-${id}`,
    modified: asOf,
    withdrawn: false,
    aliases: [],
    upstream: [id],
    title: `ALPINE-${id}`,
    url: isCve(id) ? `https://security.alpinelinux.org/vuln/${id}` : undefined,
    malicious: false,
    ratings: [],
    affected: [
      {
        ecosystem: 'Alpine',
        release,
        name,
        ranges: isSafe ? [] : [fixedIn(version)],
        versions: [],
        status: isSafe ? 'not_affected' : undefined,
        ratings: [],
      },
    ],
  };
}

function fixedIn(version: string): readonly RangeEvent[] {
  return [
    ['introduced', '0'],
    ['fixed', version],
  ];
}

/**
 * Each entry is an id, perhaps with more words: `CVE-2016-9377 XSA-196`, `CVE-2018-14461 (LDP)`, `CVE-2017-8073.patch`.
 * Other ids count only if there is no CVE, since they cover several vulnerabilities at once.
 */
function idsOf(entries: unknown): readonly string[] {
  if (!Array.isArray(entries)) return [];
  const ids = entries.flatMap((entry: unknown) => {
    const text = typeof entry === 'string' ? entry.slice(0, longestEntry) : '';
    const cves = [...text.matchAll(cve)].map(([, year, number]) => `CVE-${year}-${number}`);
    return cves.length > 0 ? cves : (otherId.exec(text)?.slice(0, 1) ?? []);
  });
  return [...new Set(ids)];
}

const longestEntry = 1000;
/** Also matches `CVE_2019-2426`. */
const cve = /(?<![a-z0-9])CVE[-_ ](\d{4})-(\d{4,19})(?!\d)/gi;
const otherId =
  /(?<![\w-])(?:GHSA(?:-[0-9a-z]{4}){3}|(?:[A-Z]{2,12}(?:-[A-Z]{1,12})?|wnpa-sec)-\d{1,8}(?:-\d{1,8}){0,3})(?![\w-])/;
