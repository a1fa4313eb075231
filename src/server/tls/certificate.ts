/** The certificate in use, which can be replaced while Ward runs. */
import { X509Certificate } from 'node:crypto';
import type { TlsFront } from '../../api/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import type { KeyPair } from './key-pair.ts';

export interface Certificate {
  /** New connections use the pair. Keeps the old one when the new one can't be used. */
  renew(pair: KeyPair): void;
  /** Undefined when the API speaks plain HTTP. */
  until(): Date | undefined;
  /** True for names and addresses in the certificate. */
  covers(host: string): boolean;
}

interface CertificateParts {
  readonly front: TlsFront | undefined;
  readonly pair: KeyPair | undefined;
  readonly log: Log;
}

export function openCertificate({ front, pair, log }: CertificateParts): Certificate {
  let current = pair && new X509Certificate(pair.cert);
  return {
    renew(next) {
      try {
        front?.renew(next);
        current = new X509Certificate(next.cert);
      } catch (error) {
        log.error(
          { reason: messageOf(error) },
          'the new certificate can’t be used, the old one stays in use',
        );
      }
    },
    until: () => current?.validToDate,
    covers: (host) => current?.checkHost(host) !== undefined || current?.checkIP(host) !== undefined,
  };
}
