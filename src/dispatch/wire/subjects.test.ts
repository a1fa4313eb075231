/** The rights that nats-server gives a node cover what the node says and hears, and nothing that another one says. */
import { describe, expect, test } from 'vitest';
import { busRights } from '../../cluster/index.ts';
import { anyone, subjectsOf } from './subjects.ts';

const cluster = '0123456789abcdef';
const subjects = subjectsOf(cluster);
const id = 'a'.repeat(32);

/** As NATS reads a subject with wildcards. */
function matches(pattern: string, subject: string): boolean {
  const [words, given] = [pattern.split('.'), subject.split('.')];
  const rest = words.indexOf('>');
  const isLongEnough = rest < 0 ? words.length === given.length : given.length > rest;
  return isLongEnough && words.every((word, at) => word === '>' || word === '*' || word === given[at]);
}

const allowed = (patterns: readonly string[], subject: string) =>
  patterns.some((pattern) => matches(pattern, subject));

describe('an invoker', () => {
  const { publish, subscribe } = busRights(cluster, { name: 'i', role: 'invoker' });

  test.each([subjects.report('invoker', 'i'), subjects.api('a', 'i')])('may say %s', (subject) => {
    expect(allowed(publish, subject)).toBe(true);
  });

  test.each([
    subjects.report('invoker', anyone),
    subjects.report('api', anyone),
    subjects.invoker('i', anyone),
    subjects.all(anyone),
  ])('may hear %s', (subject) => {
    expect(allowed(subscribe, subject)).toBe(true);
  });

  test.each([
    subjects.report('invoker', 'j'),
    subjects.report('api', 'i'),
    subjects.api('a', 'j'),
    subjects.invoker('j', 'i'),
    subjects.all('i'),
    subjects.unheard('a', id, 1),
  ])('may not say %s', (subject) => {
    expect(allowed(publish, subject)).toBe(false);
  });
});

describe('an API node', () => {
  const { publish, subscribe } = busRights(cluster, { name: 'a', role: 'api' });

  test.each([
    subjects.report('api', 'a'),
    subjects.invoker('i', 'a'),
    subjects.all('a'),
    subjects.api('b', 'a'),
  ])('may say %s', (subject) => {
    expect(allowed(publish, subject)).toBe(true);
  });

  test.each([
    subjects.report('api', anyone),
    subjects.report('invoker', anyone),
    subjects.api('a', anyone),
    subjects.invoker('a', anyone),
    subjects.all(anyone),
    subjects.unheard('a', id, 1),
  ])('may hear %s', (subject) => {
    expect(allowed(subscribe, subject)).toBe(true);
  });

  test.each([subjects.api('b', 'i'), subjects.invoker('i', 'b'), subjects.all('b')])(
    'may not say %s',
    (subject) => {
      expect(allowed(publish, subject)).toBe(false);
    },
  );
});
