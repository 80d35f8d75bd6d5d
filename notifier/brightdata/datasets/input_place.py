"""The error for a refused file of inputs, with its place in the file."""


class InvalidInput(ValueError):
    """A file of inputs is refused. Lines and columns count from 1; None if the place is not known."""

    def __init__(self, text: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.line = line
        self.column = column

    def __str__(self) -> str:
        if self.line is None:
            return self.text
        place = f"line {self.line}" if self.column is None else f"line {self.line}, column {self.column}"
        return f"{place}: {self.text}"

    def in_file(self, name: str) -> str:
        """Returns the text with its place, as compilers write it: `in.csv:3:7: …`."""
        places = [str(each) for each in (self.line, self.column) if each is not None]
        return f"{':'.join([name, *places])}: {self.text}"


def invalid_at(text: str, offset: int, why: str) -> InvalidInput:
    """Returns the error for a place given as an offset of the text."""
    return InvalidInput(why, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
