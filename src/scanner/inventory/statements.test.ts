import { expect, it } from 'vitest';
import { openStatementBudget } from './statements.ts';

it('keeps packages but drops statements for SBOMs beyond the limit', () => {
  const found = { ecosystem: 'npm', name: 'a', version: '1', needs: ['b', 'c'], licences: ['MIT'] } as const;
  const { spend } = openStatementBudget(57);
  expect(spend([found])).toEqual([found]);
  expect(spend([found])).toEqual([{ ecosystem: 'npm', name: 'a', version: '1' }]);
});
