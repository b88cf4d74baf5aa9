// The comparison table of one scenario, size and rate. Its columns follow the scenario's kind.
'use strict';

const MiB = 2 ** 20;
// noSpread: without the interval, for lack of room; those of switches and calls are in their plots.
const memoryColumns = [
  {key: 'user_bytes_per_held', head: 'app memory', unit: 'bytes/held'},
  {key: 'kernel_bytes_per_held', head: 'kernel memory', unit: 'bytes/held'},
  {key: 'user_bytes_per_held_before', head: 'app, before', unit: 'bytes/held'},
  {key: 'kernel_bytes_per_held_before', head: 'kernel, before', unit: 'bytes/held'},
  {key: 'user_bytes_at_rest', head: 'at rest', unit: 'MiB', divide: MiB},
];
const latencyColumns = (start, head) => ['p50', 'p99', 'max'].map((of) => (
  {key: `${start}_${of}_us`, head: `${head}${of}`, unit: 'ms', divide: 1000, noSpread: of === 'max'}));
const deliveryColumns = [...latencyColumns('socket_latency', ''),
  ...latencyColumns('latency', 'read ')];
const costColumns = [
  {key: 'cpu_us_per_delivery', head: 'CPU', unit: 'µs/delivery'},
  {key: 'context_switches_per_delivery', head: 'switches', unit: 'per delivery', noSpread: true},
  {key: 'system_calls_per_delivery', head: 'calls', unit: 'per delivery', noSpread: true},
];
const lastColumns = [
  {key: 'lost', head: 'lost / dup / wrong', unit: 'all repeats', value: ({sums}) => sums.expected ? mishaps(sums) : null,
    text: ({sums}) => [sums.lost, sums.duplicate, sums.wrong].map(readable).join(' / ')},
  {key: 'generator_lag_p99_us', head: 'client lag', unit: 'ms, p99', divide: 1000, noSpread: true},
  {key: 'generator_cores', head: 'client', unit: 'cores', noSpread: true},
  {key: 'repeats', head: 'repeats', unit: 'complete', value: ({complete}) => complete},
];
const deliveries = {key: 'deliveries_per_second', head: 'deliveries', unit: '1/s'};
const paced = [{key: 'offered', head: 'offered', unit: '1/s', value: (series) => series.offered_per_second}, deliveries,
  ...memoryColumns, ...deliveryColumns, ...costColumns];
const columnsOf = {
  broadcast: [deliveries,
    {key: 'floor', head: 'x floor', unit: 'deliveries', value: (series) => series.x_floor?.ratio ?? null},
    ...memoryColumns, ...deliveryColumns, ...costColumns],
  steady: paced,
  channels: paced,
  blocking: [...deliveryColumns, ...latencyColumns('other_latency', 'others '), ...costColumns,
    ...memoryColumns],
  hold: [{key: 'hold_rate_per_second', head: 'holds', unit: '1/s'}, ...memoryColumns],
  churn: [{key: 'hold_rate_per_second', head: 'arrivals', unit: '1/s'}, ...memoryColumns,
    {key: 'user_bytes_after', head: 'after', unit: 'MiB', divide: MiB}],
};
// Files of an older form have no latency at the socket.
const isMeasured = ({key}) => !key.startsWith('socket_') || data.series.some(
    (series) => series.scenario === state.scenario && figure(series, key));
const columnsShown = () => [{key: 'entry', head: 'entry'},
  ...columnsOf[scenarioNamed(state.scenario).kind].filter(isMeasured), ...lastColumns];

const figure = (series, key) => series?.figures[key] ?? null;
const mishaps = ({lost, duplicate, wrong}) => lost + duplicate + wrong;

// The value that a row is sorted by; null sorts last.
function cellValue({entry, series}, column) {
  if (column.key === 'entry') return groups.indexOf(entry.group) + entry.name;
  if (!series) return null;
  if (column.value) return column.value(series);
  const value = figure(series, column.key);
  return value && value[0] / (column.divide ?? 1);
}

function cell(row, column) {
  const {entry, series} = row;
  if (column.key === 'entry') return element('td', {title: entry.model}, entryLabel(entry));
  const value = cellValue(row, column);
  if (value === null) return element('td', {}, '-');
  if (column.key === 'repeats') return repeatsCell(series);
  const td = element('td', {}, column.text?.(series) ?? readable(value));
  if (column.key === 'lost' && value > 0) td.className = 'wrong';
  if (column.key === 'floor' && series.x_floor.overlaps) td.append(element('small', {}, 'overlaps'));
  if (column.key === 'deliveries_per_second' && series.generator_limited) td.append('*');
  if (series.lagging && column.key.startsWith('latency_')) td.append('†');
  const spread = figure(series, column.key);
  if (spread?.[3] > 1 && !column.value && !column.noSpread)
    td.append(element('small', {}, spread.slice(1, 3).map((end) => rough(end / (column.divide ?? 1))).join(' .. ')));
  return td;
}

function repeatsCell(series) {
  const td = element('td', {className: 'repeats'}, `${series.complete} of ${series.repeats}`);
  const kinds = [...new Set(series.problems.map(({status}) => status))];
  const ceiling = ceilingOf(series);
  const told = kinds.map((kind) => kind === 'ceiling' && ceiling ? `ceiling: ${readable(ceiling)} held` : kind).join(', ');
  if (told) td.append(element('small', {className: 'wrong'}, told));
  else if (series.complete === 1) td.append(element('small', {}, 'no spread'));
  else if (series.complete < data.enough_repeats) td.append(element('small', {}, 'range: min .. max'));
  return td;
}

// The largest number that was held; null if there was no ceiling.
function ceilingOf(series) {
  const held = series?.problems.filter(({status, held}) => status === 'ceiling' && held > 0).map(({held}) => held) ?? [];
  return held.length > 0 ? Math.max(...held) : null;
}

function sortedRows(columns) {
  const column = columns.find(({key}) => key === state.sort.column) ?? columns[0];
  const direction = state.sort.descending ? -1 : 1;
  return shownEntries()
      .map((entry) => ({entry, series: seriesOf(state.scenario, entry.name, state.held)}))
      .sort((a, b) => {
        const [x, y] = [cellValue(a, column), cellValue(b, column)];
        if (x === null || y === null) return (x === null) - (y === null);
        return direction * (typeof x === 'string' ? x.localeCompare(y) : x - y);
      });
}

function sortBy(key) {
  state.sort = {column: key, descending: state.sort.column === key && !state.sort.descending};
  drawTable();
}

function drawTable() {
  const scenario = scenarioNamed(state.scenario);
  const rate = ratesOf(scenario.name, state.held).length > 1 ? `, ${readable(state.rate)} messages/s` : '';
  document.getElementById('about').textContent =
      `Scenario ${scenario.name}, ${readable(state.held)} held requests${rate}` +
      `${scenario.about ? ': ' + scenario.about : ''}.`;
  const columns = columnsShown();
  const head = columns.map(({key, head, unit}) => {
    const button = element('button', {type: 'button', onclick: () => sortBy(key)}, head);
    const th = element('th', {scope: 'col'}, button, element('small', {}, unit ?? ''));
    if (state.sort.column === key) th.ariaSort = state.sort.descending ? 'descending' : 'ascending';
    return th;
  });
  const rows = sortedRows(columns).map((row) => element('tr', {}, ...columns.map((column) => cell(row, column))));
  document.getElementById('comparison').replaceChildren(
      element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows));
}
