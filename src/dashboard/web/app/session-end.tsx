/**
 * Says that the session ends soon, so that nothing typed is lost. A login at an issuer is renewed in another tab: the person's groups
 * count anew, and this page stays as it is.
 */
import { useEffect, useState } from 'preact/hooks';
import { Time } from '../components/time.tsx';
import { IssuerButtons, loadOffered } from './issuer-login.tsx';
import { arrivals, sessionState, takeNewSession } from './session.ts';

const noticeMs = 5 * 60_000;

export function SessionEnd() {
  const state = sessionState.value;
  const endsAt = state.is === 'open' ? state.endsAt : undefined;
  const isLogin = state.is === 'open' && state.session.login;
  const [isNear, setNear] = useState(false);
  const [issuers, setIssuers] = useState<readonly string[]>([]);
  useEffect(() => {
    setNear(false);
    if (endsAt === undefined) return;
    const timer = setTimeout(() => setNear(true), Math.max(0, endsAt - noticeMs - Date.now()));
    return () => clearTimeout(timer);
  }, [endsAt]);
  useEffect(() => {
    if (!isNear) return;
    // Without an answer, the note still says when it ends.
    if (isLogin)
      loadOffered().then(
        (offered) => setIssuers(offered.issuers),
        () => {},
      );
    const channel = arrivals();
    channel.onmessage = () => void takeNewSession().catch(() => {});
    return () => channel.close();
  }, [isNear, isLogin]);
  if (!isNear || endsAt === undefined) return null;
  return (
    <div class="note warn" role="status">
      <p>
        Your session ends at <Time at={endsAt} />, and what you have typed and not saved ends with it. Only
        the code of functions stays in this tab.
        {isLogin
          ? ' Log in again in a new tab, and this page goes on.'
          : ' Save it, or log in again in a new tab.'}
      </p>
      {isLogin && <IssuerButtons issuers={issuers} visit="beside" />}
    </div>
  );
}
