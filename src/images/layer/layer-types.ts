/**
 * Which blobs of a manifest are layers of a root file system: one list for who scans them, who lays them and who decides
 * whether there is something to scan. Source: OCI image-spec v1.1, layer.md; Docker's image manifest, schema 2.
 */
const layerTypes: ReadonlySet<string> = new Set([
  ...['tar', 'tar+gzip', 'tar+zstd'].flatMap((form) => [
    `application/vnd.oci.image.layer.v1.${form}`,
    `application/vnd.oci.image.layer.nondistributable.v1.${form}`,
  ]),
  ...['tar', 'tar.gzip', 'tar.zstd'].flatMap((form) => [
    `application/vnd.docker.image.rootfs.diff.${form}`,
    `application/vnd.docker.image.rootfs.foreign.diff.${form}`,
  ]),
]);

export function isLayerType(mediaType: string): boolean {
  return layerTypes.has(mediaType);
}
