// Proves the simulator with a client that knows nothing of it: node-redis with
// handoffs on and off, side by side, through upgrades. Prints a table of
// checks; exits 1 if one fails.
import { readFileSync } from 'node:fs';
import { print } from './table.js';

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
setTimeout(() => { console.error('check: not done after 5 minutes'); process.exit(1); }, 300_000).unref();

// The files play side by side: most of the time a scenario waits.
const files = process.argv.slice(2);
await Promise.all((files.length > 0 ? files : ['endpoint', 'cluster']).map(file => import(`./${file}.js`)));

const { version } = JSON.parse(readFileSync(new URL('node_modules/redis/package.json', import.meta.url)));
console.log(`\nnode-redis ${version}, node ${process.versions.node}, upgrades at --speed 5\n`);
process.exit(print() > 0 ? 1 : 0);
