"""What the tests share: fakes, worlds to test in, and short ways to values."""
