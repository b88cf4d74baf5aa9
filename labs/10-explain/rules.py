"""The rules: what of an explanation a program can check. The rest is the teacher's."""
import re

from form import FIGURES, NUMBER, explanations, measured, number, prediction_digest, predictions, stamp

LEAST_WORDS = 20  # of an explanation
SMALL = 10        # whole numbers below this are counts, such as 2 threads
MORE = ("more", "larger", "higher", "greater", "bigger", "slower", "longer", "dearer")
LESS = ("less", "fewer", "smaller", "lower", "cheaper", "faster", "shorter")
# Before a comparison, in the same clause: "not more", "does not need more memory", "no larger"; not "not only more".
DENIED = re.compile(r"(?:\b(?:not|no|never|cannot)|n't)(?!\s+(?:only|just)\b)"
                    r"(?:\s+(?!(?:and|but|or|so|since|because|which|that)\b)[\w-]+){0,3}\s+$", re.IGNORECASE)
# A sentence that speaks of another figure than its own statement's says so by one of these.
SPEAKS_OF = {"user_bytes": r"\b(bytes|memory)\b", "server_cpu_us": r"\b(cpu|processor|microseconds)\b",
             "switches": r"\bswitch\w*\b"}


def before(form):
    """The predictions are those that were stamped, and the run began after that."""
    predictions(form)
    when, stamped = stamp(form)
    if stamped != prediction_digest(form):
        yield "the prediction was changed after its stamp: labs/lab predict stamps it again, and then measure again"
    run = measured(form)
    if run.started < when:
        yield f"the prediction is of {when}, and the run began at {run.started}: measure again, for this is no prediction"
    if run.prediction != stamped:
        yield "another prediction was stamped when the run began: labs/lab measure"


def figures(form):
    """Every number of the explanations is one of the run."""
    run = measured(form)
    for one in explanations(form):
        ratio = run.values.get((one.figure, f"mine / {one.reference}"))
        if ratio is None:
            yield f"{one.figure}: '{one.reference}' was not measured in this run"
        elif not is_rounded(ratio[0], one.times):
            yield f"{one.figure}: {one.times} times {one.reference} is not of this run, in which it is {ratio[0]:g}"
        for text in re.findall(rf"(?<![\w.]){NUMBER}(?!\.?\d)", without_quotations(one.text)):
            if "." not in text and number(text) < SMALL:
                continue
            if number(text) in run.counts:
                continue
            if not any(is_rounded(value, text) for values in run.values.values() for value in values):
                yield (f"{one.figure}: {text} is no figure of this run; a number from elsewhere, such as one from your code, "
                       "stands in `backquotes`")


def is_rounded(value, text):
    """Whether `text` is the value, rounded to as many digits as it has. 13 and 13.2 are 13.24; 5,500 is 5,477."""
    decimals = len(text.partition(".")[2])
    zeros = 0 if decimals else len(text) - len(text.rstrip("0"))
    return abs(value - number(text)) <= 0.5001 * 10 ** (zeros - decimals)


def without_quotations(text):
    return re.sub(r"`[^`]*`", "", text)


def directions(form):
    """What is called more is more, and a prediction is called right if it is."""
    run = measured(form)
    predicted = {(one.figure, one.reference): one for one in predictions(form)}
    for one in explanations(form):
        ratio = run.values.get((one.figure, f"mine / {one.reference}"))
        prediction = predicted.get((one.figure, one.reference))
        if ratio and prediction:
            right = prediction.least <= ratio[0] <= prediction.most
            if right != (one.verdict == "as predicted"):
                yield (f"{one.figure}: predicted were {prediction.least:g} to {prediction.most:g} times {one.reference}, "
                       f"and it is {ratio[0]:g} times: that is {'as' if right else 'not as'} predicted")
        for sentence in re.split(r"(?<=[.;:])\s", one.text):
            yield from compared(one, sentence, run)


def compared(explanation, sentence, run):
    """Comparisons such as 'more than async' and 'not more than async': of mine, unless another entry stands before."""
    compares = rf"\b({'|'.join(MORE + LESS)})\b(?:\W+\w+){{0,4}}?\W+than ([\w-]+)"
    entries = rf"\b(mine|{'|'.join(map(re.escape, references(run)))})\b"
    figure = next((name for name, words in SPEAKS_OF.items() if re.search(words, sentence, re.IGNORECASE)),
                  explanation.figure)
    for match in re.finditer(compares, sentence, re.IGNORECASE):
        named = re.findall(entries, sentence[:match.start()], re.IGNORECASE)
        first, second = named[-1].lower() if named else "mine", match[2].rstrip("-").lower()
        if first == second or not all((figure, name) in run.values for name in (first, second)):
            continue
        (one, one_least, one_most), (other, other_least, other_most) = run.values[figure, first], run.values[figure, second]
        denied = DENIED.search(sentence[:match.start()])
        said = f"{denied[0] if denied else ''}{match[0]}"
        if one_least <= other_most and other_least <= one_most:
            if not denied:  # what is no difference is not more, and not less
                yield (f"{explanation.figure}: '{said}': the ranges of {figure} overlap, so this run does not tell the "
                       "two apart")
        elif (one > other) != ((match[1].lower() in MORE) != bool(denied)):
            yield (f"{explanation.figure}: '{said}' contradicts the run: {figure} of {first} is {one:g}, of {second} "
                   f"{other:g}")


def references(run):
    return sorted({entry for _, entry in run.values if "/" not in entry and entry != "mine"})


def explained(form):
    """Each prediction has an explanation, of some length, that says why."""
    given = {(one.figure, one.reference): one for one in explanations(form)}
    for one in predictions(form):
        explanation = given.get((one.figure, one.reference))
        if explanation is None:
            yield f"{one.figure} beside {one.reference} is predicted, and not explained"
        elif len(explanation.text.split()) < LEAST_WORDS:
            yield (f"{one.figure} beside {one.reference}: fewer than {LEAST_WORDS} words; say what happens in the server that "
                   "costs this")
        elif not re.search(r"\b(because|since|so that|so|therefore|for)\b", explanation.text):
            yield f"{one.figure} beside {one.reference}: it says no reason (because, so, therefore)"


RULES = {"before": before, "figures": figures, "directions": directions, "explained": explained}
assert set(SPEAKS_OF) == set(FIGURES)
