/** Reads CISA's catalogue of known exploited vulnerabilities: its JSON list, one entry per line, or its CSV. */
import { isJsonObject } from '../../../lib/index.ts';
import { isCve, isoTime } from '../text.ts';
import { Flaw, type FormReader } from './form.ts';

export const kevReader: FormReader =
  ({ sink }) =>
  ({ value }) => {
    if (typeof value === 'string') {
      // The two columns that matter come before any quoted text: cveID first, the date anywhere after it.
      const cve = /^"?(CVE-\d{4}-\d{4,})"?,/.exec(value)?.[1];
      const added = /,"?(\d{4}-\d\d-\d\d)"?,/.exec(value)?.[1];
      if (cve !== undefined) sink.fact({ kind: 'exploited', cve, added: isoTime(added) });
      else if (!/^\W*cveID\b/.test(value)) throw new Flaw('it has no CVE');
      return;
    }
    if (!isJsonObject(value)) throw new Flaw('it is not an object');
    const { cveID: cve, dateAdded: added } = value;
    if (typeof cve !== 'string' || !isCve(cve)) throw new Flaw('it has no CVE');
    sink.fact({ kind: 'exploited', cve, added: isoTime(added) });
  };
