/**
 * Reads the Ruby advisory database (github.com/rubysec/ruby-advisory-db), one of its files per line. It uses RubyGems'
 * requirements.
 */
import { isJsonObject, type JsonObject } from '../../../lib/index.ts';
import { severityOfScore } from '../cvss.ts';
import type { Rating } from '../record.ts';
import { isAdvisoryId, isCve, isoTime, isPlainWord, oneLine, webAddress } from '../text.ts';
import { Flaw, type FormReader } from './form.ts';

export const rubyAdvisoriesReader: FormReader =
  ({ sink, asOf }) =>
  ({ value }) => {
    if (!isJsonObject(value)) throw new Flaw('it is not an object');
    const { gem, title, date, url } = value;
    // Advisories about Ruby itself and its standard library name no gem.
    if (gem === undefined) return sink.skip();
    if (!isPlainWord(gem)) throw new Flaw('the name of its gem is invalid');
    const [id, ...aliases] = idsOf(value);
    if (id === undefined) throw new Flaw('it has no id');
    sink.advisory({
      id,
      modified: asOf,
      published: isoTime(date) || undefined,
      withdrawn: false,
      aliases,
      upstream: [],
      title: typeof title === 'string' ? oneLine(title, 200) : id,
      url: webAddress(url),
      malicious: false,
      ratings: ratingsOf(value),
      affected: [
        {
          ecosystem: 'RubyGems',
          release: '',
          name: gem,
          ranges: [],
          versions: [],
          constraint: {
            notation: 'gem',
            safe: [...words(value['patched_versions']), ...words(value['unaffected_versions'])],
          },
          ratings: [],
        },
      ],
    });
  };

function idsOf({ ghsa, cve, osvdb }: JsonObject): readonly string[] {
  const ids = [
    typeof ghsa === 'string' ? `GHSA-${ghsa}` : '',
    typeof cve === 'string' ? `CVE-${cve}` : '',
    typeof osvdb === 'number' ? `OSVDB-${osvdb}` : '',
  ];
  return ids.filter((id) => isAdvisoryId(id) && (!id.startsWith('CVE-') || isCve(id)));
}

/** The database gives scores without vectors. */
function ratingsOf({ cvss_v4: v4, cvss_v3: v3, cvss_v2: v2 }: JsonObject): readonly Rating[] {
  const source = 'rubysec';
  const score = [v4, v3, v2].find((each) => typeof each === 'number');
  if (typeof score !== 'number' || !(score >= 0 && score <= 10)) return [];
  return [{ source, severity: severityOfScore(score, typeof (v4 ?? v3) === 'number' ? 3 : 2) }];
}

function words(value: unknown): readonly string[] {
  return Array.isArray(value)
    ? value
        .slice(0, 500)
        .filter((word) => typeof word === 'string' && word.length <= 200)
        .map(String)
    : [];
}
