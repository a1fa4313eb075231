/**
 * Reads endoflife.date, which says how long releases get security fixes: one list of cycles per product, by name, or the
 * list of one product, which then gives the file its name.
 */
import { isJsonObject } from '../../../lib/index.ts';
import { isoTime, isPlainWord } from '../text.ts';
import { Flaw, type FormReader } from './form.ts';

export const lifecycleReader: FormReader =
  ({ sink, stem }) =>
  ({ path: [product], value }) => {
    const cycles: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const entry of cycles) {
      if (!isJsonObject(entry)) throw new Flaw('a cycle is not an object');
      const cycle = entry['releaseCycle'] ?? entry['cycle'];
      if (!isPlainWord(cycle)) throw new Flaw('a cycle has no name');
      sink.fact({
        kind: 'lifecycle',
        product: product || stem,
        cycle,
        end: isoTime(entry['eol']).slice(0, 10),
      });
    }
  };
