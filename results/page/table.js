// The comparison table of one scenario and size, and the list of what did not complete.
'use strict';

const MiB = 2 ** 20;
const columns = [
  {key: 'entry', head: 'entry'},
  {key: 'repeats', head: 'repeats', unit: 'complete'},
  {key: 'deliveries_per_second', head: 'deliveries', unit: '1/s'},
  {key: 'floor', head: 'x floor', unit: 'deliveries'},
  {key: 'lost', head: 'lost', unit: 'in all repeats'},
  {key: 'latency_p50_us', head: 'p50', unit: 'ms', divide: 1000},
  {key: 'latency_p99_us', head: 'p99', unit: 'ms', divide: 1000},
  {key: 'latency_p99_9_us', head: 'p99.9', unit: 'ms', divide: 1000},
  {key: 'latency_max_us', head: 'max', unit: 'ms', divide: 1000},
  {key: 'cpu_us_per_delivery', head: 'CPU', unit: 'µs/delivery'},
  {key: 'context_switches_per_delivery', head: 'switches', unit: 'per delivery'},
  {key: 'system_calls_per_delivery', head: 'system calls', unit: 'per delivery'},
  {key: 'user_bytes_per_held', head: 'user memory', unit: 'bytes/held'},
  {key: 'kernel_bytes_per_held', head: 'kernel memory', unit: 'bytes/held'},
  {key: 'user_bytes_at_rest', head: 'at rest', unit: 'MiB', divide: MiB},
];

const figure = (series, key) => series?.figures[key] ?? null;
const complete = (series) => series.repeats - series.problems.length;

// The value that a row is sorted by; null sorts last.
function cellValue(row, column) {
  if (column.key === 'entry') return groups.indexOf(row.entry.group) + row.entry.name;
  if (column.key === 'lost') return row.series?.sums.expected ? row.series.sums.lost : null;
  if (column.key === 'repeats') return row.series ? complete(row.series) : null;
  const value = figure(row.series, column.key === 'floor' ? 'deliveries_per_second' : column.key);
  if (column.key !== 'floor') return value && value[0] / (column.divide ?? 1);
  return value && row.floor ? value[0] / row.floor[0] : null;
}

function cell(row, column) {
  if (column.key === 'entry') return element('td', {title: row.entry.model}, entryLabel(row.entry));
  const value = cellValue(row, column);
  if (column.key === 'repeats') return repeatsCell(row.series);
  const td = element('td', {className: column.key === 'lost' && value > 0 ? 'wrong' : ''}, readable(value));
  if (column.key === 'floor' && overlapsFloor(row)) td.append(element('small', {}, 'overlaps'));
  if (column.key === 'deliveries_per_second' && row.series?.generator_limited) td.append('*');
  const spread = figure(row.series, column.key);
  if (spread?.[3] > 1 && column.key !== 'lost')
    td.append(element('small', {}, spread.slice(1, 3).map((end) => readable(end / (column.divide ?? 1))).join(' .. ')));
  return td;
}

function overlapsFloor({entry, series, floor}) {
  const own = figure(series, 'deliveries_per_second');
  return entry.group !== 'floor' && own && floor && own[1] <= floor[2] && floor[1] <= own[2];
}

function repeatsCell(series) {
  if (!series) return element('td', {}, '-');
  const td = element('td', {}, `${complete(series)} of ${series.repeats}`);
  const kinds = [...new Set(series.problems.map((problem) => problem.status))].join(', ');
  if (kinds) td.append(element('small', {className: 'wrong'}, kinds));
  else if (complete(series) === 1) td.append(element('small', {}, 'no spread'));
  else if (complete(series) < data.enough_repeats) td.append(element('small', {}, 'range: min .. max'));
  return td;
}

function sortedRows() {
  const floorEntry = data.entries.find((entry) => entry.group === 'floor');
  const floor = floorEntry && figure(seriesOf(state.scenario, floorEntry.name, state.held), 'deliveries_per_second');
  const column = columns.find(({key}) => key === state.sort.column);
  const direction = state.sort.descending ? -1 : 1;
  return shownEntries()
      .map((entry) => ({entry, floor, series: seriesOf(state.scenario, entry.name, state.held)}))
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
  document.getElementById('about').textContent =
      `Scenario ${scenario.name}, ${readable(state.held)} held requests${scenario.about ? ': ' + scenario.about : ''}.`;
  const head = columns.map(({key, head, unit}) => {
    const button = element('button', {type: 'button', onclick: () => sortBy(key)}, head);
    const th = element('th', {scope: 'col'}, button, element('small', {}, unit ?? ''));
    if (state.sort.column === key) th.ariaSort = state.sort.descending ? 'descending' : 'ascending';
    return th;
  });
  const rows = sortedRows().map((row) => element('tr', {}, ...columns.map((column) => cell(row, column))));
  document.getElementById('comparison').replaceChildren(
      element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows));
}

// Repeats that ended in the same way are one row.
function alike(problems) {
  const kinds = new Map();
  for (const {status, held, note} of problems) {
    const kind = [status, held, note].join();
    kinds.set(kind, {status, held, note, count: (kinds.get(kind)?.count ?? 0) + 1});
  }
  return [...kinds.values()];
}

// What an entry sits out is one line for each scenario and reason.
function skippedLines() {
  const lines = new Map();
  for (const {scenario, entry, problems} of data.series)
    for (const {note} of problems.filter(({status}) => status === 'skipped')) {
      const line = `${scenario}: ${note}`;
      lines.set(line, (lines.get(line) ?? new Set()).add(entry));
    }
  return [...lines].map(([line, entries]) => element('li', {}, `Skipped in ${line}: ${[...entries].join(', ')}`));
}

function drawProblems() {
  const place = document.getElementById('problems');
  document.getElementById('skipped').replaceChildren(...skippedLines());
  const failed = (series) => series.problems.filter(({status}) => status !== 'skipped');
  const rows = data.series.flatMap((series) => alike(failed(series)).map(({status, held, note, count}) => element('tr', {},
      element('td', {}, entryLabel(data.entries.find(({name}) => name === series.entry))),
      element('td', {className: 'wide'}, series.scenario), element('td', {}, readable(series.held)),
      element('td', {}, readable(held)), element('td', {}, `${count} of ${series.repeats}`),
      element('td', {className: 'wide wrong'}, status), element('td', {className: 'wide'}, note ?? '-'))));
  if (rows.length === 0)
    return place.replaceChildren(element('p', {className: 'empty'}, 'Every repeat that was begun is complete.'));
  const head = ['entry', 'scenario', 'wanted', 'held', 'repeats', 'status', 'note'].map(
      (name) => element('th', {scope: 'col', style: 'wanted held repeats'.includes(name) ? '' : 'text-align: left'}, name));
  place.className = 'scroll';
  place.replaceChildren(element('table', {}, element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...rows)));
}
