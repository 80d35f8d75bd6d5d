"""Puts the helpers beside it, such as `fakes`, in reach of every folder of tests, and loads Apprise's plugins once.

Some plugins warn, as they are loaded, of what a later Python will drop; a warning of ours fails a test.
"""

import warnings

from apprise import Apprise

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    Apprise.instantiate("json://localhost")
