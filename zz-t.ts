import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { readOsv, Flaw, notForUs } from './src/scanner/advisories/forms/osv.ts';
const t=performance.now(); let n=0,no=0,mal=0; const bad:any[]=[];
for await (const l of createInterface({input:createReadStream('/tmp/adv-all.ndjson')})) { try { const r=readOsv(JSON.parse(l)); if(r===notForUs) no++; else {n++; if(r.malicious) mal++;} } catch(e) { bad.push([l.slice(0,80),String(e)]);} }
console.log(n,no,mal,bad.length,bad.slice(0,5),performance.now()-t);
