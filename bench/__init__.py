"""Measures what the work costs, beside a plain script that does the same. Compare ratios: machines differ."""
