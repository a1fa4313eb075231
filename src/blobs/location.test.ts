import { expect, it } from 'vitest';
import { describeLocation, parseBlobLocation } from './location.ts';

it('reads every part of the URL', () => {
  const location = parseBlobLocation(
    's3://ward-blobs/eu/prod?endpoint=http://minio.internal:9000&region=eu-west-1&cache=2g',
  );
  expect(location).toEqual({
    bucket: 'ward-blobs',
    prefix: 'eu/prod/',
    endpoint: 'http://minio.internal:9000',
    region: 'eu-west-1',
    cacheBytes: 2 * 1024 ** 3,
  });
  expect(describeLocation(location)).toBe('s3://ward-blobs/eu/prod/ at http://minio.internal:9000');
});

it('needs no more than a bucket', () => {
  expect(parseBlobLocation('s3://ward-blobs')).toMatchObject({
    prefix: '',
    endpoint: undefined,
    region: 'us-east-1',
  });
  expect(parseBlobLocation('s3://ward-blobs/')).toMatchObject({ prefix: '' });
});

it.each([
  ['', 'does not begin with s3'],
  ['https://ward-blobs/x', 'does not begin with s3'],
  [`s3://ward-blobs/${'x'.repeat(3000)}`, 'does not begin with s3'],
  ['s3://AB_C/x', 'bucket'],
  ['s3://ab', 'bucket'],
  ['s3://ward-blobs:9000/x', 'bucket'],
  ['s3://key:hunter2@ward-blobs/x', 'a user or a password'],
  ['s3://ward-blobs/a//b', 'prefix'],
  ['s3://ward-blobs/a%2f..', 'prefix'],
  ['s3://ward-blobs/a b', 'prefix'],
  ['s3://ward-blobs/1/2/3/4/5/6/7/8/9', 'prefix'],
  ['s3://ward-blobs/x#hunter2', 'after #'],
  ['s3://ward-blobs/x?secret=hunter2', 'a word other than'],
  ['s3://ward-blobs/x?region=a&region=b', 'region twice'],
  ['s3://ward-blobs/x?region=EU%0aX', 'region'],
  ['s3://ward-blobs/x?endpoint=ftp://h', 'endpoint'],
  ['s3://ward-blobs/x?endpoint=http://key:hunter2@h', 'endpoint has a user'],
  ['s3://ward-blobs/x?endpoint=http://h/hunter2', 'more than a host'],
  ['s3://ward-blobs/x?cache=much', 'cache'],
  ['s3://ward-blobs/x?cache=-1', 'cache'],
])('refuses %s, and repeats no secret', (text, what) => {
  const parse = () => parseBlobLocation(text);
  expect(parse).toThrow(
    expect.objectContaining({ code: 'BLOBS_URL_INVALID', message: expect.stringContaining(what) }),
  );
  expect(parse).not.toThrow(/hunter2/);
});
