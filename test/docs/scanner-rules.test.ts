/** docs/reference/scanner-rules.md lists exactly the existing rules. */
import { expect, test } from 'vitest';
import { loadMalwareRules } from '../../src/scanner/malware/rules.ts';
import { loadMisconfigurationRules } from '../../src/scanner/misconfiguration/rules.ts';
import { readRulesFiles } from '../../src/scanner/rules/rules-files.ts';
import { loadSecretRules } from '../../src/scanner/secrets/rules.ts';
import { readText, type Table, tableOf } from './markdown.ts';

const document = readText('docs/reference/scanner-rules.md');
const files = readRulesFiles();

function rowsUnder(heading: string): Table['rows'] {
  return tableOf(document, 'rule', heading).rows;
}

test('malware', () => {
  const rules = loadMalwareRules(files.yara).rules.filter(({ isPrivate }) => !isPrivate);
  expect(rowsUnder('Malware')).toEqual(
    rules.map(({ id, severity, title, meta }) => [
      `\`${id}\``,
      severity,
      title,
      [meta.get('why'), meta.get('tune')].filter(Boolean).join(' '),
    ]),
  );
});

test('secrets', () => {
  const rules = loadSecretRules(files.secrets).texts;
  expect(rowsUnder('Secrets')).toEqual(
    rules.map(({ id, severity, title, why, tune }) => [
      `\`${id}\``,
      severity,
      title,
      [why, tune].filter(Boolean).join(' '),
    ]),
  );
});

test('misconfigurations', () => {
  const { rules } = loadMisconfigurationRules(files.misconfiguration);
  expect(rowsUnder('Misconfigurations')).toEqual(
    rules.map(({ text }) => [`\`${text.id}\``, text.severity, text.title, text.why, text.advice]),
  );
});
