"""labs/lab check: solutions pass, starters fail what is named, wrong solutions are caught for their reason."""
import difflib
import re

from . import bars, building, edits, grading, starter, stories, testing
from .labfile import Problem

GOLDEN_SEED = 1  # a story is compared with one of the same seed
STORY_TRIES = 3  # on a busy machine two things may happen in another order: then the story is told anew


def check(lab, seed, with_bars=True, say=print, golden="compare", times=1):
    """A line for each thing that is wrong. The solution is tried as often as `times` says, or until it fails."""
    problems = starter.drifted(lab)
    solutions = list(starter.pairs(lab))
    if not solutions:
        raise Problem(f"{lab.folder}: has no solution.cpp, so there is nothing to check")
    for time in range(times):
        if not problems:
            problems = check_solution(lab, [solution for solution, _ in solutions], seed + time, with_bars, say)
    problems += check_starter(lab, [file for _, file in solutions], seed, say)
    for name in sorted(lab.wrong):
        problems += check_wrong(lab, name, solutions, with_bars, say, golden)
    stray = {path.stem for path in lab.folder.glob("wrong/*.edit")} - set(lab.wrong)
    problems += [f"{lab.name}: wrong/{name}.edit is not named in lab.json" for name in sorted(stray)]
    return problems


def check_solution(lab, files, seed, with_bars, say):
    say(f"{lab.name}: the solution, with seed {seed}")
    grade = grading.grade(lab, grading.candidate_of_files(lab, files, "check/solution"), seed, with_bars, say)
    if not grade.works:
        return [f"{lab.name}: the solution does not compile:\n{grade.said}"]
    problems = [f"{lab.name}: the solution does not pass {one.test.name} ({one.result.value}, seed {seed}):\n"
                f"{stories.story(one, lab.files[0])}" for one in grade.outcomes if not one.passed]
    problems += [f"{lab.name}: the solution misses a bar: {one.text()}" for one in grade.measured if not one.kept]
    return problems


def check_starter(lab, files, seed, say):
    say(f"{lab.name}: the starter")
    grade = grading.grade(lab, grading.candidate_of_files(lab, files, "check/starter"), seed, False)
    if not grade.works:
        return [f"{lab.name}: the starter does not compile:\n{grade.said}"]
    failed = set(grade.failed)
    return ([f"{lab.name}: the starter passes {name}, and lab.json says that it fails"
             for name in sorted(set(lab.starter_fails) - failed)] +
            [f"{lab.name}: the starter fails {name}, and lab.json does not say so"
             for name in sorted(failed - set(lab.starter_fails))])


def wrong_candidate(lab, name, solutions, for_bars):
    """Compiled: a wrong solution must compile, or it shows nothing. Either for its bar or for its test."""
    path = lab.folder / "wrong" / f"{name}.edit"
    if not path.exists():
        raise Problem(f"{path}: is not there, and lab.json names it")
    candidate = grading.candidate_of_files(lab, [], f"check/wrong-{name}")
    candidate.folder.mkdir(parents=True, exist_ok=True)
    for index, (solution, file) in enumerate(solutions):
        text = solution.read_text()
        target = candidate.folder / file.name
        target.write_text(edits.apply(text, path.read_text(), path) if index == 0 else text)
        candidate.sources.append(target)
    if lab.program:
        works, said = building.compile_candidate(lab, candidate, for_tests=not for_bars, for_bars=for_bars)
        if not works:
            raise Problem(f"{path}: does not compile:\n{said}")
    return candidate


def check_wrong(lab, name, solutions, with_bars, say, golden):
    wrong = lab.wrong[name]
    bar = lab.bar(wrong.fails)
    if bar and not with_bars:
        return []
    try:
        candidate = wrong_candidate(lab, name, solutions, bar is not None)
    except Problem as problem:
        return [str(problem)]
    if bar:
        [measured] = bars.measure(lab, candidate, GOLDEN_SEED, [bar])
        passed, told, story = measured.kept, measured.text(), ""
    else:
        passed, told, story = tell(lab, candidate, wrong)
    say(f"  {'NOT CAUGHT' if passed else 'caught':9}  {name}, by {wrong.fails}")
    if passed:
        return [f"{lab.name}: wrong solution {name} is not caught by {wrong.fails}:\n{told}"]
    if not re.search(wrong.because, told):
        return [f"{lab.name}: wrong solution {name} fails {wrong.fails}, but not because '{wrong.because}':\n{told}"]
    problems = [] if bar else compare(lab, name, story, golden)
    for _ in range(1, STORY_TRIES):
        if problems:
            problems = compare(lab, name, tell(lab, candidate, wrong)[2], golden)
    return problems


def tell(lab, candidate, wrong):
    """Runs the test that must fail: whether it passed, what it said, and its story as golden texts have it."""
    [outcome] = testing.run_tests(lab, candidate, GOLDEN_SEED, [lab.test(wrong.fails)])
    story = stories.normal(stories.story(outcome, lab.files[0], with_threads=False))
    if wrong.exchange_varies:
        story = stories.without_exchange(story)
    # Without the question, in which the reason's words may stand, too.
    return outcome.result is not testing.Result.FAILED, outcome.output + story.partition("\n\nA question:")[0], story


def compare(lab, name, story, golden):
    """The failure's story beside its golden text, which it becomes with "update"."""
    path = lab.folder / "golden" / f"{name}.txt"
    if golden == "update":
        path.parent.mkdir(exist_ok=True)
        path.write_text(story)
    if path.exists() and path.read_text() == story:
        return []
    update = f"labs/lab golden {lab.lab} --update"
    if not path.exists():
        return [f"{path}: is not there: {update}"]
    difference = "\n".join(difflib.unified_diff(path.read_text().splitlines(), story.splitlines(), "golden", "now",
                                                lineterm=""))
    return [f"{path}: the story differs; if it is still right: {update}\n{difference}"]
