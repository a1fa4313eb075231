/** What is in an image, a folder or an archive, and what is wrong with it. */
export { scannerFaults } from './faults.ts';
export * from './types.ts';
