export { type BusAddresses, parseBusAddresses } from './addresses.ts';
export { busFaults } from './faults.ts';
export { openBus } from './open-bus.ts';
export type { Bus, BusMessage, BusOptions, BusState } from './types.ts';
