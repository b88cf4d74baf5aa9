// What one delivery is made of, and the table of each mechanism alone. All sums are in the data.
'use strict';

const partColours = ['#4e79a7', '#59a14f', '#f28e2b', '#b07aa1', '#76b7b2'];

function budgetPlot() {
  const budgets = shownEntries().map(({name}) => [name, seriesOf(state.scenario, name, state.held)?.budget])
      .filter(([, budget]) => budget);
  const known = budgets.filter(([, {left_out}]) => !left_out);
  if (known.length === 0) return null;
  const kindOf = ({benchmark}) => benchmark.split('/')[0];  // http, loop, wake or waits
  const kinds = [...new Set(known.flatMap(([, {parts}]) => parts.map(kindOf)))];
  const partsOf = ({parts}, kind) => parts.filter((part) => kindOf(part) === kind);
  const sets = [
    ...kinds.map((kind, i) => ({label: kind, colour: partColours[i % partColours.length],
      of: (budget) => partsOf(budget, kind).reduce((sum, {us}) => sum + us, 0),
      told: (budget) => partsOf(budget, kind).map(
          ({benchmark, times, us}) => `${times > 1 ? `${times} × ` : ''}${benchmark}: ${readable(us)} µs`)})),
    {label: "as much as the floor's CPU", colour: '#8a8f99', of: (budget) => budget.as_floor_us},
    {label: 'not explained by the parts', colour: '#d3b8b8', of: (budget) => budget.unexplained_us},
  ];
  const datasets = sets.map(({label, colour, of, told}) => ({
    label, legendColour: colour, backgroundColor: colour, maxBarThickness: 16,
    data: known.map(([name, budget]) => (
        {x: of(budget), y: name, text: told?.(budget) ?? [`${label}: ${readable(of(budget))} µs`]})),
  }));
  const names = known.map(([name]) => name);
  const x = axis('CPU time per delivery (µs)', 'linear', {stacked: true});
  const y = axis('', 'category', {stacked: true, labels: names, title: {display: false},
    ticks: {color: ink('--ink'), autoSkip: false}});
  const config = {type: 'bar', data: {labels: names, datasets}, rows: names.length + 3,
    options: settings(x, y, {indexAxis: 'y'}), note: leftOut(budgets)};
  config.options.interaction = {mode: 'index', intersect: false, axis: 'y'};
  const whole = new Map(known);
  config.options.plugins.tooltip.callbacks.title = ([item]) =>
    [item.label, `${readable(whole.get(item.label).whole_us)} µs, the floor ${readable(whole.get(item.label).floor_us)}`];
  return withLegend(config);
}

function leftOut(budgets) {
  const named = budgets.filter(([, {left_out}]) => left_out).map(([name, {left_out}]) => `${name} (${left_out})`);
  return named.length > 0 ? `Left out: ${named.join(', ')}.` : '';
}

const twoCores = '/one_core:0';
const mechanisms = [
  ...[['prefork', 'process'], ['threaded', 'thread']].flatMap(([pattern, name]) => [
    [pattern, 'the two waits of a delivery, 4,000 wait', `waits/${name}/waiting:4000`],
    [pattern, 'the same, 64 wait', `waits/${name}/waiting:64`],
    [pattern, 'wake, 64 wait', `wake/${name}/waiting:64${twoCores}`],
    [pattern, 'wake, 1 waits', `wake/${name}/waiting:1${twoCores}`],
    [pattern, 'wake, 64 wait, on one core', `wake/${name}/waiting:64/one_core:1`],
    [pattern, `spawn a ${name}`, `spawn/${name}`], [pattern, `a ${name} at rest`, `memory/${name}`]]),
  ['async', 'callback, own thread', 'wake/loop_callback/own_thread'],
  ['async', 'callback, from another thread', `wake/loop_callback/other_thread${twoCores}`],
  ['async', 'to the pool and back', 'wake/loop_pool_round_trip'],
  ['async', 'spawn a connection', 'spawn/loop_connection'],
  ['async', 'a connection at rest', 'memory/loop_connection'],
  ...['redispatch', 'direct', 'stackful'].map((style) => ['continuations', `wake, ${style}`, `wake/continuation/${style}`]),
  ['continuations', 'a sleeping pool thread woken', `wake/continuation_pool/other_thread${twoCores}`],
  ['continuations', 'spawn a continuation', 'spawn/continuation'],
  ['continuations', 'spawn a captured stack, new', 'spawn/captured_stack/new'],
  ['continuations', 'spawn a captured stack, used before', 'spawn/captured_stack/used_before'],
  ['continuations', 'a continuation at rest', 'memory/continuation'],
  ['continuations', 'a captured stack at rest', 'memory/captured_stack'],
  ['fibers', 'wake, own thread', 'wake/fiber/own_thread'],
  ['fibers', 'wake, in a sleeping thread', `wake/fiber/other_thread${twoCores}`],
  ['fibers', 'switch, by the scheduler', 'switch/fiber'], ['fibers', 'switch of stacks alone', 'switch/context'],
  ['fibers', 'spawn a fiber, new', 'spawn/fiber/new'], ['fibers', 'spawn a fiber, used before', 'spawn/fiber/used_before'],
  ['fibers', 'a fiber at rest', 'memory/fiber'], ['fibers', 'a hibernating fiber at rest', 'memory/hibernating_fiber'],
  ['all', 'a delivery beyond the floor: HTTP, among 64', 'http/cold/waiting:64'],
  ['all', 'a delivery beyond the floor: HTTP, among 4,000', 'http/cold/waiting:4000'],
  ['async', 'a delivery beyond the floor: libuv, among 64', 'loop/cold/waiting:64'],
  ['async', 'a delivery beyond the floor: libuv, among 4,000', 'loop/cold/waiting:4000'],
  ['all', 'parse a poll', 'parse/poll'], ['all', "parse a browser's poll", 'parse/browser_poll'], ['all', 'parse a publish', 'parse/publish'],
  ['all', 'encode, once per message', 'encode/message'], ['all', 'response that all share', 'encode/response/shared'],
  ['all', 'response with its own framing', 'encode/response/own_framing'],
  ['all but prefork', 'log append', 'log/append'], ['all but prefork', 'log read', 'log/read'],
  ['prefork', 'log append', 'log/append_shared'], ['prefork', 'log read', 'log/read_shared'],
];

function costCell(interval) {
  if (!interval) return element('td', {}, '-');
  const [median, low, high] = interval;
  return element('td', {}, readable(median), element('small', {}, `${rough(low)} .. ${rough(high)}`));
}

// The machine and the day, with a warning if they are not the run's.
function measuredPlace(date, cores, of) {
  const at = new Date(date);
  if (Number.isNaN(at.valueOf())) return 'When and where these were measured is not known. ';
  const day = at.toISOString().slice(0, 10);
  const others = [];
  if (data.runs.every(({machine}) => machine.cores !== cores)) others.push('on another machine');
  if (data.runs.every(({started_at}) => started_at?.slice(0, 10) !== day)) others.push('on another day');
  const minute = at.toISOString().slice(0, 16).replace('T', ' ');
  return `Measured ${minute} UTC on ${readable(cores)} cores of ${of}` +
      `${others.length > 0 ? `, ${others.join(' and ')} than the run above: compare with care` : ''}. `;
}

function drawMechanisms() {
  const place = document.getElementById('mechanisms');
  if (!data.microbench)
    return place.replaceChildren(
        element('p', {className: 'empty'}, 'No data: make microbench measures each mechanism alone.'));
  const {costs} = data.microbench;
  const {date, cores, mhz} = data.microbench;
  document.getElementById('mechanisms-place').textContent = measuredPlace(date, cores, `${readable(mhz)} MHz`);
  const heads = [['pattern'], ['mechanism'], ['CPU', 'ns, of all that take part'], ['clock', 'ns'], ['user memory', 'bytes'],
    ['kernel memory', 'bytes']];
  const head = heads.map(([name, unit], i) => element('th', {scope: 'col', className: i === 1 ? 'left' : ''}, name,
      element('small', {}, unit ?? '')));
  const rows = mechanisms.filter(([, , name]) => costs[name]).map(([pattern, label, name]) => element('tr', {title: name},
      element('td', {}, pattern), element('td', {className: 'left'}, label),
      ...['cpu_ns', 'clock_ns', 'user_bytes', 'kernel_bytes'].map((member) => costCell(costs[name][member]))));
  place.className = 'scroll';
  place.replaceChildren(element('table', {}, element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...rows)));
}
