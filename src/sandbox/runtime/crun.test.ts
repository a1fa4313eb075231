import { describeRuntime } from '../testing/runtime-behaviour.ts';

describeRuntime({ runtime: 'crun', hasOwnKernel: false });
