"""The texts of `notifier trigger` about its inputs, and about a refusal."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from notifier.core.words import count, one_line, safe

if TYPE_CHECKING:
    from notifier.brightdata.datasets.input_errors import InputError
    from notifier.brightdata.datasets.inputs import Inputs
    from notifier.brightdata.datasets.trigger import NotStarted

MOST_FIELDS = 20
MOST_FAULTS = 20
"""Lines on the terminal. The JSON has all of them."""
LONGEST_FAULT = 300


def summary(inputs: "Inputs") -> str:
    """Return a summary of the inputs: "312 inputs: url, country (3 empty rows left out)"."""
    fields = [one_line(name, 40) or "''" for name in inputs.fields[:MOST_FIELDS]]
    if more := len(inputs.fields) - len(fields):
        fields.append(f"and {more:,} more")
    left_out = f" ({count(inputs.left_out, 'empty row')} left out)" if inputs.left_out else ""
    return f"{count(inputs.number, 'input')}: {', '.join(fields) or 'without a field'}{left_out}"


def fault_lines(faults: "Sequence[InputError]") -> list[str]:
    """Return the errors of the inputs, one a line, at most a screen."""
    lines = [f"  {one_line(str(each), LONGEST_FAULT)}" for each in faults[:MOST_FAULTS]]
    if more := len(faults) - len(lines):
        lines.append(f"  and {more:,} more; --json shows all")
    return lines


DEEPEST_ANSWER = 50
"""Levels. Deeper answers are shown as text: printing them as JSON could exceed Python's stack."""


def _depth(value: Any) -> int:
    """Return the number of levels of a JSON value."""
    depth, level = 0, [value]
    while level:
        depth += 1
        held = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [inner for each in held for inner in each]
    return depth


def refusal_as_data(dataset: str, refused: "NotStarted") -> dict[str, Any]:
    """Return a refusal for JSON, complete."""
    try:
        answer: Any = json.loads(refused.answer)
        json.dumps(answer, allow_nan=False)
    except (ValueError, RecursionError):
        answer = refused.answer
    if _depth(answer) > DEEPEST_ANSWER:
        answer = refused.answer
    return {
        "snapshot": None,
        "dataset": dataset,
        "error": refused.unclear.detail,
        "errors": [
            {
                "input": each.number,
                "line": each.line,
                "index": each.index,
                "field": each.field,
                "text": safe(each.text),
            }
            for each in refused.faults
        ],
        "answer": answer,
    }
