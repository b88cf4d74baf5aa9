"""The class page: everybody's points and figures, as one HTML file that asks nobody for anything."""
import html
import os
import statistics

STYLE = """
:root { color-scheme: light dark; --line: #8884; --dot: #2a6fbb; --missed: #c4472b; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { padding: .2rem .8rem; text-align: left; border-bottom: 1px solid var(--line); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; } svg text { font: 13px system-ui, sans-serif; fill: currentColor; }
.bar { stroke: var(--missed); stroke-dasharray: 5 4; } .interval { stroke-width: 3; } .axis { stroke: var(--line); }
.kept { stroke: var(--dot); fill: var(--dot); } .missed { stroke: var(--missed); fill: var(--missed); }
"""
WIDTH, LEFT, ROW, RIGHT = 900, 220, 24, 60


def write(path, rows, version):
    labs = {row.lab.lab: row.lab for row in rows}
    body = [f"<h1>The class</h1><p>Kit {html.escape(version)}. Points, then everybody's figures.</p>", points(rows, labs)]
    for number in sorted(labs):
        body += plots(labs[number], [row for row in rows if row.lab.lab == number and row.grade])
    page = (f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>The class</title><style>{STYLE}</style><body>{''.join(body)}</body></html>\n")
    new = path.with_suffix(".new")
    new.write_text(page)
    os.replace(new, path)


def points(rows, labs):
    head = "".join(f"<th scope='col'>lab {number}</th>" for number in sorted(labs))
    lines = []
    for student in sorted({row.student for row in rows}):
        own = {row.lab.lab: row for row in rows if row.student == student}
        cells = "".join(f"<td class='number'>{said(own.get(number))}</td>" for number in sorted(labs))
        lines.append(f"<tr><th scope='row'>{html.escape(student)}</th>{cells}</tr>")
    return f"<table><thead><tr><th scope='col'>student</th>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def said(row):
    if row is None:
        return "-"
    if row.note or not row.grade:
        return f"0: {html.escape(row.note)}"
    text = f"{row.grade.points} of {row.grade.asked}"
    if row.grade.failed:
        text += f"<br><small>{'<br>'.join(map(html.escape, row.grade.failed))}</small>"
    return text


def plots(lab, rows):
    for bar in lab.bars:
        measured = [(row.student, one) for row in rows for one in row.grade.measured
                    if one.bar.figure == bar.figure and one.values]
        if measured:
            unit = f", times {bar.reference}'s" if bar.reference else ""
            yield f"<h2>Lab {lab.lab}: {html.escape(bar.figure + unit)}</h2><p>{html.escape(bar.says)}. The dashed line is the bar; "
            yield "a dot is the median of five repeats, its line their range.</p>" + plot(bar, sorted(
                measured, key=lambda pair: statistics.median(pair[1].values)))


def plot(bar, measured):
    """A row for each student, the least first, from 0 on."""
    most = max([bar.at_most * 1.2, *(max(one.values) for _, one in measured)]) or 1
    height = ROW * (len(measured) + 2)

    def x(value):
        return round(LEFT + (WIDTH - LEFT - RIGHT) * value / most, 1)

    parts = [f"<line class='axis' x1='{LEFT}' x2='{LEFT}' y1='0' y2='{height - ROW}'/>",
             f"<line class='bar' x1='{x(bar.at_most)}' x2='{x(bar.at_most)}' y1='0' y2='{height - ROW}'/>",
             f"<text x='{x(bar.at_most)}' y='{height - 6}' text-anchor='middle'>at most {bar.at_most:g}</text>"]
    for index, (student, one) in enumerate(measured):
        y, kind, middle = ROW * (index + 1), "kept" if one.kept else "missed", statistics.median(one.values)
        parts.append(f"<text x='{LEFT - 10}' y='{y + 4}' text-anchor='end'>{html.escape(student)}</text>"
                     f"<line class='interval {kind}' x1='{x(min(one.values))}' x2='{x(max(one.values))}' y1='{y}' y2='{y}'/>"
                     f"<circle class='{kind}' cx='{x(middle)}' cy='{y}' r='5'/>"
                     f"<text x='{x(max(one.values)) + 10}' y='{y + 4}'>{middle:.3g}</text>")
    about = html.escape(bar.says, quote=True)
    return f"<svg viewBox='0 0 {WIDTH} {height}' role='img' aria-label='{about}'>{''.join(parts)}</svg>"
