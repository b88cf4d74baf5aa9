// What each plot shows: from series to marks. A plot without data returns null, and the page says so.
'use strict';

const ofKind = (test) => data.scenarios.find(test)?.name;
const largest = (scenario, entry) => seriesOf(scenario, entry, Math.max(...sizesOf(scenario)));
const scaled = ([median, low, high], divide) => ({low: low / divide, high: high / divide, value: median / divide});

function memoryPlot(member, title) {
  const scenario = ofKind(({kind}) => kind === 'hold');
  const lines = shownEntries().map((entry) => {
    const series = largest(scenario, entry.name);
    const points = (series?.points ?? []).filter((point) => point.held > 0 && point[member]?.[0] > 0);
    return {
      entry, ceiling: ceilingOf(series),
      marks: points.map((point) => {
        const {value, low, high} = scaled(point[member], MiB);
        return {x: point.held, y: value, low, high,
          text: [entry.name, told(point[member], 'MiB', MiB), `at ${readable(point.held)} held`]};
      }),
    };
  });
  return linePlot(lines, axis('held requests', 'logarithmic'), axis(title, 'logarithmic'), filesLimit(scenario, lines));
}

// The machine's ceiling: open files, without the 64 that the five keep back for publishers and themselves, as the doctor
// counts. If it is far beyond the points, it is written below the plot instead of drawn.
const kDescriptorsBesides = 64;
function filesLimit(scenario, lines) {
  const run = data.runs.find(({started_at}) => started_at === scenarioNamed(scenario)?.run);
  if (!run?.machine.open_files_limit) return {};
  const at = run.machine.open_files_limit - kDescriptorsBesides;
  const most = Math.max(...lines.flatMap(({marks, ceiling}) => [ceiling ?? 0, ...marks.map(({x}) => x)]));
  const text = `open files here: ${readable(at)} held`;
  return at <= 10 * most ? {limit: {at, text}} : {note: `Beyond this plot: ${text} at most.`};
}

function churnPlot() {
  const scenario = ofKind(({kind}) => kind === 'churn');
  const lines = shownEntries().map((entry) => {
    const series = largest(scenario, entry.name);
    return {entry, failed: series?.points_failed, marks: (series?.points ?? [])
        .filter(({user_bytes}) => user_bytes !== null)
        .map(({at_s, held, user_bytes}) => ({x: at_s, y: user_bytes / MiB,
          text: [series.points_failed ? `${entry.name}, a failed repeat` : entry.name, `${readable(user_bytes / MiB)} MiB`,
            `${readable(held)} held after ${readable(at_s)} s`]}))};
  });
  const failed = lines.filter(({failed}) => failed).map(({entry}) => entry.name).join(', ');
  return linePlot(lines, axis('time (s)', 'linear'), axis('user memory (MiB)', 'logarithmic'),
      {note: failed && `Dotted, from failed repeats (why: at the end of this page): ${failed}.`});
}

// Each step to the right is ten times rarer: 90, 99, 99.9 ... percent; the maximum has its own place. The fastest tenth is
// not drawn, because the first deliveries of a broadcast would stretch the axis over four decades.
const kFastest = 10;
const kMaximum = 4.7;
const kNamed = [50, 90, 99, 99.9, 99.99, 100];  // on the axis, and with whiskers: more would hide the lines
const rarity = (percent) => percent >= 100 ? kMaximum : -Math.log10(1 - percent / 100);

// At the socket where that is known: without the client's own queue.
const curveOf = (series) => series?.socket_curve.length > 0 ? series.socket_curve : series?.curve ?? [];

function curvePlot() {
  const shown = shownEntries().map((entry) => ({entry, series: seriesOf(state.scenario, entry.name, state.held)}));
  const lines = shown.map(({entry, series}) => ({
    entry,
    marks: curveOf(series)
        .filter((point) => point[0] >= kFastest && point[1] > 0)
        .map(([percent, ...interval]) => {
          const {value, low, high} = scaled(interval, 1000);
          const at = percent >= 100 ? 'the slowest' : `${percent}%`;
          const text = [`${entry.name}, ${at}`, told(interval, 'ms', 1000),
            `${readable(series.delivered)} deliveries a repeat`, 'with the warm-up'];
          return {x: rarity(percent), y: value, ...(kNamed.includes(percent) ? {low, high} : {}), text};
        }),
  }));
  const names = new Map(kNamed.map((percent) => [rarity(percent), percent < 100 ? `${percent}` : 'max']));
  const x = axis('percentile of deliveries (%)', 'linear', {
    min: rarity(kFastest), max: kMaximum, ticks: {callback: (value) => names.get(value), autoSkip: false},
    afterBuildTicks: (scale) => { scale.ticks = [...names.keys()].map((value) => ({value})); },
  });
  const again = shown.filter(({series}) => series?.sent_again > 0)
      .map(({entry, series}) => `${entry.name} ${readable(series.sent_again)}`).join(', ');
  return linePlot(lines, x, axis('delivery latency (ms)', 'logarithmic'), {note: again &&
      `Segments that TCP sent again, as a rule 200 ms later, since the kernel had dropped packets: ${again}.`});
}

// A steady scenario is drawn for one number of held requests: the chosen one, or else the one with the most rates.
function heldOf(scenario) {
  const sizes = sizesOf(scenario);
  if (sizes.includes(state.held)) return state.held;
  const most = Math.max(...sizes.map((held) => ratesOf(scenario, held).length));
  return sizes.findLast((held) => ratesOf(scenario, held).length === most);
}

// One line over the rates for each entry, or one row if there is only one rate. mark(series) -> {value, low, high, text} or
// null.
function steadyPlot(scenario, scale, title, mark) {
  if (!scenario) return null;
  const held = heldOf(scenario);
  const rates = ratesOf(scenario, held);
  const marksOf = ({name}) => rates.map((rate) => seriesOf(scenario, name, held, rate))
      .filter((series) => series?.offered_per_second).map((series) => ({series, mark: mark(series)}))
      .filter(({mark}) => mark).map(({series, mark}) => ({...mark, x: series.offered_per_second, y: mark.value,
        text: [name, ...mark.text, `${readable(series.publishes_per_second)} messages/s, ${readable(held)} held`]}));
  const lines = shownEntries().map((entry) => ({entry, marks: marksOf(entry)}));
  const of = `${readable(held)} held requests of ${scenario}`;
  if (rates.length > 1)
    return linePlot(lines, axis(`offered rate (deliveries/s = ${readable(held)} held x messages/s)`, 'logarithmic'),
        axis(title, scale, {beginAtZero: scale === 'linear'}), {note: `Shown: ${of}.`});
  const marks = new Map(lines.filter(({marks}) => marks.length > 0)
      .map(({entry, marks: [only]}) => [entry.name, {...only, x: only.value}]));
  return rowPlot(scale === 'linear' ? 'bar' : 'dot', [{label: title, marks}], title,
      `Shown: ${of}, at the one rate that was measured: ${readable(rates[0])} messages/s.`);
}

// The floor and most peers keep no cursors: they are drawn if the scenario without cursors is chosen.
function offeredPlot() {
  const chosen = scenarioNamed(state.scenario);
  const scenario = chosen.kind === 'steady' ? chosen.name : ofKind(({kind, cursors}) => kind === 'steady' && cursors);
  return steadyPlot(scenario, 'logarithmic', 'p99 delivery latency (ms)', (series) => {
    const [p50, p99] = ['latency_p50_us', 'latency_p99_us'].map(
        (key) => figure(series, `socket_${key}`) ?? figure(series, key));
    if (!p99) return null;
    const slot = 1000 / series.publishes_per_second;
    const late = p99[0] / 1000 > slot ? [`longer than the ${readable(slot)} ms to the next message`] : [];
    return {...scaled(p99, 1000), text: [`p99 ${told(p99, 'ms', 1000)}`, ...late, `p50 ${readable(p50[0] / 1000)} ms`]};
  });
}

function lossPlot() {
  const scenario = ofKind(({kind, cursors}) => kind === 'steady' && !cursors);
  return steadyPlot(scenario, 'linear', 'lost (% of deliveries)', ({lost_percent: lost}) =>
    lost && {...scaled(lost, 1), text: [`lost ${told(lost, '%')}`]});
}

// Marks by entry of one figure of one scenario and size.
function figureMarks(scenario, held, key, unit, divide = 1, label = []) {
  const marks = new Map();
  for (const {name} of shownEntries()) {
    const series = seriesOf(scenario, name, held);
    const interval = figure(series, key);
    if (!interval) continue;
    const {value, low, high} = scaled(interval, divide);
    marks.set(name, {x: value, low, high, text: [name, ...label,
      told(interval, unit, divide), `${interval[3]} repeats`]});
  }
  return marks;
}

const legend = {display: true, labels: {usePointStyle: true, boxHeight: 7}, onClick: () => {}};

function withLegend(config) {
  if (!config) return null;
  config.options.plugins.legend = {...legend, labels: {...legend.labels, color: ink('--ink'),
    generateLabels: (chart) => chart.data.datasets.map((dataset, datasetIndex) => ({
      text: dataset.label, datasetIndex, fontColor: ink('--ink'), pointStyle: 'circle', lineWidth: 2,
      strokeStyle: dataset.legendColour ?? ink('--faint'),
      fillStyle: dataset.legendColour ?? (dataset.backgroundColor === 'transparent' ? ink('--panel') : ink('--faint'))}))}};
  return config;
}

function skewPlot() {
  const set = (key, label, hollow) => (
    {label, hollow, marks: figureMarks(state.scenario, state.held, key, 'ms', 1000, [label])});
  return withLegend(rowPlot('dot', [set('skew_p50_us', 'median message'), set('skew_p99_us', '99th percentile', true)],
      'first to last delivery of a message (ms)'));
}

function blockingPlot() {
  const sets = data.scenarios.filter(({kind}) => kind === 'blocking').map(({name}, i) => ({
    label: name, hollow: i > 0,
    marks: figureMarks(name, sizesOf(name)[0], 'other_latency_p99_us', 'ms', 1000, [`${name}, p99`]),
  }));
  return withLegend(rowPlot('dot', sets, 'p99 latency of all other requests (ms)'));
}

const costPlot = (key, unit, title) =>
  rowPlot('bar', [{label: title, marks: figureMarks(state.scenario, state.held, key, unit)}], title);

const plots = {
  'memory-user': () => memoryPlot('user_bytes', 'user memory (MiB)'),
  'memory-kernel': () => memoryPlot('kernel_bytes', 'kernel memory over no clients (MiB)'),
  'churn': churnPlot,
  'curve': curvePlot,
  'offered': offeredPlot,
  'skew': skewPlot,
  'loss': lossPlot,
  'blocking': blockingPlot,
  'cpu': () => costPlot('cpu_us_per_delivery', 'µs', 'CPU time per delivery (µs)'),
  'switches': () => costPlot('context_switches_per_delivery', '', 'context switches per delivery'),
  'calls': () => costPlot('system_calls_per_delivery', '', 'system calls per delivery'),
  'growth': growthPlot,
  'budget': budgetPlot,
};
