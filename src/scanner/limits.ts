/**
 * Limits for one image. Each package takes some kilobytes in the server while report and SBOM are made. The largest real
 * images have some thousands of packages.
 */
export const mostPackages = 15_000;
export const mostFindings = 10_000;

/** Longer files that no cataloger wants are streamed past the rules. */
export const longestUnwanted = 4 * 1024 * 1024;
