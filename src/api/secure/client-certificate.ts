/** Mutual TLS: operators show a certificate of their own, besides logging in. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { apiFault } from '../faults.ts';

/** @throws Fault CLIENT_CERTIFICATE_REQUIRED */
export type CheckClient = (request: { readonly raw: { readonly socket: Socket } }) => void;

/** @param isWanted whether the operator has set an authority for such certificates */
export function clientCheck(isWanted: boolean): CheckClient {
  if (!isWanted) return () => {};
  return ({ raw }) => {
    const { socket } = raw;
    if (socket instanceof TLSSocket && socket.authorized && hasCertificate(socket)) return;
    throw apiFault(
      'CLIENT_CERTIFICATE_REQUIRED',
      'Operators of this Ward show a certificate of their own, and this connection has none that counts.',
      { hint: 'Install one of the authority in `tls.operatorCa` into the browser, and open a new window.' },
    );
  };
}

/** In Node.js before 24.21, a resumed connection of TLS 1.3 counts as authorized even without a certificate. */
function hasCertificate(socket: TLSSocket): boolean {
  return socket.getPeerX509Certificate() !== undefined;
}
