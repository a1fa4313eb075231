import { advisoryInputs } from './src/scanner/advisories/inputs.ts';
import { runImport } from './src/scanner/advisories/build/run.ts';
import { advisoryStatus } from './src/scanner/advisories/status.ts';
const all=(await advisoryInputs('/work/shared/advisories')).filter(i=>!/(sources|victims|cve5|native)/.test(i.source)||/secdb|node-core|ruby/.test(i.source));
let last="";const t=performance.now();
const r=await runImport({forget:[],unchanged:[],path:'/tmp/adv-test/advisories.db',inputs:all},(p)=>{if(p.source!==last){console.log(((performance.now()-t)|0),p.stage,p.source);last=p.source}});
console.log(performance.now()-t);
const s=advisoryStatus({path:'/tmp/adv-test/advisories.db'}); console.log(s?.sizeBytes,s?.ecosystems,s?.exploited,s?.probabilities,s?.ratings);
