/** Reads EPSS (first.org/epss): a table `cve,epss,percentile` below a comment and a heading. */
import { isCve } from '../text.ts';
import { Flaw, type FormReader } from './form.ts';

export const epssReader: FormReader =
  ({ sink }) =>
  ({ value }) => {
    if (typeof value !== 'string') throw new Flaw('it is not a line');
    if (value.startsWith('#') || value.startsWith('cve,')) return;
    const [cve = '', text = ''] = value.split(',');
    const probability = /^[\d.eE-]+$/.test(text) ? Number(text) : Number.NaN;
    if (!isCve(cve) || !(probability >= 0 && probability <= 1))
      throw new Flaw('it is not a CVE with a probability');
    sink.fact({ kind: 'probability', cve, probability });
  };
