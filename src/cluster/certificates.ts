/**
 * Writes X.509 certificates (RFC 5280). All fields are Ward's: a request contributes a public key and nothing else.
 * Node.js reads certificates but can't issue them, hence PKI.js, which is loaded when a certificate is issued.
 */
import { createHash, type KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Extension, GeneralName, RelativeDistinguishedNames } from 'pkijs';
import { publicDer } from './keys.ts';

export interface Subject {
  readonly commonName: string;
  readonly organization: string;
}

export interface CertificateFields {
  readonly subject: Subject;
  readonly key: KeyObject;
  /** Epoch milliseconds. */
  readonly from: number;
  readonly until: number;
  readonly use: 'authority' | 'node' | 'server';
  /** Names and addresses of a server. */
  readonly hosts?: readonly string[];
}

interface Issuer {
  readonly subject: Subject;
  readonly privateKey: KeyObject;
}

type Libraries = typeof import('pkijs') & { readonly asn: typeof import('asn1js') };

const oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
};
/** The first bits of the key usage: digitalSignature; keyCertSign and cRLSign. */
const usageBits = { signs: [0x80, 7], issues: [0x06, 1] } as const;
/** Types of alternative names (RFC 5280, section 4.2.1.6). */
const nameTypes = { dns: 2, ip: 7 } as const;
const serialBytes = 16;
const p256 = { name: 'ECDSA', namedCurve: 'P-256' };

/** @returns PEM */
export async function issueCertificate(fields: CertificateFields, issuer: Issuer): Promise<string> {
  const [pkijs, asn] = await Promise.all([import('pkijs'), import('asn1js')]);
  const pki: Libraries = { ...pkijs, asn };
  const serialNumber = new asn.Integer({ valueHex: newSerial() });
  const certificate = new pki.Certificate({ version: 2, serialNumber });
  certificate.subject = nameOf(pki, fields.subject);
  certificate.issuer = nameOf(pki, issuer.subject);
  certificate.notBefore.value = new Date(fields.from);
  certificate.notAfter.value = new Date(fields.until);
  certificate.subjectPublicKeyInfo = pki.PublicKeyInfo.fromBER(publicDer(fields.key));
  certificate.extensions = [
    ...constraintsOf(pki, fields.use),
    ...keyIdsOf(pki, fields.key, issuer.privateKey),
    ...purposesOf(pki, fields),
  ];
  const pkcs8 = issuer.privateKey.export({ type: 'pkcs8', format: 'der' });
  const signer = await webcrypto.subtle.importKey('pkcs8', pkcs8, p256, false, ['sign']);
  await certificate.sign(signer, 'SHA-256', new pki.CryptoEngine({ crypto: webcrypto }));
  return new X509Certificate(Buffer.from(certificate.toSchema(true).toBER())).toString();
}

function nameOf(pki: Libraries, { commonName, organization }: Subject): RelativeDistinguishedNames {
  const attribute = (type: string, value: string) =>
    new pki.AttributeTypeAndValue({ type, value: new pki.asn.Utf8String({ value }) });
  return new pki.RelativeDistinguishedNames({
    typesAndValues: [attribute(oid.commonName, commonName), attribute(oid.organization, organization)],
  });
}

function constraintsOf(pki: Libraries, use: CertificateFields['use']): Extension[] {
  const isAuthority = use === 'authority';
  const constraints = new pki.BasicConstraints(isAuthority ? { cA: true, pathLenConstraint: 0 } : {});
  const [byte, unusedBits] = isAuthority ? usageBits.issues : usageBits.signs;
  const usage = new pki.asn.BitString({ valueHex: Uint8Array.of(byte).buffer, unusedBits });
  return [
    new pki.Extension({
      extnID: oid.basicConstraints,
      critical: true,
      extnValue: constraints.toSchema().toBER(),
    }),
    new pki.Extension({ extnID: oid.keyUsage, critical: true, extnValue: usage.toBER() }),
  ];
}

function keyIdsOf(pki: Libraries, key: KeyObject, issuerKey: KeyObject): Extension[] {
  const idOf = (of: KeyObject) => new pki.asn.OctetString({ valueHex: keyIdentifier(of) });
  const issuerId = new pki.AuthorityKeyIdentifier({ keyIdentifier: idOf(issuerKey) });
  return [
    new pki.Extension({ extnID: oid.subjectKeyId, critical: false, extnValue: idOf(key).toBER() }),
    new pki.Extension({
      extnID: oid.authorityKeyId,
      critical: false,
      extnValue: issuerId.toSchema().toBER(),
    }),
  ];
}

function purposesOf(pki: Libraries, { use, hosts = [] }: CertificateFields): Extension[] {
  if (use === 'authority') return [];
  // Servers of NATS also connect to each other.
  const keyPurposes = use === 'server' ? [oid.serverAuth, oid.clientAuth] : [oid.clientAuth];
  const purposes = new pki.ExtKeyUsage({ keyPurposes });
  const extension = (extnID: string, extnValue: ArrayBuffer) =>
    new pki.Extension({ extnID, critical: false, extnValue });
  const names = new pki.GeneralNames({ names: hosts.map((host) => generalName(pki, host)) });
  return [
    extension(oid.extendedKeyUsage, purposes.toSchema().toBER()),
    ...(hosts.length === 0 ? [] : [extension(oid.alternativeName, names.toSchema().toBER())]),
  ];
}

function generalName(pki: Libraries, host: string): GeneralName {
  if (isIP(host) === 0) return new pki.GeneralName({ type: nameTypes.dns, value: host });
  const valueHex = Uint8Array.from(ipaddr.parse(host).toByteArray()).buffer;
  return new pki.GeneralName({ type: nameTypes.ip, value: new pki.asn.OctetString({ valueHex }) });
}

/** The first 160 bits of a SHA-256 (RFC 7093, section 2). */
function keyIdentifier(key: KeyObject): ArrayBuffer {
  return Uint8Array.from(createHash('sha256').update(publicDer(key)).digest().subarray(0, 20)).buffer;
}

/** Positive, and always of the same length (RFC 5280, section 4.1.2.2). */
function newSerial(): ArrayBuffer {
  const bytes = Uint8Array.from(randomBytes(serialBytes));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.buffer;
}
