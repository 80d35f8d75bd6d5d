"""What `notifier trigger` says of its inputs, and of a refusal."""

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
"""Lines; a screen has a few more. All of them are in the JSON."""
LONGEST_FAULT = 300


def summary(inputs: "Inputs") -> str:
    """What is in the inputs: "312 inputs: url, country (3 empty rows left out)"."""
    fields = [one_line(name, 40) or "''" for name in inputs.fields[:MOST_FIELDS]]
    if more := len(inputs.fields) - len(fields):
        fields.append(f"and {more:,} more")
    left_out = f" ({count(inputs.left_out, 'empty row')} left out)" if inputs.left_out else ""
    return f"{count(inputs.number, 'input')}: {', '.join(fields) or 'without a field'}{left_out}"


def fault_lines(faults: "Sequence[InputError]") -> list[str]:
    """What is wrong with each input, one a line, at most a screen."""
    lines = [f"  {one_line(str(each), LONGEST_FAULT)}" for each in faults[:MOST_FAULTS]]
    if more := len(faults) - len(lines):
        lines.append(f"  and {more:,} more; --json shows all")
    return lines


DEEPEST_ANSWER = 50
"""Levels. What is nested more deeply is shown as text: to print it as JSON would take more than Python's stack."""


def _depth(value: Any) -> int:
    """How many levels a value of JSON has."""
    depth, level = 0, [value]
    while level:
        depth += 1
        held = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [inner for each in held for inner in each]
    return depth


def refusal_as_data(dataset: str, refused: "NotStarted") -> dict[str, Any]:
    """A refusal for JSON, whole."""
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
