import { describe, expect, test } from 'vitest';
import { runCommand } from '../../lib/index.ts';
import { parseAccount, serverAccount } from './account.ts';

const group = 'ward:x:990:';

describe('an account', () => {
  test.each(['/usr/sbin/nologin', '/sbin/nologin', '/bin/false'])(
    'with the shell %s is accepted',
    (shell) => {
      expect(parseAccount(`ward:x:991:990:Ward:/nonexistent:${shell}`, group)).toEqual({
        name: 'ward',
        uid: 991,
        gid: 990,
      });
    },
  );

  test.each<[string, string, string | undefined]>([
    ['is root', 'ward:x:0:990::/:/usr/sbin/nologin', group],
    ['is in root’s group', 'ward:x:991:0::/:/usr/sbin/nologin', 'ward:x:0:'],
    ['belongs to a person', 'ward:x:1000:990::/home/ward:/bin/bash', group],
    ['has the default shell', 'ward:x:991:990::/:', group],
    ['has no number', 'ward:x:nine:990::/:/usr/sbin/nologin', group],
    ['has another main group', 'ward:x:991:100::/:/usr/sbin/nologin', group],
    ['has no group of its own', 'ward:x:991:990::/:/usr/sbin/nologin', undefined],
    ['is cut short', 'ward:x:991', group],
  ])('that %s is refused', (_what, user, itsGroup) => {
    expect(() => parseAccount(user, itsGroup)).toThrow(
      expect.objectContaining({
        code: 'SERVER_ACCOUNT_UNFIT',
        hint: expect.stringContaining('useradd --system'),
      }),
    );
  });
});

test('this machine’s account matches the output of id, or the fault has the command that creates it', async () => {
  const id = await runCommand(['id', 'ward']);
  const found = await serverAccount().catch((error: unknown) => error);
  if (id.code === 0)
    expect(id.stdout).toMatch(new RegExp(`^uid=${(found as { uid: number }).uid}\\(ward\\) gid=`));
  else
    expect(found).toMatchObject({
      code: 'SERVER_ACCOUNT_MISSING',
      hint: expect.stringContaining('useradd --system'),
    });
});
