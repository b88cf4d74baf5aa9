// How costs grow with the number of held requests: the plot over sizes, and the table of exponents and slopes.
'use strict';

// The chosen scenario if it is measured at several sizes; else the first that is.
const growing = () => data.growth.some(({scenario}) => scenario === state.scenario)
  ? state.scenario : data.growth[0]?.scenario;

function growthPlot() {
  const scenario = growing();
  if (!scenario) return null;
  const lines = shownEntries().map((entry) => ({entry, marks: sizesOf(scenario).flatMap((held) => {
    const interval = figure(seriesOf(scenario, entry.name, held), 'cpu_us_per_delivery');
    if (!interval) return [];
    const {value, low, high} = scaled(interval, 1);
    return [{x: held, y: value, low, high, text: [entry.name, told(interval, 'µs'), `at ${readable(held)} held`]}];
  })}));
  return linePlot(lines, axis('held requests', 'logarithmic'), axis('CPU time per delivery (µs)', 'logarithmic'),
      {note: scenario === state.scenario ? '' : `Shown: ${scenario}.`});
}

const growthColumns = [
  ['CPU', 'exponent', 'cpu_exponent'], ['app memory', 'exponent', 'user_exponent'],
  ['kernel memory', 'exponent', 'kernel_exponent'], ['app memory', 'bytes for one more, held', 'user_bytes_held'],
  ['app memory', 'after messages', 'user_bytes_after'], ['kernel memory', 'bytes for one more, held', 'kernel_bytes_held'],
  ['kernel memory', 'after messages', 'kernel_bytes_after'],
];

// Small sizes are left out where noise is larger than the figure.
function growthCell(slope, from) {
  if (!slope) return element('td', {}, '-');
  const [median, low, high] = slope.value;
  const exact = (number) => Math.abs(number) < 10 ? number.toFixed(2) : readable(number);
  return element('td', {}, exact(median), element('small', {}, `${exact(low)} .. ${exact(high)}`,
      slope.from > from ? `, from ${readable(slope.from)} held` : ''));
}

function drawGrowth() {
  const place = document.getElementById('growth');
  const scenario = growing();
  const rows = shownEntries().flatMap((entry) => {
    const grown = data.growth.find((one) => one.scenario === scenario && one.entry === entry.name);
    return grown ? [element('tr', {}, element('td', {}, entryLabel(entry)),
        ...growthColumns.map(([, , key]) => growthCell(grown[key], sizesOf(scenario)[0])))] : [];
  });
  if (rows.length === 0)
    return place.replaceChildren(element('p', {className: 'empty'}, 'No data: no broadcast at several sizes.'));
  const head = [['entry', ''], ...growthColumns].map(([name, unit]) =>
    element('th', {scope: 'col'}, name, element('small', {}, unit)));
  place.className = 'scroll';
  place.replaceChildren(element('table', {}, element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...rows)));
}
