// The plots: a frame around Chart.js for lines and for one row per entry, with whiskers, ceilings and values.
'use strict';

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A mark {x, y, low, high} carries its interval; whiskers lie along the axis of the figure.
const whiskers = {
  id: 'whiskers',
  afterDatasetsDraw(chart) {
    const across = chart.options.indexAxis === 'y';
    const scale = chart.scales[across ? 'x' : 'y'];
    const {ctx} = chart;
    chart.data.datasets.forEach((dataset, index) => chart.getDatasetMeta(index).data.forEach((mark, i) => {
      const {low, high} = dataset.data[i];
      if (!(high > low)) return;
      const [from, to] = [low, high].map((end) => scale.getPixelForValue(Math.max(end, scale.min)));
      ctx.save();
      ctx.strokeStyle = chart.config.type === 'bar' ? ink('--ink') : [dataset.borderColor].flat()[across ? i : 0];
      ctx.lineWidth = 1.25;
      ctx.beginPath();
      if (across) {
        ctx.moveTo(from, mark.y); ctx.lineTo(to, mark.y);
        for (const end of [from, to]) { ctx.moveTo(end, mark.y - 3); ctx.lineTo(end, mark.y + 3); }
      } else {
        ctx.moveTo(mark.x, from); ctx.lineTo(mark.x, to);
        for (const end of [from, to]) { ctx.moveTo(mark.x - 3, end); ctx.lineTo(mark.x + 3, end); }
      }
      ctx.stroke();
      ctx.restore();
    }));
  },
};

// Moves two sets of marks on one row a few pixels apart, so that their whiskers do not overlap.
const apart = {
  id: 'apart',
  afterDatasetUpdate(chart, {index, meta}) {
    const middle = (chart.data.datasets.length - 1) / 2;
    for (const mark of meta.data) mark.y += 7 * (index - middle);
  },
};

// dataset.ceiling: the largest number of requests that an entry held. limit: {at, text}, of the machine.
const ceilings = {
  id: 'ceilings',
  afterDatasetsDraw(chart, _, {limit}) {
    const {ctx, chartArea: area, scales} = chart;
    if (limit) drawLimit(ctx, area, scales.x.getPixelForValue(limit.at), limit.text);
    chart.data.datasets.filter((dataset) => dataset.ceiling).forEach((dataset, i) => {
      const x = scales.x.getPixelForValue(dataset.ceiling);
      const last = chart.getDatasetMeta(chart.data.datasets.indexOf(dataset)).data.at(-1);  // none without a point
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = dataset.borderColor;
      ctx.setLineDash([3, 3]);
      ctx.beginPath(); ctx.moveTo(x, area.top); ctx.lineTo(x, area.bottom); ctx.stroke();
      ctx.setLineDash([]);
      ctx.lineWidth = 2;
      const y = last?.y ?? area.bottom;
      ctx.beginPath();
      ctx.moveTo(x - 6, y - 6); ctx.lineTo(x + 6, y + 6);
      ctx.moveTo(x - 6, y + 6); ctx.lineTo(x + 6, y - 6);
      ctx.stroke();
      ctx.font = '11px system-ui, sans-serif';
      ctx.textAlign = 'right';
      ctx.fillText(`${dataset.label}: ${readable(dataset.ceiling)} held at most`, x - 6, area.bottom - 8 - 14 * i);
      ctx.restore();
    });
  },
};

function drawLimit(ctx, area, x, text) {
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = ink('--faint');
  ctx.setLineDash([8, 4]);
  ctx.beginPath(); ctx.moveTo(x, area.top); ctx.lineTo(x, area.bottom); ctx.stroke();
  ctx.font = '11px system-ui, sans-serif';
  ctx.translate(x - 5, area.bottom - 8);
  ctx.rotate(-Math.PI / 2);
  ctx.fillText(text, 0, 0);
  ctx.restore();
}

// options.plugins.values.show: the figure as text behind each bar.
const values = {
  id: 'values',
  afterDatasetsDraw(chart, _, options) {
    if (!options.show) return;
    const {ctx} = chart;
    ctx.save();
    ctx.fillStyle = ink('--ink');
    ctx.font = '11px system-ui, sans-serif';
    ctx.textBaseline = 'middle';
    chart.data.datasets.forEach((dataset, index) => chart.getDatasetMeta(index).data.forEach((mark, i) => {
      const {x, high} = dataset.data[i];
      ctx.fillText(readable(x), chart.scales.x.getPixelForValue(Math.max(x, high ?? x)) + 7, mark.y);
    }));
    ctx.restore();
  },
};

// Ticks of a logarithmic axis: 1, 2 and 5 of each decade, or only 1 if there are many decades.
function logTick(value) {
  const lead = Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9));
  return (Math.log10(this.max / this.min) > 2.5 ? [1] : [1, 2, 5]).includes(lead) ? readable(value) : '';
}

function axis(title, type, more = {}) {
  return {
    type, title: {display: true, text: title, color: ink('--faint')}, ...more,
    grid: {color: ink('--line'), borderColor: ink('--line')},
    ticks: {color: ink('--faint'), maxRotation: 0, ...(type === 'logarithmic' ? {callback: logTick} : {}), ...more.ticks},
  };
}

function settings(x, y, more = {}) {
  return {
    responsive: true, maintainAspectRatio: false, animation: false, layout: {padding: {right: 8}}, scales: {x, y}, ...more,
    interaction: {mode: 'nearest', intersect: false, axis: more.indexAxis ?? 'xy'},
    plugins: {
      legend: {display: false},
      tooltip: {displayColors: false, callbacks: {title: () => '', label: ({raw}) => raw.text}},
      ...more.plugins,
    },
  };
}

// [median, low, high, repeats] of a figure as text.
function told([median, low, high], unit, divide = 1) {
  return `${readable(median / divide)} ${unit} (${readable(low / divide)} .. ${readable(high / divide)})`;
}

// Room on an axis for whiskers and ceilings: Chart.js knows only the medians.
function withRoom(scale, all, beyond = 1) {
  const ends = all.filter((end) => end > 0);
  return ends.length > 0 ? {...scale, suggestedMin: Math.min(...ends), suggestedMax: Math.max(...ends) * beyond} : scale;
}

const endsOf = (marks) => marks.flatMap(({low, high}) => [low, high]);

// lines: [{entry, marks: [{x, y, low, high, text: [line, ...]}], ceiling, failed}]; limit: {at, text}
function linePlot(lines, x, y, {limit, note} = {}) {
  if (!lines.some(({marks, ceiling}) => marks.length > 0 || ceiling)) return null;
  const datasets = lines.map(({entry, marks, ceiling, failed}) => ({
    label: entry.name, data: marks, ceiling,
    borderColor: colours.get(entry.name), backgroundColor: colours.get(entry.name),
    borderWidth: 2, pointRadius: marks.length > 12 ? 2 : 3, pointHoverRadius: 5,
    pointStyle: {peer: 'rectRot', floor: 'rect', student: 'triangle'}[entry.group] ?? 'circle',
    borderDash: failed ? [2, 6] : {peer: [6, 3], floor: [2, 2]}[entry.group] ?? [],
  }));
  const uprights = [limit?.at, ...lines.map(({ceiling}) => ceiling)];
  return {type: 'line', data: {datasets}, plugins: [whiskers, ceilings], note,
    entries: lines.filter(({marks, ceiling}) => marks.length > 0 || ceiling).map(({entry}) => entry),
    options: settings(withRoom(x, uprights), withRoom(y, lines.flatMap(({marks}) => endsOf(marks))),
        {parsing: false, plugins: {ceilings: {limit}}})};
}

// One row for each entry. kind 'bar': linear, with values; 'dot': logarithmic.
// sets: [{label, hollow, marks: Map(entry name -> {x, low, high, text: [line, ...]})}]
function rowPlot(kind, sets, title, note) {
  const names = shownEntries().map(({name}) => name).filter((name) => sets.some(({marks}) => marks.has(name)));
  if (names.length === 0) return null;
  const datasets = sets.map(({label, hollow, marks}) => {
    const of = names.filter((name) => marks.has(name));
    const own = of.map((name) => colours.get(name));
    return {
      label, data: of.map((name) => ({...marks.get(name), y: name})), borderColor: own,
      backgroundColor: hollow ? 'transparent' : own, pointBackgroundColor: hollow ? ink('--panel') : own,
      showLine: false, pointRadius: 5, pointHoverRadius: 6, borderWidth: kind === 'bar' ? 0 : 2, maxBarThickness: 16,
    };
  });
  const ends = endsOf(datasets.flatMap((dataset) => dataset.data));
  const x = kind === 'bar' ? {...withRoom(axis(title, 'linear'), ends, 1.15), min: 0}
    : withRoom(axis(title, 'logarithmic'), ends);
  const y = axis('', 'category', {labels: names, offset: true, title: {display: false},
    ticks: {color: ink('--ink'), autoSkip: false}});
  return {
    type: kind === 'bar' ? 'bar' : 'line', data: {labels: names, datasets}, rows: names.length, note,
    plugins: [apart, whiskers, values],
    options: settings(x, y, {indexAxis: 'y', plugins: {values: {show: kind === 'bar'}}}),
  };
}

// Draws into a figure, or writes there why there is nothing to draw.
function draw(figure, config, empty) {
  figure.chart?.destroy();
  for (const old of figure.querySelectorAll('.canvas, .empty, .legend, .note')) old.remove();
  const heading = figure.querySelector('h3');
  if (!config) return heading.after(element('p', {className: 'empty'}, empty));
  const canvas = element('canvas', {role: 'img', ariaLabel: heading.textContent});
  const place = element('div', {className: 'canvas'}, canvas);
  place.style.height = config.rows ? `${config.rows * 24 + 56}px` : '340px';
  heading.after(place);
  if (config.entries) place.after(element('p', {className: 'legend'}, ...config.entries.map(entryLabel)));
  if (config.note) figure.append(element('p', {className: 'say note'}, config.note));
  figure.chart = new Chart(canvas, config);
}
