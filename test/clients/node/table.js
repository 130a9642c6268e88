// The table of checks: what was expected, and what was seen.
import { setTimeout as sleep } from 'node:timers/promises';

const rows = []; // [scenario, check, result, what was seen]
const rejections = [];
process.on('unhandledRejection', error => rejections.push(String(error)));

// note tells what is nobody's promise; check what must hold.
export const note = (scenario, what, seen) => rows.push([scenario, what, 'note', String(seen)]);
export const check = (scenario, what, holds, seen = '') => rows.push([scenario, what, holds ? 'ok' : 'FAIL', String(seen)]);

// eventually waits for what follows soon after something else.
export async function eventually(condition, timeout = 3000) {
  for (const end = performance.now() + timeout; performance.now() < end; await sleep(10)) if (condition()) return true;
  return condition();
}

export const failed = arm => `${arm.failures.length} failed, ${arm.reconnects} reconnects`;

// play lets a scenario run to its end, then stops whatever it started: body
// adds that to running, a simulator first.
export async function play(scenario, body) {
  const running = [];
  try {
    await body(running);
    check(scenario, 'no unhandled rejection', rejections.length === 0, rejections.splice(0).join('; '));
  } catch (error) {
    check(scenario, 'plays to its end', false, error.stack);
  } finally {
    const [simulator, ...arms] = running;
    await Promise.all(arms.map(arm => arm.stop()));
    await simulator?.stop();
  }
}

// replies judges what an arm under load was answered.
export function replies(scenario, arm) {
  check(scenario, `${arm.name}: no wrong reply`, arm.wrong.length === 0 && arm.ok > 100, arm.wrong[0] ?? `${arm.ok} replies`);
}

// print returns how many checks failed.
export function print() {
  const scenarios = [...new Set(rows.map(([scenario]) => scenario))];
  rows.sort((a, b) => scenarios.indexOf(a[0]) - scenarios.indexOf(b[0]));
  const widths = [0, 1, 2].map(i => Math.max(...rows.map(row => row[i].length)));
  for (const row of rows) console.log(row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd());
  const failures = rows.filter(row => row[2] === 'FAIL').length;
  console.log(`\n${rows.length} rows, ${failures} failed`);
  return failures;
}
