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
    const capped = series?.problems.filter(({status, held}) => status === 'ceiling' && held > 0) ?? [];
    return {
      entry, ceiling: capped.length > 0 ? Math.max(...capped.map(({held}) => held)) : null,
      marks: points.map((point) => {
        const {value, low, high} = scaled(point[member], MiB);
        return {x: point.held, y: value, low, high,
          text: `${entry.name}: ${told(point[member], 'MiB', MiB)} at ${readable(point.held)} held`};
      }),
    };
  });
  return linePlot(lines, axis('held requests', 'logarithmic'), axis(title, 'logarithmic'));
}

function churnPlot() {
  const scenario = ofKind(({kind}) => kind === 'churn');
  const lines = shownEntries().map((entry) => ({entry, marks: (largest(scenario, entry.name)?.points ?? [])
      .filter(({user_bytes}) => user_bytes !== null)
      .map(({at_s, held, user_bytes}) => ({x: at_s, y: user_bytes / MiB,
        text: `${entry.name}: ${readable(user_bytes / MiB)} MiB, ${readable(held)} held after ${readable(at_s)} s`}))}));
  return linePlot(lines, axis('time (s)', 'linear'), axis('user memory (MiB)', 'logarithmic'));
}

// Each step to the right is ten times rarer: 90, 99, 99.9 ... percent; the maximum has a place of its own. Not drawn are
// the fastest tenth: a broadcast's first deliveries would stretch the axis over four decades.
const kFastest = 10;
const kMaximum = 4.7;
const kNamed = [50, 90, 99, 99.9, 99.99, 100];  // on the axis; whiskers elsewhere would hide the lines
const rarity = (percent) => percent >= 100 ? kMaximum : -Math.log10(1 - percent / 100);

function curvePlot() {
  const lines = shownEntries().map((entry) => ({
    entry,
    marks: (seriesOf(state.scenario, entry.name, state.held)?.curve ?? [])
        .filter((point) => point[0] >= kFastest && point[1] > 0)
        .map(([percent, ...interval]) => {
          const {value, low, high} = scaled(interval, 1000);
          const at = percent >= 100 ? 'the slowest' : `${percent}%`;
          const text = `${entry.name}, ${at}: ${told(interval, 'ms', 1000)}`;
          return {x: rarity(percent), y: value, ...(kNamed.includes(percent) ? {low, high} : {}), text};
        }),
  }));
  const names = new Map(kNamed.map((percent) => [rarity(percent), percent < 100 ? `${percent}` : 'max']));
  const x = axis('percentile of deliveries (%)', 'linear', {
    min: rarity(kFastest), max: kMaximum, ticks: {callback: (value) => names.get(value), autoSkip: false},
    afterBuildTicks: (scale) => { scale.ticks = [...names.keys()].map((value) => ({value})); },
  });
  return linePlot(lines, x, axis('delivery latency (ms)', 'logarithmic'));
}

const kOffered = 'offered rate (deliveries/s)';

// Over the sizes of a steady scenario: by offered rate.
function overRate(scenario, mark) {
  return shownEntries().map((entry) => ({
    entry,
    marks: sizesOf(scenario).map((held) => seriesOf(scenario, entry.name, held))
        .filter((series) => series?.offered_per_second)
        .map((series) => ({series, mark: mark(series)})).filter(({mark}) => mark)
        .map(({series, mark}) => ({...mark, x: series.offered_per_second,
          text: `${entry.name}: ${mark.text} at ${readable(series.offered_per_second)} deliveries/s ` +
              `(${readable(series.held)} held)`})),
  }));
}

// The floor and most peers keep no cursors: they are seen when the scenario without is chosen.
function offeredPlot() {
  const chosen = scenarioNamed(state.scenario);
  const scenario = chosen.kind === 'steady' ? chosen.name : ofKind(({kind, cursors}) => kind === 'steady' && cursors);
  const lines = overRate(scenario, (series) => {
    const p99 = figure(series, 'latency_p99_us');
    if (!p99) return null;
    const {value, low, high} = scaled(p99, 1000);
    const p50 = figure(series, 'latency_p50_us');
    return {y: value, low, high, text: `p99 ${told(p99, 'ms', 1000)}, p50 ${readable(p50[0] / 1000)} ms`};
  });
  return linePlot(lines, axis(kOffered, 'logarithmic'), axis('p99 delivery latency (ms)', 'logarithmic'));
}

function lossPlot() {
  const scenario = ofKind(({kind, cursors}) => kind === 'steady' && !cursors);
  const lines = overRate(scenario, (series) => {
    const lost = figure(series, 'lost');
    if (!lost || !series.sums.expected) return null;
    const share = scaled(lost, series.sums.expected / series.repeats / 100);  // each repeat expects as many
    return {y: share.value, low: share.low, high: share.high,
      text: `${readable(share.value)}% lost (${readable(share.low)} .. ${readable(share.high)})`};
  });
  const lost = axis('lost (% of deliveries)', 'linear', {beginAtZero: true});
  return linePlot(lines, axis(kOffered, 'logarithmic'), lost);
}

// Marks by entry of one figure of one scenario and size.
function figureMarks(scenario, held, key, unit, divide = 1, label = '') {
  const marks = new Map();
  for (const {name} of shownEntries()) {
    const series = seriesOf(scenario, name, held);
    const interval = figure(series, key);
    if (!interval) continue;
    const {value, low, high} = scaled(interval, divide);
    marks.set(name, {x: value, low, high, text: `${name}: ${label}${told(interval, unit, divide)}, ${interval[3]} repeats`});
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
    {label, hollow, marks: figureMarks(state.scenario, state.held, key, 'ms', 1000, label + ' ')});
  return withLegend(rowPlot('dot', [set('skew_p50_us', 'median message'), set('skew_p99_us', '99th percentile', true)],
      'first to last delivery of a message (ms)'));
}

function blockingPlot() {
  const sets = data.scenarios.filter(({kind}) => kind === 'blocking').map(({name}, i) => ({
    label: name, hollow: i > 0,
    marks: figureMarks(name, sizesOf(name)[0], 'other_latency_p99_us', 'ms', 1000, name + ' p99 '),
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
  'budget': budgetPlot,
};
