/**
 * Finds CPE names without guessing: for distributions, the name that they give themselves; for packages of a product as its
 * makers publish it, the name in published vulnerabilities. A distribution's build of a product gets its own fixes under
 * the same version, so its packages have no CPE.
 * Sources: NIST IR 7695; Bitnami's and NVD's records.
 */
import type { Component, Distribution } from '../types.ts';

/** Vendor and product of distributions that do not state their CPE. */
const distributions: ReadonlyMap<string, string> = new Map([
  ['debian', 'debian:debian_linux'],
  ['ubuntu', 'canonical:ubuntu_linux'],
  ['alpine', 'alpinelinux:alpine_linux'],
]);

/** Maps `ECOSYSTEM NAME` to vendor and product with the same versions. */
const products: ReadonlyMap<string, string> = new Map([
  ['binary node', 'nodejs:node.js'],
  ['golang stdlib', 'golang:go'],
  ['composer drupal/core', 'drupal:drupal'],
  ['composer phpmailer/phpmailer', 'phpmailer_project:phpmailer'],
  ['maven org.apache.activemq:activemq-broker', 'apache:activemq'],
  ['maven org.apache.solr:solr-core', 'apache:solr'],
  ['maven org.apache.thrift:libthrift', 'apache:thrift'],
  ['maven org.apache.tomcat.embed:tomcat-embed-core', 'apache:tomcat'],
  ['maven org.apache.tomcat:tomcat-catalina', 'apache:tomcat'],
  ['maven org.apache.zookeeper:zookeeper', 'apache:zookeeper'],
  ['maven org.postgresql:postgresql', 'postgresql:postgresql_jdbc_driver'],
  ['npm ghost', 'ghost:ghost'],
  ['npm mongoose', 'mongoosejs:mongoose'],
  ['pypi apache-airflow', 'apache:airflow'],
  ['pypi apache-superset', 'apache:superset'],
  ['pypi django', 'djangoproject:django'],
  ['pypi jupyterhub', 'jupyter:jupyterhub'],
  ['pypi jupyterlab', 'jupyter:jupyterlab'],
  ['pypi mlflow', 'lfprojects:mlflow'],
  ['pypi notebook', 'jupyter:notebook'],
  ['pypi pillow', 'python:pillow'],
  ['pypi setuptools', 'python:setuptools'],
  ['pypi tensorflow', 'google:tensorflow'],
  ['pypi torch', 'linuxfoundation:pytorch'],
]);

export function cpeOf({ ecosystem, name, version, otherNames }: Component): string | undefined {
  const plain = ecosystem === 'pypi' ? name.toLowerCase() : name;
  const product = otherNames === undefined ? products.get(`${ecosystem} ${plain}`) : undefined;
  return product === undefined ? undefined : bound('a', product, version);
}

export function systemCpe({ id, versionId, cpe }: Distribution): string | undefined {
  if (cpe !== undefined) return cpe;
  const product = distributions.get(id);
  if (product === undefined || versionId === '') return undefined;
  // CPE has Debian's releases as `13.0`.
  return bound('o', product, id === 'debian' && /^\d+$/.test(versionId) ? `${versionId}.0` : versionId);
}

/** Escapes all characters but letters, digits and three others by a backslash. */
function bound(part: 'a' | 'o', product: string, version: string): string | undefined {
  if (!/^[!-~]+$/.test(version)) return undefined;
  const escaped = version.toLowerCase().replaceAll(/[^\w.-]/g, '\\$&');
  return `cpe:2.3:${part}:${product}:${escaped}:*:*:*:*:*:*:*`;
}
