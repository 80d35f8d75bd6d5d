"""The sign-in page as plain HTML, for as long as there are no templates."""

from html import escape

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign in · notifier</title></head>
<body>
<h1>Sign in</h1>
<p role="alert">{trouble}</p>
<form method="post" action="/sign-in">
<input type="hidden" name="next" value="{onwards}">
<label>Token <input name="token" type="password" required autocomplete="current-password"></label>
<button>Sign in</button>
</form>
</body>
</html>
"""


def render(trouble: str, onwards: str) -> str:
    """Return the page."""
    return _PAGE.format(trouble=escape(trouble), onwards=escape(onwards))
