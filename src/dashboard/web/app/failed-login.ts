/**
 * What a login at an issuer failed with. The address says only a code, so that no link can put words here. Ward's log has
 * more.
 */
import { ApiError } from '../api/client.ts';

const reasons: Readonly<Record<string, string>> = {
  LOGIN_INVALID:
    'This browser did not begin that login, or it took longer than 10 minutes. Open the console at its usual address.',
  LOGIN_DENIED:
    'The operator of this Ward gives your login nothing to see. Ask for a group that opens a namespace.',
  LOGIN_ENDED: 'You were logged out since you logged in at the issuer. Log in there once more.',
  OIDC_UNAVAILABLE: 'The issuer does not answer. Try again later.',
};

export function failedLogin(code: string): ApiError {
  const known = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  if (known !== undefined) return new ApiError(known, { code });
  return new ApiError('The login at the issuer did not succeed.', { hint: 'Ward’s log has the reason.' });
}
