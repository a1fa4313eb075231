/**
 * How much of one image is kept. Each package takes some kilobytes while its report and its SBOM are made, in the process
 * that serves; and the largest images that people build have some thousands.
 */
export const mostPackages = 15_000;
export const mostFindings = 10_000;
