/**
 * Which blobs of a manifest are layers of a root file system: one list for who scans them, who lays them and who decides
 * whether there is something to scan. Source: OCI image-spec v1.1, layer.md; Docker's image manifest, schema 2.
 */
const ociForms = ['tar', 'tar+gzip', 'tar+zstd'];
const dockerForms = ['tar', 'tar.gzip', 'tar.zstd'];
const elsewhereTypes: ReadonlySet<string> = new Set([
  ...ociForms.map((form) => `application/vnd.oci.image.layer.nondistributable.v1.${form}`),
  ...dockerForms.map((form) => `application/vnd.docker.image.rootfs.foreign.diff.${form}`),
]);
const layerTypes: ReadonlySet<string> = new Set([
  ...ociForms.map((form) => `application/vnd.oci.image.layer.v1.${form}`),
  ...dockerForms.map((form) => `application/vnd.docker.image.rootfs.diff.${form}`),
  ...elsewhereTypes,
]);

/** A layer that need not be in the registry of its image: clients get it from where its `urls` say. */
export function isElsewhere(mediaType: string): boolean {
  return elsewhereTypes.has(mediaType);
}

export function isLayerType(mediaType: string): boolean {
  return layerTypes.has(mediaType);
}
