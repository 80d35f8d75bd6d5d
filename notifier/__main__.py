"""`python -m notifier` is the console script `notifier`."""

from notifier.cli import main

if __name__ == "__main__":
    main()
