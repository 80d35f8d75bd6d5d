"""Addresses to go back to, none of which leads elsewhere. Pure."""

LONGEST = 2_000


def local_path(address: str) -> str:
    """Return the address if it is a path of this daemon, else `/`.

    Browsers take a backslash for a slash, leave out control characters, and read `//name` as another machine.
    """
    inside = address.isascii() and address.isprintable() and not set(address) & set('\\ "<>;')
    return address if inside and address[:1] == "/" and address[1:2] != "/" and len(address) <= LONGEST else "/"
