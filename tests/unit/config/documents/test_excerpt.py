"""The limit on problems of a kind is the same for one file and for many."""

from hypothesis import given
from hypothesis import strategies as st

from notifier.config.documents.excerpt import MOST_OF_A_KIND, Excerpt, excerpt, merge_excerpts
from notifier.core.errors import Problem

files = st.lists(
    st.lists(st.tuples(st.sampled_from(["no such channel", "no such key"]), st.integers(1, 40)), max_size=4), max_size=4
).map(lambda all_files: [problems(str(name), runs) for name, runs in enumerate(all_files)])


def problems(file: str, runs: list[tuple[str, int]]) -> list[Problem]:
    texts = [f"{text} '{number}'" for text, length in runs for number in range(length)]
    return [Problem(file=file, line=line, text=text) for line, text in enumerate(texts, 1)]


@given(files)
def test_every_problem_is_reported_in_order_or_counted_once(files: list[list[Problem]]) -> None:
    told = merge_excerpts(map(excerpt, files))
    everything = [problem for file in files for problem in file]
    for kind in ("no such channel", "no such key"):
        of_kind = [problem for problem in everything if problem.text.startswith(kind)]
        expected = of_kind[:MOST_OF_A_KIND]
        if more := len(of_kind) - len(expected):
            text = f"and {more} more of this kind: {expected[-1].text}"
            expected.append(Problem(file=expected[-1].file, text=text))
        assert [problem for problem in told if kind in problem.text] == expected


def test_a_file_keeps_a_bounded_number_of_each_kind() -> None:
    kept = excerpt(problems("a", [("no such key", 100_000)]))
    assert len(kept.problems) == MOST_OF_A_KIND
    assert sum(kept.more.values()) == 100_000 - MOST_OF_A_KIND


def test_no_problems_give_an_empty_excerpt() -> None:
    assert merge_excerpts([excerpt([]), Excerpt()]) == []
