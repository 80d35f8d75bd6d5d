"""The folder of a download, and the database of `state:`."""

from notifier.config.values.text import text


def folder(value: object) -> str:
    """Validate the path of a folder."""
    checked = str(text(value)).strip()
    if "://" in checked:
        raise ValueError("a folder is expected here, not a URL: write its path")
    if checked.startswith("~"):
        raise ValueError("`~` is not expanded here: write the whole path, `/home/…`")
    return checked


def state(value: object) -> str:
    """Validate `sqlite:///PATH`, and return the path."""
    checked = str(text(value))
    if checked.startswith(("postgresql://", "postgres://", "postgresql+")):
        raise ValueError("PostgreSQL is not supported yet: write `sqlite:///notifier.db`")
    if not checked.startswith("sqlite:///"):
        raise ValueError("write `sqlite:///notifier.db` (relative to this file) or `sqlite:////var/lib/…` (absolute)")
    path = checked.removeprefix("sqlite:///")
    if path == ":memory:" or path.startswith("file:"):
        raise ValueError("the state must outlive a restart: name a file, as in `sqlite:///notifier.db`")
    if not path or path.endswith(("/", "/.", "/..")) or path in (".", ".."):
        raise ValueError("the name of the file is missing: write `sqlite:///notifier.db`")
    if "?" in path or "#" in path:
        raise ValueError("options are not allowed here: write only the path of the file")
    if path.startswith("~"):
        raise ValueError("`~` is not expanded here: write the whole path, `sqlite:////home/…`")
    return path
