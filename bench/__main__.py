"""`make bench`: the notifier beside plain scripts that do the same, in one run.

    python -m bench [polling] [delivering] [--watches 1000] [--every 5] [--seconds 45] [--events 1000]

The exit status is 1 if the daemon was late or wrong, or an event did not arrive.
"""

import argparse
import sys

from bench import delivering, polling


def main() -> int:
    """Measure what is asked for, everything unless said otherwise."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("parts", nargs="*", choices=[[], "polling", "delivering"], help="all, unless some are named")
    parser.add_argument("--watches", type=int, default=1000)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two polls of a watch")
    parser.add_argument("--seconds", type=float, default=45.0, help="how long each side is measured polling")
    parser.add_argument("--events", type=int, default=1000, help="how many events come at once")
    options = parser.parse_args()
    kept = []
    if "polling" in options.parts or not options.parts:
        kept.append(polling.compare(options.watches, options.every, options.seconds))
        print()
    if "delivering" in options.parts or not options.parts:
        kept.append(delivering.compare(options.events))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
