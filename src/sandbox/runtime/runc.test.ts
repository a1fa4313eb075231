import { describeRuntime } from '../testing/runtime-behaviour.ts';

describeRuntime({ runtime: 'runc', hasOwnKernel: false });
