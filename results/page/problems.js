// What did not complete, what went wrong in repeats that did, and what was skipped.
'use strict';

// Repeats that ended in the same way are one row.
function alike(problems) {
  const kinds = new Map();
  for (const {status, held, note} of problems) {
    const kind = [status, held, note].join();
    kinds.set(kind, {status, held, note, repeats: (kinds.get(kind)?.repeats ?? 0) + 1});
  }
  return [...kinds.values()];
}

function problemsOf(series) {
  const faults = series.faults.map(({what, count, repeats}) => (
    {status: what, held: null, repeats, note: count > repeats ? `${readable(count)} in all` : null}));
  return [...alike(series.problems.filter(({status}) => status !== 'skipped')), ...faults];
}

// Skipped entries: one line for each scenario and reason.
function skippedLines() {
  const lines = new Map();
  for (const {scenario, entry, problems} of data.series)
    for (const {note} of problems.filter(({status}) => status === 'skipped')) {
      const line = `${scenario}: ${note}`;
      lines.set(line, (lines.get(line) ?? new Set()).add(entry));
    }
  return [...lines].map(([line, entries]) => element('li', {}, `Skipped in ${line}: ${[...entries].join(', ')}`));
}

function placeNamed({scenario, held, publishes_per_second: rate}) {
  return ratesOf(scenario, held).length > 1 ? `${scenario}, ${readable(rate)} messages/s` : scenario;
}

function drawProblems() {
  const place = document.getElementById('problems');
  document.getElementById('skipped').replaceChildren(...skippedLines());
  const rows = data.series.flatMap((series) => problemsOf(series).map(({status, held, note, repeats}) => element('tr', {},
      element('td', {}, entryLabel(data.entries.find(({name}) => name === series.entry))),
      element('td', {className: 'wide'}, placeNamed(series)), element('td', {}, readable(series.held)),
      element('td', {}, readable(held)), element('td', {}, `${repeats} of ${series.repeats}`),
      element('td', {className: 'wide wrong'}, status), element('td', {className: 'wide'}, note ?? '-'))));
  if (rows.length === 0)
    return place.replaceChildren(element('p', {className: 'empty'}, 'Every repeat that was begun is complete, without ' +
        'an error. Deliveries were lost only where a steady scenario without cursors counts them.'));
  const head = ['entry', 'scenario', 'wanted', 'held', 'repeats', 'what', 'note'].map(
      (name) => element('th', {scope: 'col', className: 'wanted held repeats'.includes(name) ? '' : 'left'}, name));
  place.className = 'scroll';
  place.replaceChildren(element('table', {}, element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...rows)));
}
