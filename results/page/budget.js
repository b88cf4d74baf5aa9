// What one delivery is made of: mechanisms measured alone by microbench/, against the whole server's CPU time.
'use strict';

// Per delivery a client's next request is parsed, the log is read, the response is shared out, and its receiver is woken.
// async wakes nobody: its loop writes to one connection after the other.
const steps = [
  {label: 'parse', colour: '#4e79a7', of: () => 'parse/subscribe'},
  {label: 'log', colour: '#f28e2b', of: (entry) => entry.startsWith('prefork') ? 'log/read_shared' : 'log/read'},
  {label: 'response', colour: '#59a14f', of: () => 'encode/response/shared'},
  {label: 'wake', colour: '#b07aa1', of: (entry) => Object.entries(wakes).find(([name]) => entry.startsWith(name))?.[1]},
];
const wakes = {
  'prefork': 'wake/process/waiting:64/one_core:0', 'threaded': 'wake/thread/waiting:64/one_core:0',
  'fibers': 'wake/fiber/own_thread',
  'continuations-direct': 'wake/continuation/direct', 'continuations-stackful': 'wake/continuation/stackful',
  'continuations': 'wake/continuation/redispatch',
};

// CPU microseconds of a benchmark: the counter over all processes where it has one. With repetitions, their median.
function mechanism(name) {
  if (!name) return 0;
  const named = data.microbench.benchmarks.filter((benchmark) =>
    `${benchmark.run_name ?? benchmark.name}/`.startsWith(`${name}/`));
  const found = named.find(({aggregate_name}) => aggregate_name === 'median') ?? named[0];
  if (!found || found.error_occurred) return null;
  if (found.cpu_ns !== undefined) return found.cpu_ns / 1000;
  return found.cpu_time * {ns: 1e-3, us: 1, ms: 1e3, s: 1e6}[found.time_unit];
}

function budgetPlot() {
  if (!data.microbench) return null;
  const whole = figureMarks(state.scenario, state.held, 'cpu_us_per_delivery', 'µs');
  const patterns = shownEntries().filter(({name, group}) => group === 'pattern' && whole.has(name)).map(({name}) => name);
  const sets = steps.map(({label, colour, of}) => ({label, colour, values: patterns.map((name) => mechanism(of(name)))}));
  const rest = patterns.map((name, i) => whole.get(name).x - sets.reduce((sum, {values}) => sum + values[i], 0));
  sets.push({label: 'the rest: sockets, kernel', colour: '#a3a8b3', values: rest.map((value) => Math.max(value, 0))});
  if (patterns.length === 0) return null;
  const datasets = sets.map(({label, colour, values: of}) => ({
    label, legendColour: colour, backgroundColor: colour, maxBarThickness: 16,
    data: patterns.map((name, i) => (
      {x: of[i], y: name, text: `${name}, ${label}: ${readable(of[i])} of ${readable(whole.get(name).x)} µs`})),
  }));
  const x = axis('CPU time per delivery (µs)', 'linear', {stacked: true});
  const y = axis('', 'category', {stacked: true, labels: patterns, title: {display: false},
    ticks: {color: ink('--ink'), autoSkip: false}});
  const config = {type: 'bar', data: {labels: patterns, datasets}, rows: patterns.length + 1.5,
    options: settings(x, y, {indexAxis: 'y'})};
  config.options.interaction = {mode: 'nearest', intersect: true};
  return withLegend(config);
}
