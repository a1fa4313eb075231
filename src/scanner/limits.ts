/**
 * How much of one image is kept. Each package takes some kilobytes while its report and its SBOM are made, in the process
 * that serves; and the largest images that people build have some thousands.
 */
export const mostPackages = 15_000;
export const mostFindings = 10_000;

/** Longer files that tell of no packages are shown to rules piece by piece. */
export const longestUnwanted = 4 * 1024 * 1024;
