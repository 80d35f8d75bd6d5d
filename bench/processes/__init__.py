"""What the benchmark runs in processes of their own: `parent` starts them and talks with them."""
