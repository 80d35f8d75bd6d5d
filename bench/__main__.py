"""`make bench`: the notifier beside plain scripts that do the same, in one run.

    python -m bench [polling] [delivering] [account] [freshness] [reload] [download] [overload] [history] [page]

The exit status is 1 if a bound was not kept, or an event did not arrive.
"""

import argparse
import sys

from bench import account, delivering, download, freshness, history, overload, page, polling, reload
from bench.processes.parent import print_load

PARTS = ("polling", "delivering", "account", "freshness", "reload", "download", "overload", "history", "page")


def main() -> int:
    """Measure what is asked for, all parts unless said otherwise."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="without any: all")
    parser.add_argument("--watches", type=int, default=1000, help="watches that are polled individually")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two single polls of a watch")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each side is measured")
    parser.add_argument("--events", type=int, default=1000, help="how many events come at once")
    parser.add_argument("--account", type=int, default=100_000, help="how many snapshots the whole account has")
    parser.add_argument("--reloaded", type=int, default=10_000, help="how many watches a reload is of")
    parser.add_argument("--mebibytes", type=int, default=1024, help="how large the results of a download are")
    parser.add_argument("--history", type=int, default=1_000_000, help="deliveries of the history")
    parser.add_argument("--watched", type=int, default=100_000, help="watched snapshots that pages show")
    options = parser.parse_args()
    measures = {
        "polling": lambda: polling.compare(options.watches, options.every, options.seconds),
        "delivering": lambda: delivering.compare(options.events),
        "account": lambda: account.compare(options.account, 3 * options.seconds),
        "reload": lambda: reload.compare(options.reloaded),
        "download": lambda: download.compare(options.mebibytes),
        "overload": lambda: overload.compare(options.every, options.seconds / 2),
        "history": lambda: history.compare(options.history),
        "page": lambda: page.compare(options.watched, options.history),
        "freshness": lambda: freshness.compare(options.watches, options.every, options.seconds),
    }
    print_load()
    kept = []
    for part in options.parts or PARTS:
        kept.append(measures[part]())
        print(flush=True)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
