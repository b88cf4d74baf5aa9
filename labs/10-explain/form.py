"""The form: a student's predictions, the tool's stamp and figures, and the student's explanations, in one file.

    [prediction]
    user_bytes of mine is 8 to 20 times async, because ...
    [stamp]         written by predict
    [measured]      written by measure
    [explanation]
    user_bytes of mine is 13.2 times async, as predicted.
    ...

A line that begins with // says something to the reader."""
import hashlib
import re
from dataclasses import dataclass, field

SECTIONS = ("prediction", "stamp", "measured", "explanation")
FIGURES = {"user_bytes": "user memory for each held request, in bytes",
           "server_cpu_us": "the server's processor time for each delivery, in microseconds",
           "switches": "context switches of the server for each delivery"}
NUMBER = r"\d[\d,]*(?:\.\d+)?"
PREDICTION = re.compile(rf"(\w+) of mine is ({NUMBER}) to ({NUMBER}) times ([\w-]+), because (.+)")
EXPLANATION = re.compile(rf"(\w+) of mine is ({NUMBER}) times ([\w-]+), (as predicted|not as predicted)\.")
BEGINS = re.compile(r"\w+ of mine is ")


class Problem(Exception):
    """What is wrong with a form, in one line."""


@dataclass
class Prediction:
    figure: str
    least: float
    most: float
    reference: str


@dataclass
class Explanation:
    figure: str
    times: str
    reference: str
    verdict: str
    text: str = ""


@dataclass
class Measured:
    """What the tool wrote: of each (figure, entry) the median, the least and the most; entry "mine / async" is a ratio."""
    started: str = ""
    prediction: str = ""  # its digest when the run began
    values: dict = field(default_factory=dict)
    counts: list = field(default_factory=list)  # how many were held, and how often it was measured


def number(text):
    return float(text.replace(",", ""))


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sections(text):
    """Name to its lines, without comments and empty lines."""
    divided, name = {}, None
    for count, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("//"):
            continue
        if match := re.fullmatch(r"\[(\w+)\]", line):
            name = match[1]
            if name not in SECTIONS or name in divided:
                raise Problem(f"line {count}: [{name}] is none of the sections, or is there twice: {', '.join(SECTIONS)}")
            divided[name] = []
        elif name is None:
            raise Problem(f"line {count}: begin with a section: [prediction]")
        else:
            divided[name].append(line)
    return divided


def with_section(text, name, lines):
    """The form with this section's lines replaced; all else stays as the student wrote it."""
    block = f"[{name}]\n" + "".join(f"{line}\n" for line in lines) + "\n"
    replaced, count = re.subn(rf"(?m)^\[{name}\][ \t]*\n(?:(?!\[|//).*\n)*", lambda _: block, text, count=1)
    if not count:
        raise Problem(f"the form has no section [{name}]: put the line back")
    return replaced


def statements(lines):
    """Each statement on one line, though it may go on over several."""
    joined = []
    for line in lines:
        if BEGINS.match(line) or not joined:
            joined.append(line)
        else:
            joined[-1] += f" {line}"
    return joined


def predictions(form):
    found = []
    for statement in statements(form.get("prediction", [])):
        match = PREDICTION.fullmatch(statement)
        if not match or match[1] not in FIGURES:
            raise Problem(f"'{statement[:60]}': write 'FIGURE of mine is LEAST to MOST times REFERENCE, because ...', "
                          f"where FIGURE is {', '.join(FIGURES)}")
        found.append(Prediction(match[1], number(match[2]), number(match[3]), match[4]))
    for figure in FIGURES:
        if not any(one.figure == figure for one in found):
            raise Problem(f"there is no prediction of {figure}: one for each of {', '.join(FIGURES)}")
    return found


def prediction_digest(form):
    return digest("\n".join(form.get("prediction", [])))


def explanations(form):
    found = []
    for statement in statements(form.get("explanation", [])):
        match = EXPLANATION.match(statement)
        if not match or match[1] not in FIGURES:
            raise Problem(f"'{statement[:60]}': begin with 'FIGURE of mine is NUMBER times REFERENCE, as predicted.' "
                          "(or 'not as predicted.')")
        found.append(Explanation(*match.groups(), statement[match.end():].strip()))
    return found


def measured_lines(measured, facts):
    """The section as the tool writes it; its last line is a digest of the others."""
    lines = [f"started: {measured.started}", f"prediction: {measured.prediction}", *facts]
    for (figure, entry), values in measured.values.items():
        median, least, most = (readable(value) for value in values)
        lines.append(f"{figure} of {entry}: {median} ({least}..{most})")
    return [*lines, f"digest: {digest(chr(10).join(lines))}"]


def readable(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def measured(form):
    lines = form.get("measured", [])
    if not lines:
        raise Problem("there are no figures yet: labs/lab measure")
    if lines[-1] != f"digest: {digest(chr(10).join(lines[:-1]))}":
        raise Problem("[measured] is not what the tool wrote: labs/lab measure writes it again")
    found = Measured()
    for line in lines:
        key, _, value = line.partition(": ")
        if key in ("started", "prediction"):
            setattr(found, key, value)
        elif key == "held":
            found.counts = [number(one) for one in re.findall(NUMBER, value)]
        elif match := re.fullmatch(rf"(\w+) of ([\w/ -]+): ({NUMBER}) \(({NUMBER})\.\.({NUMBER})\)", line):
            found.values[match[1], match[2]] = tuple(number(one) for one in match.groups()[2:])
    return found


def stamp(form):
    """(when, digest of the prediction)."""
    said = dict(line.partition(": ")[::2] for line in form.get("stamp", []))
    if "stamped" not in said or "prediction" not in said:
        raise Problem("the prediction is not stamped: labs/lab predict, before you measure")
    return said["stamped"], said["prediction"]
