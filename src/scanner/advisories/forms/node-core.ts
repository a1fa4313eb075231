/** Reads vulnerabilities of Node.js itself (github.com/nodejs/security-wg, `vuln/core`), which use npm's ranges. */
import { isJsonObject } from '../../../lib/index.ts';
import { severityOfWord } from '../rating.ts';
import { isCve, oneLine, webAddress } from '../text.ts';
import { Flaw, type FormReader } from './form.ts';

export const nodeCoreReader: FormReader =
  ({ sink, asOf }) =>
  ({ path: [key], value }) => {
    if (!isJsonObject(value)) throw new Flaw('it is not an object');
    const { cve, vulnerable, patched, overview, description, severity, _file: file, ref } = value;
    if (typeof vulnerable !== 'string' || vulnerable.length > 1000) throw new Flaw('it has no range');
    const number = /^\d+/.exec(key || String(file ?? ''))?.[0];
    const cves = Array.isArray(cve) ? cve.filter((id) => typeof id === 'string' && isCve(id)) : [];
    const id = number === undefined ? cves[0] : `NODE-CORE-${number}`;
    if (typeof id !== 'string') throw new Flaw('it has neither a number nor a CVE');
    const word = severityOfWord(severity);
    const text = [description, overview].find((each) => typeof each === 'string' && each !== '');
    sink.advisory({
      id,
      modified: asOf,
      withdrawn: false,
      aliases: cves.filter((alias) => alias !== id).map(String),
      upstream: [],
      title: typeof text === 'string' ? oneLine(text, 200) : id,
      url: webAddress(ref),
      malicious: false,
      ratings: word === 'unknown' ? [] : [{ source: 'nodejs', severity: word }],
      affected: [
        {
          ecosystem: 'Node.js',
          release: '',
          name: 'node',
          ranges: [],
          versions: [],
          constraint: {
            notation: 'npm',
            affected: vulnerable,
            safe: typeof patched === 'string' && patched.length <= 1000 ? [patched] : [],
          },
          ratings: [],
        },
      ],
    });
  };
