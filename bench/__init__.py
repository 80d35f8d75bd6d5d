"""What the work costs, beside a plain script that does the same. Ratios count: machines differ and are shared."""
